/**
 * Finds patches that are in files although no record tells of them: the results in the store prove it. A folder in which no build
 * has ended yet may have such files, because its records were lost or stayed elsewhere. Decides nothing.
 */

import { gitOk } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { FeatureLock } from '../model/feature-lock.js';
import type { Label } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import type { Entry, Listing, ObjectId } from '../model/tree.js';
import { sameEntry } from '../model/tree.js';
import { applyPatch } from '../workspace/patches/patch.js';
import type { PatchedFile } from './clone-records.js';
import { hasPatch } from './lost-locks.js';

export interface UnknownFiles {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly listing: Listing;
  readonly graph: TaskGraph;
  readonly locks: ReadonlyMap<string, FeatureLock>;
}

/** By path. Only files of tasks without a record are looked at, and the store only where there are some. */
export async function provenPatches(of: UnknownFiles): Promise<Record<string, PatchedFile>> {
  const { listing, graph, locks } = of;
  const editors = new Map<string, Label[]>();
  for (const label of graph.order) {
    const { feature, id, edits } = graph.task(label);
    if (locks.get(feature)?.tasks[id]) continue;
    for (const path of edits) if (listing.get(path)) editors.set(path, [...(editors.get(path) ?? []), label]);
  }
  if (editors.size === 0) return {};
  const results = await resultsByLabel(of.repository);
  const found: Record<string, PatchedFile> = {};
  for (const [path, labels] of editors) {
    const proven = await provenPatch(of, path, await patchesOf(of.objects, path, labels, results));
    if (proven) found[path] = proven;
  }
  return found;
}

/** A patch of a file as a result has it. */
interface StoredPatch {
  readonly label: Label;
  readonly base: Entry | undefined;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/**
 * Results that were made on one hand-written text belong together: where that text with all their patches is what the file has in
 * it, the file has these patches. The first text that is so counts, and before all others one that gives exactly the file.
 */
async function provenPatch(
  { objects, listing }: UnknownFiles,
  path: string,
  patches: readonly StoredPatch[],
): Promise<PatchedFile | undefined> {
  const bases = new Map(patches.map(({ base }) => [base?.id ?? '', base]));
  let proven: PatchedFile | undefined;
  for (const [id, base] of bases) {
    let file = base;
    const by: Label[] = [];
    for (const { label, before, after, base: own } of patches) {
      if ((own?.id ?? '') !== id || by.includes(label)) continue;
      const put = await applyPatch(objects, file, { path, before, after });
      if (!put.ok) continue;
      file = put.value;
      by.push(label);
    }
    const record = { base: id, merged: file?.id ?? '', by };
    if (record.merged === id || !(await hasPatch({ objects, listing }, path, record))) continue;
    if (record.merged === listing.get(path)?.id) return record;
    proven ??= record;
  }
  return proven;
}

/** By task in the order of the graph. */
async function patchesOf(
  objects: GitObjects,
  path: string,
  labels: readonly Label[],
  results: ReadonlyMap<Label, readonly ObjectId[]>,
): Promise<StoredPatch[]> {
  const patches: StoredPatch[] = [];
  for (const label of labels) {
    for (const commit of results.get(label) ?? []) {
      const tree = await objects.resolve(`${commit}^{tree}`);
      if (tree === undefined) continue;
      const sides = await objects.list(tree);
      const [base, before, after] = ['base', 'before', 'after'].map((side) =>
        sides.get(`edits/${side}/${path}`),
      );
      if (!sameEntry(before, after)) patches.push({ label, base, before, after });
    }
  }
  return patches;
}

/** Commits of results by the task that they were made for. */
async function resultsByLabel({ store }: Repository): Promise<ReadonlyMap<Label, readonly ObjectId[]>> {
  const format = '--format=%(objectname) %(contents:subject)';
  const listed = await gitOk(['for-each-ref', format, 'refs/conductor/results'], { gitDir: store });
  const results = new Map<Label, ObjectId[]>();
  for (const line of listed.toString('utf8').split('\n')) {
    const [, commit, label] = /^([0-9a-f]+) result of (.+)$/.exec(line) ?? [];
    if (commit && label) results.set(label, [...(results.get(label) ?? []), commit]);
  }
  return results;
}
