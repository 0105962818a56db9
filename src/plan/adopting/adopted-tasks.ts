/** The tasks of an adopted feature as they are written into its backlog. Pure; reads no disk. */

import { escapeGlob } from '../../model/paths/glob-parser.js';
import { parsePattern } from '../../model/paths/pattern.js';
import { outlineOf } from '../outline.js';
import { commonFolder, type FileGroup, groupFiles } from './file-groups.js';
import { leadingText } from './leading-text.js';
import { folderOf, type ImportingFile, type SourceTree } from './source-imports.js';

/** As in a backlog. */
export interface AdoptedTask {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly acceptance?: readonly string[];
  readonly context?: Readonly<Partial<Record<'constraints' | 'patterns' | 'gotchas', readonly string[]>>>;
  readonly depends_on?: readonly string[];
  readonly outputs: readonly string[];
  readonly interface?: readonly string[];
}

/** Names of one file that its description lists. */
const MAX_NAMES = 12;

/** `ownerOf`: the label of the task of another feature that owns a file. */
export function adoptedTasks(
  files: readonly ImportingFile[],
  tree: SourceTree,
  ownerOf: (path: string) => string | undefined,
): readonly AdoptedTask[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const groups = groupFiles(files, tree);
  const ids = idsOf(groups);
  return groups.map((group, i) => {
    const paths = [...group.sources, ...group.tests];
    const needs = [
      ...group.needs.map((need) => ids[need] as string),
      ...new Set(group.outside.flatMap((path) => ownerOf(path) ?? [])),
    ];
    return {
      id: ids[i] as string,
      title: titleOf(group),
      description: descriptionOf(group, texts),
      ...(needs.length === 0 ? {} : { depends_on: needs }),
      outputs: paths.map(literal),
      // What other tasks are keyed on: not its tests.
      ...(group.tests.length > 0 && group.sources.length > 0
        ? { interface: group.sources.map(literal) }
        : {}),
    };
  });
}

/** A path as a pattern that matches nothing else. */
export function literal(path: string): string {
  return parsePattern(path).isGlob ? escapeGlob(path) : path;
}

function titleOf({ sources, tests }: FileGroup): string {
  const paths = [...sources, ...tests];
  if (sources.length === 1 || paths.length === 1) return paths[0] as string;
  const folder = commonFolder(paths);
  return `${paths.length} files in ${folder === '' ? 'the project' : folder}`;
}

function descriptionOf({ sources, tests }: FileGroup, texts: ReadonlyMap<string, string>): string {
  const described = sources.length > 0 ? sources : tests;
  const parts = described.map((path) => {
    const text = texts.get(path) ?? '';
    const names = outlineOf({ path, text });
    const shown = names.slice(0, MAX_NAMES).map((name) => `\`${name}\``);
    const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
    const exported = shown.length > 0 && !path.endsWith('.md') ? `It offers ${shown.join(', ')}${more}.` : '';
    return { path, words: [leadingText(path, text), exported].filter(Boolean).join(' ') };
  });
  const [only] = parts;
  const text =
    parts.length === 1
      ? `${only?.words === '' ? 'As it is today.' : only?.words}`
      : `As it is today:\n${parts.map(({ path, words }) => `- ${path}${words === '' ? '' : `: ${words}`}`).join('\n')}`;
  return withoutPlaces(text);
}

/** Two braces would be read as a place to fill in. */
export function withoutPlaces(text: string): string {
  return text.replaceAll('{{', '{ {');
}

/** Short names, each once: of the file, then with the folders above it. */
function idsOf(groups: readonly FileGroup[]): readonly string[] {
  const taken = new Set<string>();
  return groups.map((group) => {
    const words = wordsOf(group);
    for (let length = 1; length <= words.length; length++) {
      const id = words.slice(-length).join('-');
      if (!taken.has(id.toLowerCase())) return claim(taken, id);
    }
    const id = words.join('-');
    for (let n = 2; ; n++) if (!taken.has(`${id}-${n}`.toLowerCase())) return claim(taken, `${id}-${n}`);
  });
}

function claim(taken: Set<string>, id: string): string {
  taken.add(id.toLowerCase());
  return id;
}

function wordsOf({ sources, tests }: FileGroup): string[] {
  const paths = sources.length > 0 ? sources : tests;
  const [first = ''] = paths;
  const folders = folderOf(first).split('/');
  const name = first.slice(first.lastIndexOf('/') + 1).replace(/^(\.?[^.]+).*$/, '$1');
  const isWhole = paths.length > 1 && paths.every((path) => folderOf(path) === folderOf(first));
  const isIndex = name === 'index' || name === '__init__' || name === 'mod';
  const own = (isWhole || isIndex) && folders.at(-1) !== '' ? [] : [name];
  const suffix = sources.length === 0 && !/test|spec/i.test(name) ? ['test'] : [];
  const words = [...folders, ...own].map(idWord).filter((word) => word !== '');
  return words.length === 0 ? ['files'] : [...words.slice(0, -1), [words.at(-1), ...suffix].join('-')];
}

function idWord(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
}
