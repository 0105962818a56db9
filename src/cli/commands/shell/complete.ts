/**
 * `conductor complete`: what a shell offers when you press the tab key. Prints nothing rather than something wrong.
 */

import { existsSync } from 'node:fs';
import { mapBounded } from '../../../base/bounded.js';
import { SCHEMA_NAMES } from '../../../io/document/schemas.js';
import { visible } from '../../../report/style.js';
import { CONFIG_NAMES } from '../../config/config-names.js';
import type { Candidate, Expected } from '../../definitions/typed.js';
import { print } from '../../output.js';
import { createHost, templateRoots } from '../../wire.js';

/** Nobody reads more. */
const MAX_CANDIDATES = 1000;
/** Placeholders whose values are paths: the shell knows how to complete those. */
const PATHS = /^(?:file|folder|path|dir|directory|.*\.\w+)$/;

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
  // `feature|request.md`: one or the other.
  const placeholders = value?.split('|') ?? [];
  const known = await mapBounded(placeholders, (one) => valuesOf(one).catch(() => []));
  // bash replaces what follows the `=` only.
  const front = shell === 'bash' ? '' : lead;
  const lines = [...expected.candidates, ...known.flat()]
    .filter(({ word }) => word.startsWith(begun) && isOneLine(word))
    .slice(0, MAX_CANDIDATES)
    .map(({ word, about }) => `${front}${word}${about === '' ? '' : `\t${visible(about)}`}`);
  print([placeholders.some((one) => PATHS.test(one)) ? 'files' : 'words', ...lines].join('\n'));
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
    case 'projects':
      return plain(await projects());
    case 'template':
      return plain(await templates());
    case 'schema':
      return plain(SCHEMA_NAMES);
    default:
      return [];
  }
}

async function names() {
  const { readTaskNames } = await import('../../../project/specs-on-disk.js');
  const { directory } = createHost(process.cwd());
  return readTaskNames(directory, await specsFolder(directory));
}

/** Read from the config's text: it is a program of the repository, and a press of the tab key must run none. */
async function specsFolder(directory: string): Promise<string> {
  if (existsSync(`${directory}/specs`)) return 'specs';
  const { readText } = await import('../../../io/files.js');
  for (const name of CONFIG_NAMES) {
    const named = /\bspecs\s*:\s*(["'`])([\w./-]+)\1/.exec((await readText(`${directory}/${name}`)) ?? '');
    if (named) return (named[2] as string).replace(/\/+$/, '');
  }
  return 'specs';
}

async function builds(): Promise<string[]> {
  const { listBuilds } = await import('../../../commands/read-log.js');
  return listBuilds(createHost(process.cwd()).directory);
}

async function projects(): Promise<string[]> {
  const { projectNames } = await import('../../../commands/projects/load-projects.js');
  return projectNames(process.cwd());
}

async function templates(): Promise<string[]> {
  const { listTemplates } = await import('../../../templates/places.js');
  const cwd = process.cwd();
  const places = await listTemplates(templateRoots(createHost(cwd).directory, cwd));
  return places.map(({ name }) => name);
}

function plain(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word, about: '' }));
}

/** A name with a line break or another control character cannot be typed, and must not pretend to be two. */
function isOneLine(word: string): boolean {
  return word !== '' && visible(word) === word;
}
