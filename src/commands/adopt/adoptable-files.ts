/** Which of the named files can be adopted, and why the others cannot. Reads the snapshot; changes nothing. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareBytes } from '../../base/order.js';
import { err, ok, type Result } from '../../base/result.js';
import { exists } from '../../io/files.js';
import { DEFAULT_SECRETS } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { parsePattern, patternProblem } from '../../model/paths/pattern.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Entry } from '../../model/tree.js';
import {
  type ImportingFile,
  importedPaths,
  type SourceTree,
  sourceKind,
} from '../../plan/adopting/source-imports.js';
import { CONDUCTOR_FOLDER } from '../../project/log-files.js';
import type { Project } from '../../project/project.js';

export interface SkippedFile {
  readonly path: string;
  readonly because: string;
}

export interface AdoptableFiles {
  readonly files: readonly ImportingFile[];
  /** In byte order, without files that are no source code. */
  readonly skipped: readonly SkippedFile[];
  /** The number of files in the named folders that are no source code. */
  readonly others: number;
  readonly tree: SourceTree;
}

/** git's own rule for what is binary. */
const BINARY_BYTES = 8000;
/** Settings of tools: every task reads them, as hand-written files. */
const SETTINGS = /(?:^|\/)(?:\.[^/]+|[^/]+\.config\.[cm]?[jt]s|setup\.py|gulpfile\.[cm]?js|Gruntfile\.js)$/;
/** Skipped files that one message names. */
const MAX_NAMED = 5;
const NO_SOURCE = 'no source code';
const OF_CONDUCTOR = "it belongs to conductor's own settings";

/** `paths` are relative to the project. A path that names one file must be adoptable; of a folder the rest is skipped. */
export async function adoptableFiles(
  project: Project,
  paths: readonly string[],
): Promise<Result<AdoptableFiles, Failure>> {
  const named = new Set<string>();
  const wanted = new Set<string>();
  const skipped: SkippedFile[] = [];
  for (const path of paths) {
    const found = filesNamed(project, path);
    if (found === undefined) return err(await notThere(project, path));
    if (found.isFile) named.add(path);
    for (const one of found.paths) wanted.add(one);
    if (!found.isFile) skipped.push(...(await hiddenSecrets(project, path)));
  }
  const tree = await sourceTree(project);
  const texts = await textsOf(project, [...wanted]);
  const used = await usedByTasks(project, tree);
  const files: ImportingFile[] = [];
  const refused: SkippedFile[] = [];
  // Nobody who names a folder means these: they are told of only where there is nothing else.
  const own: SkippedFile[] = [];
  let others = 0;
  for (const path of [...wanted].sort(compareBytes)) {
    const content = texts.get(path);
    const because = reasonAgainst(project, path, { content, isNamed: named.has(path), used });
    if (because === undefined) files.push({ path, text: content?.toString('utf8') ?? '' });
    else if (named.has(path)) refused.push({ path, because });
    else if (because === NO_SOURCE) others++;
    else if (because === OF_CONDUCTOR) own.push({ path, because });
    else skipped.push({ path, because });
  }
  const [first] = refused;
  if (first) {
    const all = refused.map(({ path, because }) => `${path} (${because})`).join(', ');
    return err({ kind: 'usage', message: `cannot adopt ${all}`, hint: 'leave it out of the paths' });
  }
  if (files.length === 0) {
    const all = skipped.length > 0 ? skipped : own;
    const shown = all.slice(0, MAX_NAMED).map(({ path, because }) => `${path} (${because})`);
    const more = all.length > shown.length ? ` and ${all.length - shown.length} more` : '';
    const why = shown.length === 0 ? '' : `: ${shown.join(', ')}${more}`;
    const message = `there is no source code to adopt in ${paths.join(', ')}${why}`;
    const hint =
      others > 0
        ? 'a file of another kind is adopted when you name it'
        : 'name files that no task owns or uses';
    return err({ kind: 'usage', message, hint });
  }
  return ok({ files, skipped: skipped.sort((a, b) => compareBytes(a.path, b.path)), others, tree });
}

function filesNamed(
  { listing }: Project,
  path: string,
): { readonly paths: readonly string[]; readonly isFile: boolean } | undefined {
  if (listing.get(path)) return { paths: [path], isFile: true };
  const folder = path === '' || path === '.' ? '' : `${path.replace(/\/$/, '')}/`;
  const below = listing.under(folder);
  if (below.length > 0) return { paths: below, isFile: false };
  const pattern = parsePattern(path);
  const matched = pattern.isGlob ? listing.paths.filter((one) => pattern.matches(one)) : [];
  return matched.length > 0 ? { paths: matched, isFile: false } : undefined;
}

async function notThere({ repository, config }: Project, path: string): Promise<Failure> {
  // A path outside the project is no path of it, whether there is a file or not.
  const problem = patternProblem(path);
  if (problem !== undefined) {
    const hint = 'name files and folders of the project';
    return { kind: 'usage', message: `cannot adopt ${path || '.'}: it ${problem}`, hint };
  }
  if (!(await exists(join(repository.project, path)))) {
    const message = parsePattern(path).isGlob ? `${path} matches no file` : `${path} does not exist`;
    return { kind: 'usage', message, hint: 'paths are relative to the current folder' };
  }
  const isSecret = patternSet(config.secrets).matches(path);
  const because = isSecret ? 'its name looks like that of a secret' : 'git ignores it, or it is empty';
  return { kind: 'usage', message: `cannot adopt ${path}: ${because}`, hint: 'leave it out of the paths' };
}

