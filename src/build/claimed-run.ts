/**
 * Runs a task that costs money where no other build makes the same result: claims it first, or waits for the other
 * build and then looks for its result. Waiting takes no worker from other tasks.
 */

import type { Prepared } from '../analysis/prepare.js';
import type { Check } from '../analysis/verdict.js';
import type { HeldTurn } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import type { ExecutionContext } from '../execution/executor.js';
import type { StoredResult } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { HeldClaim, OwnClaim } from '../store/claims/claims.js';

export interface ClaimedRun<T> {
  readonly prepared: Prepared;
  readonly check: Check;
  readonly context: ExecutionContext;
  /** It becomes a job of a queue, where equal jobs are one: only a stored result is looked for. */
  readonly isUnclaimed: boolean;
  /** Runs `work` when a worker is free. */
  inWorker<R>(work: (worker: HeldTurn) => Promise<Result<R, Failure>>): Promise<Result<R, Failure>>;
  /** The task itself. */
  run(worker: HeldTurn): Promise<Result<T, Failure>>;
}

export type Ran<T> =
  | { readonly kind: 'ran'; readonly done: Result<T, Failure>; readonly claim?: OwnClaim }
  /** Another build has stored a result meanwhile. */
  | { readonly kind: 'elsewhere'; readonly result: StoredResult };

export async function runClaimed<T>(parts: ClaimedRun<T>): Promise<Ran<T>> {
  const { prepared, check, context } = parts;
  const { label } = check.task;
  let claims = parts.isUnclaimed ? undefined : prepared.claims;
  for (;;) {
    const claiming = claims;
    const tried = await parts.inWorker<Ran<T> | HeldClaim>(async (worker) => {
      const claim = await claiming?.take(check.storeKey, label, context.signal);
      if (claim?.kind === 'held') return ok(claim);
      const own = claim === undefined ? {} : { claim };
      try {
        // The result may have been stored since the task was looked at, perhaps just before the claim was free.
        const found = await findNow(prepared, check);
        if (found) {
          claim?.release();
          return ok({ kind: 'elsewhere', result: found });
        }
        return ok({ kind: 'ran', done: await parts.run(worker), ...own });
      } catch (error) {
        claim?.release();
        throw error;
      }
    });
    if (!tried.ok) return { kind: 'ran', done: tried };
    const held = tried.value;
    if (held.kind !== 'held') return held;
    const waiting = `waits for the result of ${held.who}`;
    context.emit({ type: 'task.started', task: label, attempt: 1, recipe: 'gates' });
    context.emit({ type: 'task.phase', task: label, attempt: 1, phase: 'claim-wait', detail: waiting });
    const waited = await claiming?.wait(held, context.signal);
    if (context.signal.aborted) return { kind: 'ran', done: err({ kind: 'cancelled' }) };
    if (waited !== 'given-up') continue;
    claims = undefined;
    const message = `${held.who} has been building this task for very long; conductor builds it here`;
    context.emit({ type: 'warning', task: label, message });
  }
}

async function findNow({ store }: Prepared, { storeKey }: Check): Promise<StoredResult | undefined> {
  const found = await (store.findNow?.(storeKey) ?? store.find(storeKey));
  return found.ok ? found.value : undefined;
}
