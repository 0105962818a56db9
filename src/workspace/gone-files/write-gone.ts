/**
 * Writes files again that are gone, as the private index has them. A file that has come meanwhile stays as it is. A journal
 * completes it after a kill. Knows no tasks.
 */

import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { bringToDisk } from '../../io/durable.js';
import { writeAtomic } from '../../io/files.js';
import { GitError, git } from '../../io/git/git-process.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { Repository } from '../../io/git/repository.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import { inTheWayOf } from '../in-the-way.js';
import { indexCall } from '../private-index.js';
import { journalText, PUBLISH_JOURNAL } from '../publish-journal.js';

/** git leaves a file alone that has come since it was found to be gone. */
const STANDS = /^.+ already exists, no checkout$/;
/** What git itself says went wrong: filters print to the same place. */
const FAILED = /^(?:error|fatal|git checkout-index): /;

/** Processes that write files for git where they are more than a hundred: more than these wait for each other in the kernel. */
const WRITERS = [`checkout.workers=${Math.min(4, availableParallelism())}`];

/** Undefined where something stood in the way: a build that looks at every file decides. The caller holds the project's lock. */
export async function writeGone(
  repository: Repository,
  objects: GitObjects,
  tree: ObjectId,
  gone: ReadonlyMap<string, Entry>,
): Promise<'written' | undefined> {
  const paths = [...gone.keys()];
  // The tree holds both these files and all others that are known, so no other known file is above or below one of them.
  const nothing = { get: () => undefined };
  const blocked = await inTheWayOf(repository, objects, paths, { before: nothing, after: gone });
  if (blocked.length > 0) return undefined;
  // The tree is that of an earlier build, which brought it to disk. The one without these files is made only where it is needed.
  const journal = join(repository.state, PUBLISH_JOURNAL);
  await writeAtomic(journal, journalText({ gone: paths, to: tree }));
  const args = ['checkout-index', '-u', '-z', '--stdin'];
  const input = paths.map((path) => `${repository.prefix}${path}\0`).join('');
  const exit = await git(args, { ...indexCall(repository), settings: WRITERS, input });
  const said = exit.stderr.split('\n').filter((line) => STANDS.test(line) || FAILED.test(line));
  const isRefused = said.length > 0 && said.every((line) => STANDS.test(line));
  // Not all was written: the journal stays, and the next build completes it.
  if (!isRefused && (exit.code !== 0 || said.length > 0))
    throw new GitError(['checkout-index'], exit, indexCall(repository));
  await bringToDisk(repository.project, paths);
  await rm(journal, { force: true });
  return isRefused ? undefined : 'written';
}
