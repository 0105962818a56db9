/** The files that tasks patch and nobody owns: the hand-written text, apart from the patches. Decides nothing. */

import type { GitObjects } from '../io/git/objects.js';
import type { FeatureLock } from '../model/feature-lock.js';
import type { Task } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import type { Entry, Listing, ObjectId } from '../model/tree.js';
import { applyPatch } from '../workspace/patch.js';
import type { PatchedFile } from './clone-records.js';

/** How an edited file stands: as people wrote it, and how conductor left it last. */
export interface EditedFile {
  readonly base: Entry | undefined;
  readonly onDisk: Entry | undefined;
  /** The file as conductor last left it; undefined when no task has patched it yet. */
  readonly merged: ObjectId | undefined;
  /** False when what people wrote is in no store any more: then `base` still holds the patches. */
  readonly baseKnown: boolean;
  /** A person changed lines that a patch put in: whose word counts is not for conductor to say. */
  readonly contested: boolean;
  /** Likewise, but a task that patches the file is to be accepted: the change becomes a part of its patch. */
  readonly claimed: boolean;
}

/** Which files tasks patch, and what is recorded of them. */
export interface PatchRecords {
  readonly graph: TaskGraph;
  readonly locks: ReadonlyMap<string, FeatureLock>;
  /** By this clone, features included that were removed since. */
  readonly patched: ReadonlyMap<string, PatchedFile>;
  /** Tells the tasks whose files are to be accepted as they are. */
  accepts(task: Task): boolean;
}

/**
 * The files that tasks patch, without their patches. What a person changed since the last build is carried over onto
 * the hand-written text; where that is not possible the file on disk is taken as the people's word.
 */
export async function editedFiles(
  objects: GitObjects,
  listing: Listing,
  { graph, locks, patched, accepts }: PatchRecords,
): Promise<Map<string, EditedFile>> {
  const paths = new Set<string>();
  const claims = new Set<string>();
  for (const task of graph.tasks.values()) {
    for (const path of task.edits) paths.add(path);
    if (accepts(task)) for (const path of task.edits) claims.add(path);
  }
  const records = new Map<string, { base: ObjectId; merged: ObjectId }>();
  for (const lock of locks.values()) {
    for (const task of Object.values(lock.tasks)) {
      for (const [path, record] of Object.entries(task.edits ?? {})) {
        // Records of several tasks may come from different builds: the one that matches the present file is right.
        if (!records.has(path) || (listing.get(path)?.id ?? '') === record.merged) records.set(path, record);
        paths.add(path);
      }
    }
  }
  for (const [path, record] of patched) {
    if (records.has(path)) continue;
    records.set(path, record);
    paths.add(path);
  }
  const files = new Map<string, EditedFile>();
  for (const path of paths) {
    const onDisk = listing.get(path);
    const record = records.get(path);
    const mode = onDisk?.mode ?? '100644';
    if (!record) {
      const unpatched = { merged: undefined, baseKnown: true, contested: false, claimed: false };
      files.set(path, { base: onDisk, onDisk, ...unpatched });
      continue;
    }
    const base = await recordedBase(objects, record.base, mode);
    if ((onDisk?.id ?? '') === record.merged || base === 'missing') {
      const known = base !== 'missing';
      const held = { onDisk, merged: record.merged, baseKnown: known, contested: false, claimed: false };
      files.set(path, { base: known ? base : onDisk, ...held });
      continue;
    }
    const merged = record.merged === '' ? undefined : { mode, id: record.merged };
    const carried = await applyPatch(objects, base, merged, onDisk);
    const claimed = !carried.ok && claims.has(path);
    const kept = carried.ok ? carried.value : claimed ? base : onDisk;
    const contested = !carried.ok && !claimed;
    files.set(path, { base: kept, onDisk, merged: record.merged, baseKnown: true, contested, claimed });
  }
  return files;
}

/** An empty id in a record means that people wrote no such file: a task made it. */
async function recordedBase(
  objects: GitObjects,
  id: ObjectId,
  mode: Entry['mode'],
): Promise<Entry | undefined | 'missing'> {
  if (id === '') return undefined;
  return (await objects.read(id)) === undefined ? 'missing' : { mode, id };
}
