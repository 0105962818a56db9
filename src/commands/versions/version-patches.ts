/** The change of patched files when a feature goes back to another version. Publishes nothing. */

import { baseMissing } from '../../analysis/pinned-results.js';
import type { Prepared } from '../../analysis/prepare.js';
import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import type { Changes } from '../../build/publishing/publish-plan.js';
import type { EditPatch } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import { type FeatureLock, type LockedTask, resultKeyOf } from '../../model/feature-lock.js';
import type { Feature } from '../../model/task.js';
import type { Entry } from '../../model/tree.js';
import type { PatchedFile } from '../../project/clone-records.js';
import { foldChanges } from '../../workspace/patches/patch.js';

export interface RestoredPatches {
  /** The version's lock with the patched files as they will be. */
  readonly lock: FeatureLock;
  readonly patched: Readonly<Record<string, PatchedFile>>;
}

/**
 * The patched files, assembled again into `changes`: what people wrote, with the patches of other features as they are
 * and this one's as the version has them. Fails with `edit-base-missing` (a text or a patch is in no store) or
 * `patch-conflict`.
 */
export async function restorePatches(
  prepared: Prepared,
  feature: Feature,
  lock: FeatureLock,
  changes: Changes,
): Promise<Result<RestoredPatches, Failure>> {
  const { project } = prepared;
  const paths = new Set(pathsOf(project.locks.get(feature.name)));
  for (const path of pathsOf(lock)) paths.add(path);
  const locks = [...project.locks.values()].map((one) => (one.feature === feature.name ? lock : one));
  const patches = await patchesOf(prepared, locks, paths);
  if (!patches.ok) return patches;
  const files = new Map<string, Entry | undefined>();
  for (const path of paths) {
    const file = project.edited.get(path);
    if (file && !file.baseKnown) return err({ kind: 'edit-base-missing', path });
    files.set(path, file ? file.base : project.listing.get(path));
  }
  for (const path of new Set(patches.value.map((patch) => patch.path))) {
    const order = project.edited.get(path)?.order;
    const changes = patches.value.flatMap((patch) => (patch.path === path ? [{ ...patch, order }] : []));
    const { file, left } = await foldChanges(project.objects, files.get(path), changes);
    if (left.length > 0) return err({ kind: 'patch-conflict', path });
    files.set(path, file);
  }
  for (const [path, entry] of files) changes.set(path, entry);
  const base = (path: string) => project.edited.get(path)?.base?.id ?? '';
  const tasks = Object.entries(lock.tasks).map(([id, task]): [string, LockedTask] => {
    if (!task.edits) return [id, task];
    const edits = Object.entries(task.edits).map(([path, edit]) => [
      path,
      { ...edit, base: base(path), merged: files.get(path)?.id ?? '' },
    ]);
    return [id, { ...task, edits: Object.fromEntries(edits) }];
  });
  const labels = (path: string) =>
    tasks.filter(([, task]) => ownValue(task.edits, path)).map(([id]) => `${feature.name}/${id}`);
  const patched = [...files].map(([path, entry]): [string, PatchedFile] => {
    const others = (project.patched.get(path)?.by ?? []).filter(
      (label) => !label.startsWith(`${feature.name}/`),
    );
    return [path, { base: base(path), merged: entry?.id ?? '', by: [...others, ...labels(path)] }];
  });
  return ok({ lock: { ...lock, tasks: Object.fromEntries(tasks) }, patched: Object.fromEntries(patched) });
}

function pathsOf(lock: FeatureLock | undefined): string[] {
  return Object.values(lock?.tasks ?? {}).flatMap((task) => Object.keys(task.edits ?? {}));
}

/** The patches of the given files, dependencies first as far as today's graph knows them. */
async function patchesOf(
  { project, store }: Prepared,
  locks: readonly FeatureLock[],
  paths: ReadonlySet<string>,
): Promise<Result<EditPatch[], Failure>> {
  const tasks = locks.flatMap((lock) =>
    Object.entries(lock.tasks).map(([id, task]) => ({
      place: project.graph.order.indexOf(`${lock.feature}/${id}`) >>> 0,
      task,
    })),
  );
  const found: EditPatch[] = [];
  for (const { task } of tasks.sort((a, b) => a.place - b.place)) {
    const path = Object.keys(task.edits ?? {}).find((one) => paths.has(one));
    if (path === undefined) continue;
    const result = await store.find(resultKeyOf(task));
    if (!result.ok || !result.value) return err(baseMissing(store, path, task));
    found.push(...result.value.edits.filter((edit) => paths.has(edit.path)));
  }
  return ok(found);
}
