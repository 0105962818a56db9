/** `conductor complete`: what a shell shows after a press of the tab key. Says nothing rather than something wrong. */

import { existsSync } from 'node:fs';
import { SCHEMA_NAMES } from '../../io/schemas.js';
import { visible } from '../../report/style.js';
import type { Candidate, Expected } from '../definitions/typed.js';
import { print } from '../output.js';
import { createSurroundings, templateRoots } from '../wire.js';

/** More is not read by anybody. */
const MAX_CANDIDATES = 1000;
/** Placeholders whose values are paths: the shell knows how to complete those. */
const PATHS = new Set(['file', 'folder', 'path', 'dir', 'directory']);

/**
 * The words as they were typed: bash takes `--format=te` apart at the `=`, and leaves an opening quote where it is.
 */
export function wordsOf(shell: string, words: readonly string[]): string[] {
  if (shell !== 'bash') return [...words];
  const joined: string[] = [];
  for (const [i, word] of words.entries()) {
    const isValue = joined.at(-1)?.startsWith('--') && (word === '=' || words[i - 1] === '=');
    if (isValue) joined.push(`${joined.pop()}${word}`);
    else joined.push(word.replace(/^["']/, ''));
  }
  return joined;
}

export async function runComplete(expected: Expected, shell: string): Promise<number> {
  const { value, lead, begun } = expected;
  if (value !== undefined && PATHS.has(value)) {
    print('files');
    return 0;
  }
  const known = value === undefined ? [] : await valuesOf(value).catch(() => []);
  // bash replaces what follows the `=` only.
  const front = shell === 'bash' ? '' : lead;
  const lines = [...expected.candidates, ...known]
    .filter(({ word }) => word.startsWith(begun) && isOneLine(word))
    .slice(0, MAX_CANDIDATES)
    .map(({ word, about }) => `${front}${word}${about === '' ? '' : `\t${visible(about)}`}`);
  print(['words', ...lines].join('\n'));
  return 0;
}

/** The values that a placeholder of the help stands for; none for one that is not known here. */
async function valuesOf(placeholder: string): Promise<Candidate[]> {
  switch (placeholder) {
    case 'targets':
    case 'target':
    case 'tasks': {
      const { features, labels } = await names();
      return plain([...features, ...labels]);
    }
    case 'task':
    case 'label':
      return plain((await names()).labels);
    case 'feature':
    case 'features':
      return plain((await names()).features);
    case 'what':
      return plain([...(await names()).labels, ...(await builds())]);
    case 'build':
      return plain(await builds());
    case 'template':
      return plain(await templates());
    case 'schema':
      return plain(SCHEMA_NAMES);
    default:
      return [];
  }
}

/** The config is loaded only where the specs are not where they usually are: it may be slow. */
async function names() {
  const surroundings = createSurroundings(process.cwd());
  const { glanceAtNames } = await import('../../engine/task-names.js');
  const { directory } = surroundings;
  if (existsSync(`${directory}/specs`)) return glanceAtNames(directory, 'specs');
  const loaded = await surroundings.loadConfig(directory);
  return glanceAtNames(directory, loaded.ok ? loaded.value.config.specs.replace(/\/+$/, '') : 'specs');
}

async function builds(): Promise<string[]> {
  const { listBuilds } = await import('../../engine/read-log.js');
  return listBuilds(createSurroundings(process.cwd()).directory);
}

async function templates(): Promise<string[]> {
  const { listTemplates } = await import('../../templates/places.js');
  const cwd = process.cwd();
  const places = await listTemplates(templateRoots(createSurroundings(cwd).directory, cwd));
  return places.map(({ name }) => name);
}

function plain(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word, about: '' }));
}

/** A name with a line break or another control character cannot be typed, and must not pretend to be two. */
function isOneLine(word: string): boolean {
  return word !== '' && visible(word) === word;
}
