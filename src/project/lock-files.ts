/**
 * Reads the lock files of a project: as they are on disk, and in the middle of a merge from both sides. Decides nothing.
 */

import { err, ok, type Result } from '../base/result.js';
import { unmergedBlobs } from '../io/git/commit-history.js';
import type { Diagnostic } from '../model/failure.js';
import type { FeatureLock } from '../model/feature-lock.js';
import type { ObjectId } from '../model/tree.js';
import { parseLock } from '../specs/lock-file.js';
import { mergeLocks } from '../specs/merge-locks.js';
import { type Checkout, lostLocks } from './lost-locks.js';
import type { ProjectMemory } from './project-memory.js';

export interface LockReading extends Checkout {
  readonly memory: ProjectMemory;
  /** Absent: the features are all of the project. */
  readonly isPart?: true;
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
  const kept = new Map<ObjectId, FeatureLock>();
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
      kept.set(id, parsed.value);
    } else problems.push(parsed.error);
  }
  if (problems.length > 0) return err(problems);
  memory.keepLocks(kept, reading.isPart ? 'part' : 'whole');
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
