/**
 * Finds patches that are in files although no record tells of them: the results in the store prove it. A folder in which no build
 * has ended yet may have such files, because its records were lost or stayed elsewhere. Decides nothing.
 */

import { mapBounded } from '../../base/bounded.js';
import { ownValue } from '../../base/records/own-value.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { FeatureLock } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import type { TaskGraph } from '../../model/task-graph.js';
import type { Entry, Listing, ObjectId } from '../../model/tree.js';
import { sameEntry } from '../../model/tree.js';
import { applyPatch } from '../../workspace/patches/patch.js';
import type { PatchedFile } from '../clone-records.js';
import { hasPatch } from '../lost-locks.js';
import { besideText, handChangeOf, type PatchSides, patchSides } from './recorded-patches.js';

export interface UnknownFiles {
  readonly objects: GitObjects;
  readonly listing: Listing;
  readonly graph: TaskGraph;
  readonly locks: ReadonlyMap<string, FeatureLock>;
  /** Files that this clone knows to be patched. */
  readonly known: ReadonlyMap<string, PatchedFile>;
  /** The tasks of results by commit, as far as they were read; those that are read are put in. */
  readonly labels: Map<ObjectId, Label | undefined>;
}

/** By path: the tasks of files that may have patches of which no record tells. */
export function unknownPatches({
  listing,
  graph,
  locks,
  known,
}: Omit<UnknownFiles, 'objects' | 'labels'>): Map<string, Label[]> {
  const editors = new Map<string, Label[]>();
  for (const label of graph.order) {
    const { feature, id, edits } = graph.task(label);
    if (ownValue(locks.get(feature)?.tasks, id)) continue;
    for (const path of edits)
      if (listing.get(path) && !known.has(path)) editors.set(path, [...(editors.get(path) ?? []), label]);
  }
  return editors;
}

/** By path. The store is looked at only where there is a file of a task without a record. */
export async function provenPatches(of: UnknownFiles): Promise<Record<string, PatchedFile>> {
  const editors = unknownPatches(of);
  if (editors.size === 0) return {};
  const results = await resultsByLabel(of);
  const found: [string, PatchedFile][] = [];
  for (const [path, labels] of editors) {
    const proven = await provenPatch(of, path, await patchesOf(of, path, labels, results));
    if (proven) found.push([path, proven]);
  }
  return Object.fromEntries(found);
}

interface StoredPatch extends PatchSides {
  readonly label: Label;
}

/**
 * Results that were made on one hand-written text belong together: where that text with all their patches is what the file has in
 * it, the file has these patches. The first text that is so counts, and before all others one that gives exactly the file.
 */
async function provenPatch(
  of: UnknownFiles,
  path: string,
  patches: readonly StoredPatch[],
): Promise<PatchedFile | undefined> {
  const { objects, listing } = of;
  const bases = new Map(patches.map(({ base }) => [base?.id ?? '', base]));
  let proven: PatchedFile | undefined;
  for (const [id, base] of bases) {
    let file = base;
    const by: Label[] = [];
    const put: StoredPatch[] = [];
    for (const patch of patches) {
      const { label, before, after, base: own } = patch;
      if ((own?.id ?? '') !== id || by.includes(label)) continue;
      const applied = await applyPatch(objects, file, { path, before, after });
      if (!applied.ok) continue;
      file = applied.value;
      by.push(label);
      put.push(patch);
    }
    const record = { base: id, merged: file?.id ?? '', by };
    if (record.merged === id || !(await isOnDisk(of, path, record, put))) continue;
    if (record.merged === listing.get(path)?.id) return record;
    proven ??= record;
  }
  return proven;
}

/** Whether the file has these patches, with whatever people wrote beside them. */
async function isOnDisk(
  { objects, listing }: UnknownFiles,
  path: string,
  record: PatchedFile,
  patches: readonly StoredPatch[],
): Promise<boolean> {
  if (await hasPatch({ objects, listing }, path, record)) return true;
  const onDisk = listing.get(path);
  if (!onDisk || onDisk.id === record.base) return false;
  const entryOf = (id: ObjectId) => (id === '' ? undefined : { mode: onDisk.mode, id });
  const sides = { base: entryOf(record.base), merged: entryOf(record.merged) };
  const change = await handChangeOf(objects, { path, onDisk, ...sides, patches });
  if (!change || change.touched.length > 0) return false;
  const { how } = await besideText(objects, { path, onDisk, patches }, change);
  return how === 'same' || how === 'same-lines';
}

/**
 * By task in the order of the graph. A task may have several results on one text (another formatter, a forced build): one whose
 * patch can be taken out of the file comes before the others, and before all one that leaves nothing but that text.
 */
async function patchesOf(
  { objects, listing }: UnknownFiles,
  path: string,
  labels: readonly Label[],
  results: ReadonlyMap<Label, readonly ObjectId[]>,
): Promise<StoredPatch[]> {
  const patches: StoredPatch[] = [];
  for (const label of labels) {
    const own: (readonly [rank: number, patch: StoredPatch])[] = [];
    for (const commit of results.get(label) ?? []) {
      const sides = await patchSides(objects, commit, path);
      if (!sides || sameEntry(sides.before, sides.after)) continue;
      const patch = { label, ...sides };
      own.push([await rankOf(objects, listing.get(path), path, patch), patch]);
    }
    patches.push(...own.sort(([a], [b]) => a - b).map(([, patch]) => patch));
  }
  return patches;
}

async function rankOf(
  objects: GitObjects,
  onDisk: Entry | undefined,
  path: string,
  { base, before, after }: StoredPatch,
): Promise<number> {
  const without = await applyPatch(objects, onDisk, { path, before: after, after: before });
  if (!without.ok || sameEntry(without.value, onDisk)) return 2;
  return without.value?.id === base?.id ? 0 : 1;
}

/** Commits of results by the task that they were made for. */
async function resultsByLabel({
  objects,
  labels,
}: UnknownFiles): Promise<ReadonlyMap<Label, readonly ObjectId[]>> {
  const commits = [...(await objects.refs('refs/conductor/results')).values()];
  const unread = commits.filter((commit) => !labels.has(commit));
  await mapBounded(unread, async (commit) => {
    const text = (await objects.read(commit))?.toString('utf8');
    if (text !== undefined) labels.set(commit, /\n\n(?:result of (.+))?/.exec(text)?.[1]);
  });
  const results = new Map<Label, ObjectId[]>();
  for (const commit of commits) {
    const label = labels.get(commit);
    if (label !== undefined) results.set(label, [...(results.get(label) ?? []), commit]);
  }
  return results;
}
