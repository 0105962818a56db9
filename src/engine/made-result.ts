/** Makes the result of a stale task, or waits for one that is being made, or says that it would fail again. */

import { err, ok, type Result } from '../base/result.js';
import type { StoredResult, Usage } from '../model/action.js';
import { canonicalJson } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import type { TaskOutcome } from '../model/run.js';
import type { Label } from '../model/task.js';
import type { Files } from '../model/tree.js';
import type { Check } from './check.js';
import type { ExecutionContext } from './executor.js';
import type { Produced } from './facts.js';
import type { Improvement } from './ladder/improvement.js';
import { type Climbed, climb, type LadderParts } from './ladder/ladder.js';
import { inTheWay } from './obstacles.js';
import type { BuildOptions } from './options.js';
import { pinnedMissing } from './pinned.js';
import type { Prepared } from './prepare.js';
import { recordGates, type VerifyParts } from './verify.js';

export interface MakeParts extends VerifyParts, LadderParts {
  readonly prepared: Prepared;
  readonly options: BuildOptions;
}

export interface MadeResult {
  /**
   * `again`: a run of a superseded build has made it, or failed by rules of then, or another build was first with it;
   * how it stands is to be checked. The store has no result where somebody has taken it out meanwhile.
   */
  readonly result: Result<StoredResult | undefined, Failure> | 'again';
  readonly usage: Usage;
  /** Milliseconds that it took; absent when nothing was made. */
  readonly ms?: number;
  /** The better task that was built in place of the one that was asked for. */
  readonly better?: { readonly check: Check; readonly improvement: Improvement };
}

/** `produced` holds at least the task's transitive dependencies; `former` is what it goes on from, if not what is on disk. */
export async function makeResult(
  parts: MakeParts,
  check: Check,
  produced: ReadonlyMap<Label, Produced>,
  former: Files | undefined,
): Promise<MadeResult> {
  const { prepared, resident, gateContext } = parts;
  const { task, verdict, storeKey } = check;
  const unmade = (failure: Failure): MadeResult => ({ result: err(failure), usage: {} });
  // What a failure depends on beside the key: the same key may succeed by other gates or with more money.
  const failureKey = `${storeKey} ${canonicalJson({ gates: check.gates, budget: task.budget })}`;
  const before = resident.failed.get(failureKey);
  if (before) return unmade({ kind: 'failed-before', failure: before });
  const reasons = verdict.kind === 'stale' ? verdict.reasons : [];
  if (reasons.some((reason) => reason.kind === 'result-missing')) {
    return unmade(pinnedMissing(prepared.project, task));
  }
  if (reasons.some((reason) => reason.kind === 'result-damaged')) {
    const message = 'its result in the store is damaged; it is made anew';
    gateContext.emit({ type: 'warning', task: task.label, message });
    await prepared.store.forget(storeKey);
  }
  let isOwn = false;
  let climbed: Climbed | undefined;
  const ran = await resident.runs.join(storeKey, task.label, gateContext, async (context) => {
    isOwn = true;
    const outcome = await execute(parts, check, produced, former, context, (one) => (climbed = one));
    const failure = !outcome.ok ? outcome.error : outcome.value.ok ? undefined : outcome.value.failure;
    if (failure && failure.kind !== 'cancelled') resident.failed.set(failureKey, failure);
    return outcome;
  });
  if (!ran.ok) return unmade(ran.error);
  const { usage, ms } = ran.value;
  if (!ran.value.ok) {
    const isToday = isOwn || resident.failed.has(failureKey);
    return { result: isToday ? err(ran.value.failure) : 'again', usage };
  }
  const better = climbed?.improvement && { check: climbed.check, improvement: climbed.improvement };
  // The ladder itself has looked again at what somebody else has made of a better task.
  const isOurs = isOwn && (better !== undefined || !ran.value.adopted);
  if (!isOurs) return { result: 'again', usage, ms };
  const result = await keptResult(parts, climbed?.check ?? check);
  return { result, usage, ms, ...(better ? { better } : {}) };
}

/** Waits for a worker, then does what can be done for the task. */
function execute(
  parts: MakeParts,
  check: Check,
  produced: ReadonlyMap<Label, Produced>,
  former: Files | undefined,
  context: ExecutionContext,
  onClimbed: (climbed: Climbed) => void,
): Promise<Result<TaskOutcome, Failure>> {
  const { workers, priority } = parts;
  const { label } = check.task;
  return workers
    .run(
      async () => {
        const climbed = await climb(parts, check, produced, former, context);
        if (climbed.ok) onClimbed(climbed.value);
        return climbed.ok ? ok(climbed.value.outcome) : climbed;
      },
      priority(label),
      context.signal,
    )
    .catch((error: unknown) => {
      if (context.signal.aborted) return err<Failure>({ kind: 'cancelled' });
      throw error;
    });
}

async function keptResult(
  { prepared, options }: MakeParts,
  check: Check,
): Promise<Result<StoredResult | undefined, Failure>> {
  const stored = await prepared.store.find(check.storeKey);
  if (!stored.ok) return stored;
  if (stored.value) await recordGates({ prepared }, check, stored.value.outputs, stored.value);
  const obstacles = options.discardEdits
    ? []
    : inTheWay(prepared.project, stored.value?.outputs.keys() ?? []);
  return obstacles.length > 0 ? err({ kind: 'drifted-outputs', paths: obstacles }) : stored;
}
