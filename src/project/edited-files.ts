/** The files that tasks patch and nobody owns: the hand-written text, apart from the patches. Decides nothing. */

import { err, ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import { type FeatureLock, recordsOf, type TaskRecord } from '../model/feature-lock.js';
import type { Task } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import {
  decodeEntry,
  type Entry,
  encodeEntry,
  type Listing,
  type ObjectId,
  sameEntry,
} from '../model/tree.js';
import { applyPatch } from '../workspace/patches/patch.js';
import { takenOut } from '../workspace/patches/taken-out.js';
import type { PatchedFile } from './clone-records.js';

/** How an edited file stands: as people wrote it, and how conductor left it last. */
export interface EditedFile {
  readonly base: Entry | undefined;
  /** `base` in keys: also where a clone knows only from a lock which file it was. Empty: people wrote none. */
  readonly baseKey: string;
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
  const states = new Map<string, Set<ObjectId>>();
  for (const lock of locks.values()) {
    for (const task of Object.values(lock.tasks).flatMap(recordsOf)) {
      for (const [path, record] of Object.entries(task.edits ?? {})) {
        states.set(path, (states.get(path) ?? new Set()).add(record.merged));
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
  const patches: TaskPatches[] = [];
  for (const label of [...graph.order].reverse()) {
    const { feature, id } = graph.task(label);
    const locked = locks.get(feature)?.tasks[id];
    if (locked) patches.push(recordsOf(locked).filter((one) => one.edits !== undefined));
  }
  const files = new Map<string, EditedFile>();
  for (const path of paths) {
    const onDisk = listing.get(path);
    const record = records.get(path);
    const mode = onDisk?.mode ?? '100644';
    if (!record) {
      const unpatched = { merged: undefined, baseKnown: true, contested: false, claimed: false };
      files.set(path, { base: onDisk, baseKey: keyOf(onDisk), onDisk, ...unpatched });
      continue;
    }
    const base = await recordedBase(objects, record.base, mode);
    if ((onDisk?.id ?? '') === record.merged || base === 'missing') {
      const known = base !== 'missing';
      const held = { onDisk, merged: record.merged, baseKnown: known, contested: false, claimed: false };
      const isMerged = (onDisk?.id ?? '') === record.merged;
      const written = record.base === '' ? undefined : { mode, id: record.base };
      const baseKey = keyOf(isMerged ? written : onDisk);
      files.set(path, { base: known ? base : onDisk, baseKey, ...held });
      continue;
    }
    // Branches that patched the file were merged: none of their records tells of the file as git has put it together.
    const bare =
      (states.get(path)?.size ?? 0) > 1 ? await withoutPatches(objects, path, onDisk, patches) : undefined;
    if (bare?.ok) {
      const known = { merged: onDisk?.id ?? '', baseKnown: true, contested: false, claimed: false };
      files.set(path, { base: bare.value, baseKey: keyOf(bare.value), onDisk, ...known });
      continue;
    }
    const merged = record.merged === '' ? undefined : { mode, id: record.merged };
    const carried = await applyPatch(objects, base, { path, before: merged, after: onDisk });
    const bared =
      carried.ok || !onDisk
        ? undefined
        : await takenOut(objects, onDisk, { path, before: base, after: merged });
    const claimed = !carried.ok && claims.has(path);
    const kept = carried.ok ? carried.value : claimed ? base : (bared ?? onDisk);
    const contested = !carried.ok && !claimed && bared === undefined;
    const told = { base: kept, baseKey: keyOf(kept), onDisk, merged: record.merged };
    files.set(path, { ...told, baseKnown: true, contested, claimed });
  }
  return files;
}

function keyOf(entry: Entry | undefined): string {
  return entry ? encodeEntry(entry) : '';
}

/** The records of one task that may have patched a file. */
type TaskPatches = readonly TaskRecord[];

/** The file as people wrote it: every recorded patch taken out, the last one first. Fails where one does not come out. */
async function withoutPatches(
  objects: GitObjects,
  path: string,
  onDisk: Entry | undefined,
  tasks: readonly TaskPatches[],
): Promise<Result<Entry | undefined, 'conflict'>> {
  let file = onDisk;
  for (const records of tasks) {
    const patching = records.filter((record) => record.edits?.[path]);
    if (patching.length === 0) continue;
    let found: Result<Entry | undefined, 'conflict'> | undefined;
    for (const { result, edits } of patching) {
      const tree = await objects.resolve(`${result}^{tree}`);
      if (tree === undefined) continue;
      const sides = await objects.list(tree);
      const word = edits?.[path]?.after ?? '';
      const [before, after] = [
        sides.get(`edits/before/${path}`),
        word === '' ? undefined : decodeEntry(word),
      ];
      const bare = await applyPatch(objects, file, { path, before: after, after: before });
      if (bare.ok && !sameEntry(bare.value, file)) {
        found = bare;
        break;
      }
    }
    if (!found?.ok) return err('conflict');
    file = found.value;
  }
  return ok(file);
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
