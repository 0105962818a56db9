/** Names of commits in the user's repository, as people write them. Only reads. */

import type { ObjectId } from '../../model/tree.js';
import { git } from './git-process.js';
import type { Repository } from './repository.js';

/** The commit that a name stands for (`main`, `HEAD~2`, an id); undefined when there is none. Never read as an option. */
export async function resolveCommit(repository: Repository, name: string): Promise<ObjectId | undefined> {
  if (name === '' || name.includes('\0')) return undefined;
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  return firstLine(repository, args);
}

/** The commit from which two others have gone apart; undefined when they have nothing in common. */
export async function mergeBase(
  repository: Repository,
  one: ObjectId,
  other: ObjectId,
): Promise<ObjectId | undefined> {
  return firstLine(repository, ['merge-base', one, other]);
}

async function firstLine(repository: Repository, args: readonly string[]): Promise<string | undefined> {
  const exit = await git(args, { gitDir: repository.gitDir, dir: repository.top });
  const line = exit.stdout.toString('utf8').trim().split('\n')[0];
  return exit.code === 0 && line ? line : undefined;
}
