/**
 * Files that git does not track and that are too large to be taken into a snapshot: a download, a dump, a disk image. One that
 * git tracks is part of the project, whatever its size.
 */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type GitCall, git } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';
import type { Diagnostic } from '../model/failure.js';
import { indexCall } from './private-index.js';

/** The arguments that list what the private index does not have and git does not ignore. */
export function othersArguments(specs: readonly string[]): string[] {
  return ['ls-files', '--others', '--exclude-standard', '-z', '--', ...specs];
}

/** Of a list of paths below the repository's root, those of larger files. */
export function largerThan(limit: number, repository: Repository, listed: Buffer): string[] {
  return listed
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '' && !path.endsWith('/'))
    .filter((path) => {
      const found = lstatSync(join(repository.top, path), { throwIfNoEntry: false });
      return found?.isFile() === true && found.size > limit;
    });
}

/** Paths below the repository's root that a snapshot leaves out for their size. */
export async function largeFiles(
  repository: Repository,
  specs: readonly string[],
  limit: number,
): Promise<string[]> {
  const others = await git(othersArguments(specs), indexCall(repository));
  const large = others.code === 0 ? largerThan(limit, repository, others.stdout) : [];
  if (large.length === 0) return [];
  const person: GitCall = { gitDir: repository.gitDir, workTree: repository.top, dir: repository.top };
  const names = large.map((path) => `:(top,literal)${path}`);
  const tracked = await git(['ls-files', '-z', '--cached', '--', ...names], person);
  const theirs = new Set(tracked.stdout.toString('utf8').split('\0'));
  return large.filter((path) => !theirs.has(path));
}

/** What `git add` is told so that it leaves a file alone. */
export function leftOut(path: string): string {
  return `:(top,exclude,literal)${path}`;
}

export function leftOutWarning(path: string, { prefix }: Repository, limit: number): Diagnostic {
  const megabytes = Math.round(limit / 1_000_000);
  return {
    file: path.slice(prefix.length),
    message: `it is larger than ${megabytes} MB and git does not track it, so no task sees it; name it in .gitignore, track it (\`git add\`), or raise \`maxUntrackedBytes\` in the config`,
  };
}
