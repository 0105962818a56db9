/** A task's files on disk in the form of a result: its outputs, and its part of the files that it patches. */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { lockedEdits } from '../../analysis/locked-task.js';
import { baseMissing } from '../../analysis/pinned-results.js';
import type { Prepared } from '../../analysis/prepare.js';
import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import type { EditPatch, StoredResult } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Label, Task } from '../../model/task.js';
import { type Files, sameEntry } from '../../model/tree.js';
import { lockedTask } from '../../project/project.js';

export interface TaskFiles {
  readonly outputs: Files;
  readonly edits: readonly EditPatch[];
}

/** Fails with `missing-outputs` when something that the task declares is not there. */
export async function filesOnDisk(
  prepared: Prepared,
  task: Task,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<TaskFiles, Failure>> {
  const outputs: Files = prepared.project.owned.get(task.label) ?? new Map();
  const missing = patternSet(task.outputs).unmatched(outputs.keys());
  if (missing.length > 0) return err({ kind: 'missing-outputs', paths: missing });
  const edits = await patchesOnDisk(prepared, task, dependencyOutputs);
  return edits.ok ? ok({ outputs, edits: edits.value }) : edits;
}

/** Whether the files are those of the result: then there is nothing to accept. */
export function isSameWork(files: TaskFiles, result: StoredResult): boolean {
  const sameOutputs =
    files.outputs.size === result.outputs.size &&
    [...files.outputs].every(([path, entry]) => sameEntry(entry, result.outputs.get(path)));
  const patch = (edit: EditPatch) => result.edits.find(({ path }) => path === edit.path);
  return (
    sameOutputs &&
    files.edits.length === result.edits.length &&
    files.edits.every((edit) => {
      const other = patch(edit);
      return (
        other !== undefined && sameEntry(edit.before, other.before) && sameEntry(edit.after, other.after)
      );
    })
  );
}

/**
 * The task's former patches. Where a person changed lines that they had put in, the change becomes a part of them; where it
 * concerns patches of other tasks too, these have to be accepted with it (`shared-patch`); where that would not do, the file
 * without its patches is not known (`edit-base-missing`).
 */
async function patchesOnDisk(
  { project, store }: Prepared,
  task: Task,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<EditPatch[], Failure>> {
  const locked = lockedTask(project, task);
  if (!locked?.edits) return ok([]);
  const stored = await store.find(resultKeyOf(locked));
  const former =
    stored.ok && stored.value
      ? ok(stored.value.edits)
      : await lockedEdits(project, task, locked, dependencyOutputs);
  if (!former.ok) return former;
  const edits: EditPatch[] = [];
  for (const path of task.edits) {
    const file = project.edited.get(path);
    const old = former.value?.find((edit) => edit.path === path);
    if (!file || !old) {
      if (ownValue(locked.edits, path)) return err(baseMissing(store, path, locked));
      continue;
    }
    const { claim } = file;
    if (claim?.kind === 'shared') {
      const { with: others } = claim;
      // Nobody can accept the change of a patch whose task was removed, or of one that is in no store.
      const isPossible = others.length > 0 && others.every((label) => project.graph.tasks.has(label));
      return err(
        isPossible ? { kind: 'shared-patch', path, with: others } : baseMissing(store, path, locked),
      );
    }
    const own = claim?.patches.get(task.label);
    edits.push({ base: file.base, ...(own ? { path, before: own.before, after: own.after } : old) });
  }
  return ok(edits.filter((edit) => !sameEntry(edit.before, edit.after)));
}
