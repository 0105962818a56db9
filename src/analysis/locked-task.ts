/**
 * What a lock file alone says about a task: whether its files are as recorded, and its patches if the store has lost
 * them.
 */

import { ok, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type { LockedTask, TaskRecord } from '../model/feature-lock.js';
import type { Label, Task } from '../model/task.js';
import { encodeEntry, type Files } from '../model/tree.js';
import type { Project } from '../project/project.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import { lockedPatches } from './dependency-outputs.js';
import { foldPatches } from './patches.js';

/**
 * The patches of a task that is as recorded, from its lock: the file as the task finds it today and as it left it.
 * Undefined when the text that it left is nowhere to be had.
 */
export async function lockedEdits(
  project: Project,
  task: Task,
  locked: LockedTask,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<DependencyOutputs['edits'] | undefined, Failure>> {
  const edits: DependencyOutputs['edits'][number][] = [];
  const needs = project.graph.transitiveDependencies(task.label);
  for (const [path, after] of lockedPatches(locked)) {
    if (after && (await project.objects.read(after.id)) === undefined) return ok(undefined);
    const before = await foldPatches(project, path, needs, dependencyOutputs);
    if (!before.ok) return before;
    edits.push({ path, before: before.value, after });
  }
  return ok(edits);
}

/** Whether a file of a record is still the task's: one that its `outputs` name no more belongs to others. */
export function isOwn(project: Project, task: Task, path: string): boolean {
  return project.ownership.ownerOf(path) === task.label;
}

/** Files of a record that are still the task's work. */
export function stillMade(project: Project, task: Task, record: TaskRecord): string[] {
  return [
    ...Object.keys(record.outputs).filter((path) => isOwn(project, task, path)),
    ...Object.keys(record.edits ?? {}).filter((path) => task.edits.includes(path)),
  ];
}

/**
 * Whether the files on disk are those that the lock file records. A patched file is, with whatever people wrote beside the
 * patches.
 */
export function isAsRecorded(project: Project, locked: LockedTask, onDisk: Files): boolean {
  const recorded = Object.entries(locked.outputs);
  if (recorded.length !== onDisk.size) return false;
  for (const [path, word] of recorded) {
    const entry = onDisk.get(path);
    if (!entry || encodeEntry(entry) !== word) return false;
  }
  return Object.entries(locked.edits ?? {}).every(([path, edit]) => {
    const isAsLeft = (project.listing.get(path)?.id ?? '') === edit.merged;
    return isAsLeft || project.edited.get(path)?.isWhole === true;
  });
}