/** Files of a folder that no snapshot has because they look secret. */
async function hiddenSecrets(
  { repository, config, listing }: Project,
  folder: string,
): Promise<SkippedFile[]> {
  const secrets = patternSet(config.secrets);
  const found: SkippedFile[] = [];
  const walk = async (at: string): Promise<void> => {
    const entries = await readdir(join(repository.project, at), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`;
      // A folder without any file of the project (installed packages, build output) is not looked into.
      if (entry.isDirectory() && listing.under(`${path}/`).length > 0) await walk(path);
      const isHidden = entry.isFile() && !listing.get(path) && secrets.matches(path);
      if (isHidden) found.push({ path, because: 'its name looks like that of a secret' });
    }
  };
  await walk(folder === '.' ? '' : folder.replace(/\/$/, ''));
  return found;
}

interface FileFacts {
  readonly content: Buffer | undefined;
  readonly isNamed: boolean;
  /** By path, the task of another feature that imports it. */
  readonly used: ReadonlyMap<string, string>;
}

function reasonAgainst(
  project: Project,
  path: string,
  { content, isNamed, used }: FileFacts,
): string | undefined {
  const { config, ownership, graph } = project;
  const entry = project.listing.get(path) as Entry;
  const owner = ownership.ownerOf(path);
  if (project.claimed.has(path)) return `${owner} names it in \`outputs\`; take it out there first`;
  if (owner !== undefined) return `${owner} owns it`;
  const isConductors =
    path.startsWith(`${config.specs}/`) ||
    path.startsWith(`${CONDUCTOR_FOLDER}/`) ||
    /^conductor\.config\.\w+$/.test(path) ||
    /^(?:templates|prompts)\//.test(path);
  if (isConductors) return OF_CONDUCTOR;
  if (entry.mode === '120000') return 'it is a link';
  if (entry.mode === '160000') return 'it is a submodule';
  if (patternSet([...config.secrets, ...DEFAULT_SECRETS]).matches(path))
    return 'its name looks like that of a secret';
  const patching = [...graph.tasks.values()].find((task) => task.edits.includes(path));
  if (patching) return `${patching.label} edits it`;
  if (!isNamed && sourceKind(path) === undefined) return NO_SOURCE;
  if (!isNamed && SETTINGS.test(path)) return 'it holds settings of a tool';
  if (content?.subarray(0, BINARY_BYTES).includes(0)) return 'it is binary';
  if ((content?.length ?? 0) > config.maxOutputBytes)
    return 'it is larger than `maxOutputBytes` of the config';
  const user = used.get(path);
  return user === undefined ? undefined : `${user} uses it as a hand-written file`;
}

/** What the outputs of existing tasks import, directly or not: these tasks do not see it once another task owns it. */
async function usedByTasks(project: Project, tree: SourceTree): Promise<ReadonlyMap<string, string>> {
  const used = new Map<string, string>();
  let wave: { path: string; by: string }[] = [...project.owned].flatMap(([label, files]) =>
    [...files.keys()].map((path) => ({ path, by: label })),
  );
  while (wave.length > 0) {
    const texts = await textsOf(
      project,
      wave.map(({ path }) => path),
    );
    const next: typeof wave = [];
    for (const { path, by } of wave) {
      const text = texts.get(path)?.toString('utf8') ?? '';
      for (const target of importedPaths({ path, text }, tree)) {
        if (used.has(target) || project.ownership.ownerOf(target) !== undefined) continue;
        used.set(target, by);
        next.push({ path: target, by });
      }
    }
    wave = next;
  }
  return used;
}

async function textsOf(project: Project, paths: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const isFile = (path: string) => project.listing.get(path)?.mode.startsWith('100');
  const ids = new Map(
    paths.filter(isFile).map((path) => [path, project.listing.get(path)?.id as string] as const),
  );
  const contents = await project.objects.readMany([...new Set(ids.values())]);
  return new Map(
    [...ids].flatMap(([path, id]) => {
      const content = contents.get(id);
      return content === undefined ? [] : [[path, content] as const];
    }),
  );
}

async function sourceTree(project: Project): Promise<SourceTree> {
  const { listing } = project;
  const modules = listing.paths.filter((path) => path === 'go.mod' || path.endsWith('/go.mod'));
  const texts = await textsOf(project, modules);
  const goModules = new Map<string, string>();
  for (const path of modules) {
    const name = /^module\s+"?([^\s"]+)/m.exec(texts.get(path)?.toString('utf8') ?? '')?.[1];
    if (name !== undefined) goModules.set(path.slice(0, -'go.mod'.length).replace(/\/$/, ''), name);
  }
  return {
    has: (path) => listing.get(path) !== undefined,
    filesIn: (folder) =>
      listing
        .under(folder === '' ? '' : `${folder}/`)
        .filter((path) => !path.slice(folder === '' ? 0 : folder.length + 1).includes('/')),
    goModules,
  };
}
