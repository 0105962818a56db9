/** Goes on from a look at all files that the same process took just before, so that git need not look twice. */

import { fileIdentity } from '../../io/files.js';
import { git } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import { largerThan } from '../large-files.js';
import { indexCall } from '../private-index.js';

/** What a look at all files found just now: the snapshot of the same process need not look again. */
export interface SeenChanges {
  /** When it began, in milliseconds since 1970. */
  readonly at: number;
  /** The private index then (`fileIdentity`). No other file was new to it, but for those that are known to be too large. */
  readonly index: string;
  /** Files of it, from the root of the repository, that look different and have the mode of before. */
  readonly paths: readonly string[];
}

export interface SeenOptions {
  /** With the files that are left out for their size. Absent: all files are looked at. */
  readonly seen?: SeenChanges & { readonly large: readonly string[] };
  readonly maxUntracked?: number;
}

/** Puts what was seen to have changed into the index. Undefined where all files have to be looked at; else the files that are left out. */
export async function takeSeen(
  repository: Repository,
  { seen, maxUntracked = Number.POSITIVE_INFINITY }: SeenOptions,
): Promise<readonly string[] | undefined> {
  const call = indexCall(repository);
  if (seen === undefined || fileIdentity(call.indexFile as string) !== seen.index) return undefined;
  if (largerThan(maxUntracked, repository, seen.paths).length > 0) return undefined;
  const input = seen.paths.map((path) => `${path}\0`).join('');
  const exit = await git(['update-index', '--remove', '-z', '--stdin'], { ...call, input });
  return exit.code === 0 ? seen.large : undefined;
}
