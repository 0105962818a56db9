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
import { largerThan, othersArguments, pathsOf } from '../large-files.js';
import { indexCall, pathspecs, SECRETS_RECORD, type TakenIn, takenInText } from '../private-index.js';

/** What a build left on disk, and how its snapshot was taken. */
export interface LeftTree extends TakenIn {
  readonly tree: ObjectId;
  /** Files that were left out for their size: paths from the repository's root. Absent: none. */
  readonly large?: readonly string[];
  /** The private index when its tree was last seen to be this one (`fileIdentity`). */
  readonly index?: string;
}

/** Names every file that does not look as the index has it, with the entry that the index has. */
const CHANGED = ['diff-files', '--raw', '--no-abbrev', '-z', '--no-ext-diff', '--ignore-submodules=dirty'];
/** With another one of these, files count as ignored, or git writes them in another way. */
const RULES = /(?:^|\/)\.git(?:attributes|ignore)$/;

/**
 * Undefined where another file differs or was only touched, or where the index may not be that of the tree: a snapshot tells then.
 * The caller holds the project's lock.
 */
export async function findGone(
  repository: Repository,
  left: LeftTree,
): Promise<ReadonlyMap<string, Entry> | undefined> {
  const { state } = repository;
  // Files that are taken in by name are looked at one by one.
  if (left.named.length > 0 || left.maxUntracked === undefined) return undefined;
  // Left by a killed git; no other process writes here while the lock is held.
  await rm(join(state, 'index.lock'), { force: true });
  if (readTextSync(join(state, SECRETS_RECORD)) !== takenInText(left)) return undefined;
  if (!(await isAsRecorded(repository)) || !(await isIndexOf(repository, left))) return undefined;
  const call = indexCall(repository);
  const [changed, others] = await Promise.all([
    git(CHANGED, call),
    git(othersArguments(pathspecs(repository, left.secrets)), call),
  ]);
  if (changed.code !== 0 || others.code !== 0) return undefined;
  return areKnown(repository, left, pathsOf(others.stdout)) ? goneOf(repository, changed.stdout) : undefined;
}

async function isIndexOf(repository: Repository, { tree, index }: LeftTree): Promise<boolean> {
  const { state, prefix } = repository;
  const found = fileIdentity(join(state, 'index'));
  if (found === undefined) return false;
  if (found === index) return true;
  const args = ['write-tree', ...(prefix === '' ? [] : [`--prefix=${prefix}`])];
  const written = await git(args, indexCall(repository));
  return written.code === 0 && written.stdout.toString('latin1').trim() === tree;
}

/** Whether the files that the index does not have are those that were left out for their size. */
function areKnown(
  repository: Repository,
  { large = [], maxUntracked = 0 }: LeftTree,
  others: string[],
): boolean {
  if (others.sort().join('\0') !== large.join('\0')) return false;
  return largerThan(maxUntracked, repository, others).length === others.length;
}

/** Undefined where a file is there and does not look as the index has it. */
function goneOf({ prefix }: Repository, listed: Buffer): Map<string, Entry> | undefined {
  const gone = new Map<string, Entry>();
  const fields = pathsOf(listed);
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [mode = '', , id = '', , status] = (fields[at] as string).slice(1).split(' ');
    const path = fields[at + 1] as string;
    if (status !== 'D' || mode === '160000' || RULES.test(path) || !path.startsWith(prefix)) return undefined;
    gone.set(path.slice(prefix.length), { mode: mode as FileMode, id });
  }
  return gone;
}
