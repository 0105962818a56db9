/**
 * Reads the lock files of a project: as they are on disk, in the middle of a merge from both sides, and a lost one from
 * git's history, so that nothing that it recorded is forgotten. Decides nothing.
 */

import { join } from 'node:path';
import { compareBytes } from '../base/order.js';
import { err, ok, type Result } from '../base/result.js';
import { fileIdentity } from '../io/files.js';
import { fileChanges, resolveCommit, unmergedBlobs } from '../io/git/commit-history.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Diagnostic } from '../model/failure.js';
import type { FeatureLock } from '../model/feature-lock.js';
import { globEscape } from '../model/git-rules/git-escape.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { Feature, Task } from '../model/task.js';
import type { Listing, ObjectId } from '../model/tree.js';
import { parseLock } from '../specs/lock-file.js';
import { mergeLocks } from '../specs/merge-locks.js';
import { readUncommittedLocks, writeUncommittedLocks } from './clone-records.js';
import type { ProjectMemory } from './project-memory.js';

export interface LockReading {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly listing: Listing;
  readonly memory: ProjectMemory;
  readonly features: readonly Feature[];
}

/** By feature. All damaged files are reported at once. */
export async function readLocks(
  reading: LockReading,
): Promise<Result<Map<string, FeatureLock>, Diagnostic[]>> {
  const { listing, objects, memory, features } = reading;
  const files = features.flatMap((feature) => {
    const entry = listing.get(feature.lockFile);
    return entry ? [{ feature, id: entry.id }] : [];
  });
  const unknown = files.filter(({ id }) => !memory.lock(id));
  const texts = await objects.readMany(unknown.map((file) => file.id));
  const locks = new Map<string, FeatureLock>();
  const problems: Diagnostic[] = [];
  for (const { feature, id } of files) {
    const known = memory.lock(id);
    const parsed = known ? ok(known) : parseLock(texts.get(id)?.toString('utf8') ?? '', feature.lockFile);
    const marked = texts.get(id)?.includes('<<<<<<<')
      ? await fromIndex(reading, feature.lockFile)
      : undefined;
    if (marked) locks.set(feature.name, marked);
    else if (parsed.ok) {
      locks.set(feature.name, parsed.value);
      memory.keepLock(id, parsed.value);
    } else problems.push(parsed.error);
  }
  if (problems.length > 0) return err(problems);
  for (const [name, lock] of await lostLocks(reading)) locks.set(name, lock);
  return ok(locks);
}

/** Both sides of a merge under way, whole: between markers, git may have mixed lines of one task. */
async function fromIndex(
  { repository, objects }: LockReading,
  file: string,
): Promise<FeatureLock | undefined> {
  const read = async (blob: ObjectId | undefined) => {
    const text = blob ? await objects.read(blob) : undefined;
    const lock = text ? parseLock(text.toString('utf8'), file) : undefined;
    return lock?.ok ? lock.value : undefined;
  };
  const [base, ours, theirs] = await unmergedBlobs(repository, file);
  const sides = { base: await read(base), ours: await read(ours), theirs: await read(theirs) };
  if (!sides.ours || !sides.theirs) return undefined;
  return { ...mergeLocks({ ...sides, ours: sides.ours, theirs: sides.theirs }), hasMarkers: true };
}

/**
 * Locks that are gone from disk while files of their feature are there: as the newest commit that has them says. A feature that
 * was never built has such files too when it edits files of people, or when they wrote its outputs: that its lock is in no commit
 * is kept, so that git reads its history once for each HEAD and not at each load.
 */
async function lostLocks(reading: LockReading): Promise<Map<string, FeatureLock>> {
  const { repository, objects, listing, features } = reading;
  const isThere = (task: Task) =>
    patternSet(task.outputs).select(listing).length > 0 || task.edits.some((path) => listing.get(path));
  const gone = features.filter(({ lockFile, tasks }) => !listing.get(lockFile) && tasks.some(isThere));
  const found = new Map<string, FeatureLock>();
  if (gone.length === 0) return found;
  const head = await resolveCommit(repository, 'HEAD');
  if (head === undefined) return found;
  // A shallow clone that gets more commits has another history with the same HEAD.
  const history = `${head} ${fileIdentity(join(repository.commonDir, 'shallow')) ?? ''}`;
  const record = await readUncommittedLocks(repository.state);
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
      found.set(name, { ...lock.value, isLost: true });
      break;
    }
    if (!changes.some(({ files }) => files.has(lockFile))) never.add(lockFile);
  }
  const lockFiles = [...never].sort(compareBytes);
  if (lockFiles.length > 0) await writeUncommittedLocks(repository.state, { history, lockFiles });
  return found;
}
