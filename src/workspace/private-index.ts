/** The git arguments that compare the private index with the working tree, and how git's answers are read. Runs nothing. */

import { join } from 'node:path';
import type { GitCall } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';
import { globEscape } from '../model/git-rules/git-escape.js';

/** How git is called for the private index. */
export function indexCall(repository: Repository): GitCall {
  return {
    gitDir: repository.store,
    workTree: repository.top,
    dir: repository.top,
    indexFile: join(repository.state, 'index'),
  };
}

/** What `git add` takes in: the whole project without what looks secret. */
export function pathspecs(repository: Repository, secrets: readonly string[]): string[] {
  const prefix = globEscape(repository.prefix);
  return [
    repository.prefix === '' ? ':/' : `:(top,literal)${repository.prefix}`,
    ...secrets.map((pattern) => `:(top,exclude,glob)${prefix}${pattern}`),
  ];
}

/** The arguments that take in all that changed. */
export function addArguments(specs: readonly string[]): string[] {
  return ['add', '--all', '--', ...specs];
}

/** The arguments that take in what changed of the files that the index has. */
export function updateArguments(specs: readonly string[]): string[] {
  return ['add', '--update', '--', ...specs];
}

/** The arguments that look at all files of the index again; git fails if one of them has changed. */
export const REFRESH_ARGUMENTS: readonly string[] = ['update-index', '--refresh'];

/** The arguments that list the files that do not look as the index has them, also those that were only touched. Writes nothing. */
export const CHANGED_ARGUMENTS: readonly string[] = [
  'diff-files',
  '--raw',
  '--no-abbrev',
  '-z',
  '--no-ext-diff',
  '--ignore-submodules=dirty',
];

/** A file that does not look as the index has it: `before`, `after`: modes; `id`: that of the index. */
export interface ChangedFile {
  readonly before: string;
  readonly after: string;
  readonly id: string;
  readonly status: string;
  /** From the repository's root. */
  readonly path: string;
}

/** The answer to `CHANGED_ARGUMENTS`, file by file: of a list that is cut off, what is whole. */
export function* changedFilesIn(listed: string): Iterable<ChangedFile> {
  for (let at = 0; at < listed.length; ) {
    // `:<mode> <mode> <id> <id> <status>`, where a mode has six digits. To split it would take longer than git's look at the file.
    const idEnd = listed.indexOf(' ', at + 15);
    const statusAt = 2 * idEnd - at - 13;
    const statusEnd = listed.indexOf('\0', statusAt);
    const end = listed.indexOf('\0', statusEnd + 1);
    if (idEnd < 0 || statusEnd < 0 || end < 0) return;
    yield {
      before: listed.slice(at + 1, at + 7),
      after: listed.slice(at + 8, at + 14),
      id: listed.slice(at + 15, idEnd),
      status: listed.slice(statusAt, statusEnd),
      path: listed.slice(statusEnd + 1, end),
    };
    at = end + 1;
  }
}

/** Whether it is the same kind of file as before, and a plain one. */
export function isSameKind({ before, after, status, path }: ChangedFile): boolean {
  return status === 'M' && before === after && before.startsWith('100') && !path.includes('\ufffd');
}

/** The arguments that write the project's tree of the index. */
export function writeTreeArguments({ prefix }: Repository): string[] {
  return ['write-tree', ...(prefix === '' ? [] : [`--prefix=${prefix}`])];
}

/** What decides which files an index takes in: with other values another index is needed. */
export interface TakenIn {
  /** Patterns of files that are left out. */
  readonly secrets: readonly string[];
  /** Paths that are taken in although they look secret. */
  readonly named: readonly string[];
  /** Bytes of a file that git does not track: larger ones are left out. Absent: none is. */
  readonly maxUntracked?: number;
}

/** Beside the index: its `takenInText`. */
export const SECRETS_RECORD = 'index-secrets.json';

/** What an index file was made with when it was written. */
export function takenInText({ secrets, named, maxUntracked }: TakenIn): string {
  return JSON.stringify([secrets, named, maxUntracked]);
}
