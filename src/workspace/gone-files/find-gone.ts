/**
 * Finds with one look at all files which of the last build are gone, where nothing else differs from what it left. The private index
 * stays as it is: it has those files still, as they are to be written again.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileIdentity, readTextSync } from '../../io/files.js';
import { git } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import type { Entry, FileMode, ObjectId } from '../../model/tree.js';
import { isAsRecorded } from '../index-record.js';
import { areKnownLarge, othersArguments, pathsOf } from '../large-files.js';
import {
  CHANGED_ARGUMENTS,
  changedFilesIn,
  indexCall,
  pathspecs,
  SECRETS_RECORD,
  type TakenIn,
  takenInText,
  writeTreeArguments,
} from '../private-index.js';
import type { SeenChanges } from '../reading/seen-changes.js';

/** What a build left on disk, and how its snapshot was taken. */
export interface LeftTree extends TakenIn {
  readonly tree: ObjectId;
  /** Files that were left out for their size: paths from the repository's root. Absent: none. */
  readonly large?: readonly string[];
  /** The private index when its tree was last seen to be this one (`fileIdentity`). */
  readonly index?: string;
}

/** With another one of these, files count as ignored, or git writes them in another way. */
const RULES = /(?:^|\/)\.git(?:attributes|ignore)$/;

/**
 * Undefined where another file differs or was only touched, or where the index may not be that of the tree: a snapshot tells then.
 * `seen`: what this process saw before it had the lock. The caller holds the project's lock.
 */
export async function findGone(
  repository: Repository,
  left: LeftTree,
  seen?: SeenChanges,
): Promise<ReadonlyMap<string, Entry> | undefined> {
  const { state } = repository;
  // Files that are taken in by name are looked at one by one.
  const { maxUntracked, large = [] } = left;
  if (left.named.length > 0 || maxUntracked === undefined) return undefined;
  // Left by a killed git; no other process writes here while the lock is held.
  await rm(join(state, 'index.lock'), { force: true });
  if (readTextSync(join(state, SECRETS_RECORD)) !== takenInText(left)) return undefined;
  if (!(await isAsRecorded(repository)) || !(await isIndexOf(repository, left))) return undefined;
  if (seen && seen.index === fileIdentity(join(state, 'index'))) return goneOf(repository, seen.listed);
  const call = indexCall(repository);
  const [changed, others] = await Promise.all([
    git(CHANGED_ARGUMENTS, call),
    git(othersArguments(pathspecs(repository, left.secrets)), call),
  ]);
  if (changed.code !== 0 || others.code !== 0) return undefined;
  if (!areKnownLarge(repository, pathsOf(others.stdout), { large, maxUntracked })) return undefined;
  return goneOf(repository, changed.stdout.toString('utf8'));
}

async function isIndexOf(repository: Repository, { tree, index }: LeftTree): Promise<boolean> {
  const { state } = repository;
  const found = fileIdentity(join(state, 'index'));
  if (found === undefined) return false;
  if (found === index) return true;
  const written = await git(writeTreeArguments(repository), indexCall(repository));
  return written.code === 0 && written.stdout.toString('latin1').trim() === tree;
}

/** Undefined where a file is there and does not look as the index has it. */
function goneOf({ prefix }: Repository, listed: string): Map<string, Entry> | undefined {
  const gone = new Map<string, Entry>();
  for (const { before: mode, id, status, path } of changedFilesIn(listed)) {
    if (status !== 'D' || mode === '160000' || RULES.test(path) || !path.startsWith(prefix)) return undefined;
    gone.set(path.slice(prefix.length), { mode: mode as FileMode, id });
  }
  return gone;
}
