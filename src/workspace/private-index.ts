/** The git arguments that bring the private index up to date with the working tree. Runs nothing. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { GitCall } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';

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

function globEscape(path: string): string {
  return path.replace(/[*?[\]\\]/g, '\\$&');
}

/** The arguments that take in all that changed. */
export function addArguments(specs: readonly string[]): string[] {
  return ['add', '--all', '--', ...specs];
}

/** What an index file was made with when it was written: another list of secrets needs another index. */
export function secretsText(secrets: readonly string[], named: readonly string[]): string {
  return JSON.stringify([secrets, named]);
}

/**
 * Changes whenever the file is written: git writes an index to a new file, and leaves it alone when nothing in it has
 * changed. Undefined when there is none.
 */
export function fileIdentity(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}
