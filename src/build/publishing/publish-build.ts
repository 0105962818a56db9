/** Publishes finished tasks to the user's files: plans, writes and records. Runs no task and no gate. */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import type { Prepared } from '../../analysis/prepare.js';
import { ok, type Result } from '../../base/result.js';
import type { StoredResult } from '../../model/action.js';
import type { TaskOutcomeKind } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import { writePatched, writePublished } from '../../project/clone-records.js';
import type { Emit } from '../../project/host.js';
import { lockedTask, lockFiles } from '../../project/project.js';
import { publishTree } from '../../workspace/publish.js';
import type { TaskStep } from '../task-step.js';
import { mergeResults } from './merged-tree.js';
import type { MergedTree } from './publish-plan.js';

function isDone(outcome: TaskOutcomeKind): boolean {
  return outcome !== 'drifted' && outcome !== 'failed' && outcome !== 'skipped';
}

/**
 * Plans what is published. Where a patched file cannot be put together, the tasks that would patch it fail, with their
 * results kept; everything else is published.
 */
export async function planPublish(
  prepared: Prepared,
  step: TaskStep,
): Promise<{ merged: Result<MergedTree, Failure>; done: ReadonlySet<Label> }> {
  for (;;) {
    const dependencyOutputs = await withFormerPatches(prepared, step.dependencyOutputs);
    const done = new Set([...step.outcomes].filter(([, outcome]) => isDone(outcome)).map(([label]) => label));
    const merged = await mergeResults(prepared.project, {
      finished: step.finished,
      dependencyOutputs,
      whole: prepared.whole,
    });
    if (merged.ok || !step.withdraw(merged.error)) return { merged, done };
  }
}

/**
 * A task that failed or was not looked at keeps its former outputs, so also its former patches: they are put on
 * again when another task's patch of the same file is published.
 */
async function withFormerPatches(
  prepared: Prepared,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<ReadonlyMap<Label, DependencyOutputs>> {
  const all = new Map(dependencyOutputs);
  for (const task of prepared.project.graph.tasks.values()) {
    const locked = lockedTask(prepared.project, task);
    if (all.has(task.label) || !locked?.edits) continue;
    const former = await prepared.store.find(resultKeyOf(locked));
    const result: StoredResult | undefined = former.ok ? former.value : undefined;
    if (result)
      all.set(task.label, {
        label: task.label,
        outputs: result.outputs,
        interface: locked.interface,
        edits: result.edits,
      });
  }
  return all;
}

export async function publish(
  prepared: Prepared,
  merged: MergedTree,
  emit: Emit,
): Promise<Result<number, Failure>> {
  const { project } = prepared;
  if (merged.tree === project.snapshot) {
    await keepRecords(prepared, merged);
    return ok(0);
  }
  const done = await publishTree(project.repository, project.objects, {
    from: project.snapshot,
    to: merged.tree,
  });
  if (!done.ok) return done;
  await keepRecords(prepared, merged);
  const { written, removed } = done.value;
  const locks = lockFiles(project);
  emit({ type: 'build.published', written, removed });
  return ok([...written, ...removed].filter((path) => !locks.has(path)).length);
}

/** A clone that only found everything up to date knows its outputs too, for the day when a feature is removed. */
async function keepRecords({ project }: Prepared, merged: MergedTree): Promise<void> {
  await writePublished(project.repository.state, merged.published);
  await writePatched(project.repository.state, merged.patched);
}
