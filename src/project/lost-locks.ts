/**
 * Puts lost lock files together again, from what the last build of this clone kept and from git's history, so that nothing that
 * they recorded is forgotten: no accepted edit, and no patch, which would be applied a second time. Writes no file of the project.
 */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { compareBytes } from '../base/order.js';
import { newRecord, ownValue } from '../base/records/own-value.js';
import { throwIfNotSeen } from '../io/errors.js';
import { fileIdentity } from '../io/files.js';
import { fileChanges, resolveCommit } from '../io/git/commit-history.js';
import { git } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { FeatureLock, LockedTask } from '../model/feature-lock.js';
import { globEscape } from '../model/git-rules/git-escape.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { Feature, Task } from '../model/task.js';
import { encodeEntry, type Listing, type ObjectId, sameEntry } from '../model/tree.js';
import { parseLock } from '../specs/lock-file.js';
import { applyPatch } from '../workspace/patches/patch.js';
import {
  isIrreplaceable,
  KEPT_LOCKS,
  type KeptLock,
  readKeptLocks,
  readUncommittedLocks,
  writeUncommittedLocks,
} from './clone-records.js';

/** What is on disk. */
export interface Checkout {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly listing: Listing;
  readonly features: readonly Feature[];
}

/** By feature: locks that are not on disk and of which something is known. */
export async function lostLocks(reading: Checkout): Promise<Map<string, FeatureLock>> {
  const { listing, features } = reading;
  const gone = features.filter(({ lockFile }) => !listing.get(lockFile));
  const found = new Map<string, FeatureLock>();
  if (gone.length === 0) return found;
  const kept = await keptLocks(reading, gone);
  const committed = await committedLocks(reading, gone);
  for (const { name, lockFile } of gone) {
    const tasks = together(listing, committed.get(name), kept.get(lockFile));
    if (Object.keys(tasks).length > 0)
      found.set(name, { ...committed.get(name), feature: name, tasks, isLost: true });
  }
  return found;
}

/** Of two records the one counts that tells of the files on disk; the clone's own where both or neither do. */
function together(
  listing: Listing,
  committed: FeatureLock | undefined,
  kept: KeptLock | undefined,
): Record<string, LockedTask> {
  const tasks = Object.assign(newRecord<LockedTask>(), kept?.tasks);
  for (const [id, task] of Object.entries(committed?.tasks ?? {})) {
    const own = tasks[id];
    const isFitting = isOnDisk(listing, task);
    // The last build knew that nothing of this kind was left of it.
    const isOver = kept !== undefined && !own && isIrreplaceable(task) && !isFitting;
    if (own ? isFitting && !isOnDisk(listing, own) : !isOver) tasks[id] = task;
  }
  return tasks;
}

/** Whether all files of a record are as it says, and there is at least one. */
function isOnDisk(listing: Listing, { outputs, edits }: LockedTask): boolean {
  const words = Object.entries(outputs);
  const patched = Object.entries(edits ?? {});
  return (
    words.length + patched.length > 0 &&
    words.every(([path, word]) => isAt(listing, path, word)) &&
    patched.every(([path, { merged }]) => (listing.get(path)?.id ?? '') === merged)
  );
}

function isAt(listing: Listing, path: string, word: string): boolean {
  const entry = listing.get(path);
  return entry !== undefined && encodeEntry(entry) === word;
}

/** What a clone kept of locks that are gone. */
async function keptLocks(
  reading: Checkout,
  gone: readonly Feature[],
): Promise<ReadonlyMap<string, KeptLock>> {
  const { repository } = reading;
  const own = await readKeptLocks(repository.state);
  const found = new Map<string, KeptLock>();
  if (own) {
    for (const { lockFile } of gone) {
      const kept = ownValue(own, lockFile);
      if (!kept || !(await isOfThisCheckout(reading, kept))) continue;
      const tasks = Object.entries(kept.tasks).filter(([, task]) => isNeeded(reading.listing, task));
      found.set(lockFile, { ...kept, tasks: Object.fromEntries(tasks) });
    }
    return found;
  }
  for (const others of await recordsOfOthers(repository)) {
    for (const { lockFile } of gone) {
      const kept = found.has(lockFile) ? undefined : ownValue(others, lockFile);
      if (!kept) continue;
      const tasks = newRecord<LockedTask>();
      for (const [id, task] of Object.entries(kept.tasks)) if (await isHere(reading, task)) tasks[id] = task;
      if (Object.keys(tasks).length > 0) found.set(lockFile, { ...kept, tasks });
    }
  }
  return found;
}

/** Without a trace on disk, only a person's edit and a result that no key leads to would be lost: others are found by their keys. */
function isNeeded(listing: Listing, { recipe, resultKey, outputs, edits, unmerged }: LockedTask): boolean {
  return (
    recipe === 'accepted' ||
    resultKey !== undefined ||
    unmerged !== undefined ||
    Object.entries(outputs).some(([path, word]) => isAt(listing, path, word)) ||
    Object.entries(edits ?? {}).some(([path, { base }]) => (listing.get(path)?.id ?? '') !== base)
  );
}

