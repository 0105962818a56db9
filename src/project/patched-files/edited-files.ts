/** The files that tasks patch and nobody owns: the hand-written text, apart from the patches. Decides nothing. */

import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import { type FeatureLock, recordsOf, type TaskRecord } from '../../model/feature-lock.js';
import type { Label, Task } from '../../model/task.js';
import type { TaskGraph } from '../../model/task-graph.js';
import { type Entry, encodeEntry, type Listing, type ObjectId, sameEntry } from '../../model/tree.js';
import { applyPatch } from '../../workspace/patches/patch.js';
import type { PatchedFile } from '../clone-records.js';
import { changedState, type EditedFile } from './changed-state.js';
import { patchSides, recordedAfter, recordedPatches } from './recorded-patches.js';

/** Which files tasks patch, and what is recorded of them. */
export interface PatchRecords {
  readonly graph: TaskGraph;
  readonly locks: ReadonlyMap<string, FeatureLock>;
  /** By this clone, features included that were removed since. */
  readonly patched: ReadonlyMap<string, PatchedFile>;
  /** Tells the tasks whose files are to be accepted as they are. */
  accepts(task: Task): boolean;
  /** The tasks for which a person's change of patched lines is thrown away. */
  discards(graph: TaskGraph): ReadonlySet<Label>;
}

/**
 * The files that tasks patch, without their patches. What a person changed since the last build is carried over onto
 * the hand-written text; where that is not possible the file on disk is taken as the people's word.
 */
export async function editedFiles(
  objects: GitObjects,
  listing: Listing,
  { graph, locks, patched, accepts, discards }: PatchRecords,
): Promise<Map<string, EditedFile>> {
  const paths = new Set<string>();
  const claims = new Map<string, Set<Label>>();
  const discarding = discards(graph);
  const discarded = new Set<string>();
  const keeping = new Map<string, Set<Label>>();
  for (const task of graph.tasks.values()) {
    if (task.edits.length === 0) continue;
    const isAccepted = accepts(task);
    for (const path of task.edits) {
      paths.add(path);
      if (discarding.has(task.label)) discarded.add(path);
      else addTo(keeping, path, task.label);
      if (isAccepted) addTo(claims, path, task.label);
    }
  }
  const records = new Map<string, { base: ObjectId; merged: ObjectId }>();
  const states = new Map<string, Set<ObjectId>>();
  for (const lock of locks.values()) {
    for (const task of Object.values(lock.tasks).flatMap(recordsOf)) {
      for (const [path, record] of Object.entries(task.edits ?? {})) {
        addTo(states, path, record.merged);
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
    const locked = ownValue(locks.get(feature)?.tasks, id);
    if (locked) patches.push(recordsOf(locked).filter((one) => one.edits !== undefined));
  }
  const files = new Map<string, EditedFile>();
  for (const path of paths) {
    const onDisk = listing.get(path);
    const record = records.get(path);
    const mode = onDisk?.mode ?? '100644';
    if (!record) {
      files.set(path, { ...UNTOUCHED, base: onDisk, baseKey: keyOf(onDisk), onDisk, merged: undefined });
      continue;
    }
    const base = await recordedBase(objects, record.base, mode);
    if ((onDisk?.id ?? '') === record.merged || base === 'missing') {
      const known = base !== 'missing';
      const isMerged = (onDisk?.id ?? '') === record.merged;
      const written = record.base === '' ? undefined : { mode, id: record.base };
      const baseKey = keyOf(isMerged ? written : onDisk);
      const isWhole = known && isMerged && states.get(path)?.size === 1;
      const held = { onDisk, merged: record.merged, baseKnown: known, order: onDisk, isWhole };
      files.set(path, { ...UNTOUCHED, base: known ? base : onDisk, baseKey, ...held });
      continue;
    }
    // Branches that patched the file were merged: none of their records tells of the file as git has put it together.
    const bare =
      (states.get(path)?.size ?? 0) > 1 ? await withoutPatches(objects, path, onDisk, patches) : undefined;
    if (bare?.ok) {
      const merged = onDisk?.id ?? '';
      files.set(path, { ...UNTOUCHED, base: bare.value, baseKey: keyOf(bare.value), onDisk, merged });
      continue;
    }
    const merged = record.merged === '' ? undefined : { mode, id: record.merged };
    const known = await recordedPatches(objects, path, graph, {
      locks,
      by: patched.get(path)?.by ?? [],
    });
    const changed = { path, base, merged, onDisk, patches: known ?? [] };
    const state = await changedState(objects, changed, {
      isKnown: known !== undefined,
      isDiscarded: discarded.has(path),
      keeping: keeping.get(path) ?? new Set(),
      takers: claims.get(path),
    });
    files.set(path, {
      ...UNTOUCHED,
      ...state,
      baseKey: keyOf(state.base),
      onDisk,
      merged: record.merged,
    });
  }
  return files;
}

const UNTOUCHED = {
  baseKnown: true,
  contested: false,
  isDiscarded: false,
  touched: [],
  takers: [],
  claim: undefined,
  order: undefined,
  isWhole: false,
} as const;

function addTo(sets: Map<string, Set<string>>, path: string, one: string): void {
  sets.set(path, (sets.get(path) ?? new Set()).add(one));
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
    const patching = records.filter((record) => ownValue(record.edits, path));
    if (patching.length === 0) continue;
    let found: Result<Entry | undefined, 'conflict'> | undefined;
    for (const record of patching) {
      const sides = await patchSides(objects, record.result, path);
      if (!sides) continue;
      const change = { path, before: recordedAfter(record, path), after: sides.before };
      const bare = await applyPatch(objects, file, change);
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
