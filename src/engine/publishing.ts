/** From finished tasks to the person's files: what lands is planned, written and recorded. Runs no task and no gate. */

import { ok, type Result } from '../base/result.js';
import type { StoredResult } from '../model/action.js';
import type { TaskOutcomeKind } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { publishTree } from '../workspace/publish.js';
import type { Produced } from './facts.js';
import { planLanding } from './landing.js';
import type { Landing } from './landing-plan.js';
import type { Prepared } from './prepare.js';
import { lockedTask, lockFiles } from './project.js';
import { writePatched, writePublished } from './records.js';
import type { Emit } from './surroundings.js';
import type { TaskStep } from './task-step.js';

function isDone(outcome: TaskOutcomeKind): boolean {
  return outcome !== 'drifted' && outcome !== 'failed' && outcome !== 'skipped';
}

/**
 * Plans what is published. Where a patched file cannot be put together, the tasks that would patch it fail, with their
 * results kept; everything else lands.
 */
export async function land(
  prepared: Prepared,
  step: TaskStep,
  at: string,
): Promise<{ landing: Result<Landing, Failure>; done: ReadonlySet<Label> }> {
  for (;;) {
    const produced = await withFormerPatches(prepared, step.produced);
    const done = new Set([...step.outcomes].filter(([, outcome]) => isDone(outcome)).map(([label]) => label));
    const landing = await planLanding(prepared.project, {
      landed: step.landed,
      produced,
      whole: prepared.whole,
      done,
      at,
    });
    if (landing.ok || !step.withdraw(landing.error)) return { landing, done };
  }
}

/**
 * A task that failed or was not looked at keeps its former outputs, so also its former patches: they are put on
 * again when another task's patch of the same file lands.
 */
async function withFormerPatches(
  prepared: Prepared,
  produced: ReadonlyMap<Label, Produced>,
): Promise<ReadonlyMap<Label, Produced>> {
  const all = new Map(produced);
  for (const task of prepared.project.graph.tasks.values()) {
    const locked = lockedTask(prepared.project, task);
    if (all.has(task.label) || !locked?.edits) continue;
    const former = await prepared.store.find(locked.resultKey ?? locked.key);
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
  landing: Landing,
  emit: Emit,
): Promise<Result<number, Failure>> {
  const { project } = prepared;
  if (landing.tree === project.snapshot) {
    await keepRecords(prepared, landing);
    return ok(0);
  }
  const done = await publishTree(project.repository, project.objects, {
    from: project.snapshot,
    to: landing.tree,
  });
  if (!done.ok) return done;
  await keepRecords(prepared, landing);
  const { written, removed } = done.value;
  const locks = lockFiles(project);
  emit({ type: 'build.published', written, removed });
  return ok([...written, ...removed].filter((path) => !locks.has(path)).length);
}

/** A clone that only found everything up to date knows its outputs too, for the day when a feature is removed. */
async function keepRecords({ project }: Prepared, landing: Landing): Promise<void> {
  await writePublished(project.repository.state, landing.published);
  await writePatched(project.repository.state, landing.patched);
}