/**
 * git removes a lock file only where it has it: when another branch is checked out, which never had the feature built. Any other
 * lock was removed by a person, who may have removed outputs with it.
 */
async function isOfThisCheckout({ repository, listing }: Checkout, kept: KeptLock): Promise<boolean> {
  const isSeen = ({ outputs, edits }: LockedTask) =>
    Object.entries(outputs).some(([path, word]) => isAt(listing, path, word)) ||
    Object.entries(edits ?? {}).some(
      ([path, { merged }]) => merged !== '' && listing.get(path)?.id === merged,
    );
  if (Object.values(kept.tasks).some(isSeen)) return true;
  const call = { gitDir: repository.gitDir, dir: repository.top };
  return (await git(['cat-file', '-e', kept.blob], call)).code !== 0;
}

/**
 * Records of other folders of this repository, the newest first: this project was moved or copied with its store, or is another
 * worktree, and no build has ended here yet.
 */
async function recordsOfOthers({ home, hash }: Repository): Promise<Record<string, KeptLock>[]> {
  const projects = join(home, 'projects');
  // A folder that cannot be read now may hold the record of an accepted edit.
  const names = (await readdir(projects).catch(throwIfNotSeen)) ?? [];
  const others = names.filter((name) => name !== hash).map((name) => join(projects, name));
  const records = await mapBounded(others, async (folder) => ({
    kept: await readKeptLocks(folder),
    time: (await stat(join(folder, KEPT_LOCKS)).catch(() => undefined))?.mtimeMs ?? 0,
  }));
  records.sort((a, b) => b.time - a.time);
  return records.flatMap(({ kept }) => (kept ? [kept] : []));
}

/** Whether the files prove that a record tells of this folder: outputs are exactly as recorded, and patched files have the patch. */
async function isHere(reading: Checkout, task: LockedTask): Promise<boolean> {
  if (isOnDisk(reading.listing, task)) return true;
  const edits = Object.entries(task.edits ?? {});
  for (const [path, edit] of edits) if (!(await hasPatch(reading, path, edit))) return false;
  return edits.length > 0;
}

/** Taking the patch out changes the file, and putting it on again gives the very file: then it is in it. */
export async function hasPatch(
  { objects, listing }: Pick<Checkout, 'objects' | 'listing'>,
  path: string,
  { base, merged }: { readonly base: ObjectId; readonly merged: ObjectId },
): Promise<boolean> {
  const onDisk = listing.get(path);
  if ((onDisk?.id ?? '') === merged) return true;
  if (!onDisk || onDisk.id === base) return false;
  const entryOf = (id: ObjectId) => (id === '' ? undefined : { mode: onDisk.mode, id });
  const [before, after] = [entryOf(base), entryOf(merged)];
  const bare = await applyPatch(objects, before, { path, before: after, after: onDisk });
  if (!bare.ok || sameEntry(bare.value, onDisk)) return false;
  const again = await applyPatch(objects, bare.value, { path, before, after });
  return again.ok && sameEntry(again.value, onDisk);
}

/**
 * As the newest commit that has the lock says. Only features with files on disk are looked for: one that was never built has such
 * files too when it edits files of people, or when they wrote its outputs. That its lock is in no commit is kept, so that git
 * reads its history once for each HEAD and not at each load.
 */
async function committedLocks(
  { repository, objects, listing }: Checkout,
  features: readonly Feature[],
): Promise<Map<string, FeatureLock>> {
  const isThere = (task: Task) =>
    patternSet(task.outputs).select(listing).length > 0 || task.edits.some((path) => listing.get(path));
  const gone = features.filter(({ tasks }) => tasks.some(isThere));
  const found = new Map<string, FeatureLock>();
  if (gone.length === 0) return found;
  const head = await resolveCommit(repository, 'HEAD');
  if (head === undefined) return found;
  // A shallow clone that gets more commits has another history with the same HEAD.
  const history = `${head} ${fileIdentity(join(repository.commonDir, 'shallow')) ?? ''}`;
  // The shared folder, also where a command that only reads has one of its own: the next command asks again.
  const state = join(repository.home, 'projects', repository.hash);
  const record = await readUncommittedLocks(state);
  const never = new Set(record?.history === history ? record.lockFiles : []);
  const lost = gone.filter(({ lockFile }) => !never.has(lockFile));
  if (lost.length === 0) return found;
  const changes = await fileChanges(
    repository,
    lost.map(({ lockFile }) => globEscape(lockFile)),
  );
  for (const { name, lockFile } of lost) {
    for (const { files } of changes) {
      const blob = files.get(lockFile);
      const text = blob ? await objects.read(blob) : undefined;
      const lock = text === undefined ? undefined : parseLock(text.toString('utf8'), lockFile);
      if (!lock?.ok) continue;
      found.set(name, lock.value);
      break;
    }
    if (!changes.some(({ files }) => files.has(lockFile))) never.add(lockFile);
  }
  const lockFiles = [...never].sort(compareBytes);
  if (lockFiles.length > 0) await writeUncommittedLocks(state, { history, lockFiles });
  return found;
}
