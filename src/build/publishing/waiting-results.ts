/** Results that a build stores and does not publish: said, and remembered by the clone until a build publishes them. */

import type { Prepared } from '../../analysis/prepare.js';
import { canonicalJson } from '../../model/digest.js';
import type { ResultOutcome, TaskOutcomeKind, WaitReason } from '../../model/event.js';
import type { Label } from '../../model/task.js';
import { readWaiting, type WaitingResult, writeWaiting } from '../../project/clone-records.js';
import type { Emit } from '../../project/host.js';
import type { TaskStep } from '../task-step.js';

/** Why a result waits. */
export type Waits = ReadonlyMap<Label, { readonly because: WaitReason; readonly on: readonly Label[] }>;

/** Results that an earlier build kept back and that were not asked for now, with what they wait for. */
export async function heldResults(
  { project, targets }: Prepared,
  { finished }: TaskStep,
): Promise<ReadonlyMap<Label, readonly Label[]>> {
  const held = new Map<Label, readonly Label[]>();
  for (const [label, waiting] of Object.entries(await readWaiting(project.repository.state))) {
    const isSame = finished.get(label)?.result.key === waiting.result;
    if (isSame && !targets.has(label)) held.set(label, waiting.on);
  }
  return held;
}

/** Says which results wait, and remembers them in place of what was known of the tasks of this build. */
export async function keepWaiting(
  { project }: Prepared,
  step: TaskStep,
  waits: Waits,
  emit: Emit,
): Promise<void> {
  const { state } = project.repository;
  const before = await readWaiting(state);
  const after: Record<Label, WaitingResult> = {};
  for (const [label, waiting] of Object.entries(before)) {
    if (project.graph.tasks.has(label) && !step.outcomes.has(label)) after[label] = waiting;
  }
  for (const [task, { because, on }] of waits) {
    const key = project.rest?.restored.keys.get(task);
    const outcome = key === undefined ? step.outcomes.get(task) : 'cached';
    const result = key ?? step.finished.get(task)?.result.key;
    if (result === undefined || !hasResult(outcome)) continue;
    after[task] = { result, because, on };
    emit({ type: 'task.waiting', task, outcome, because, ...(on.length === 0 ? {} : { on }) });
  }
  if (canonicalJson(before) !== canonicalJson(after)) await writeWaiting(state, after);
}

function hasResult(outcome: TaskOutcomeKind | undefined): outcome is ResultOutcome {
  return outcome === 'cached' || outcome === 'verified' || outcome === 'built' || outcome === 'accepted';
}
