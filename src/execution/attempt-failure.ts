/** Failures of single attempts: what an exception means, and which failures allow another attempt. */

import { err, type Result } from '../base/result.js';
import { asFailure } from '../io/files.js';
import type { Failure } from '../model/failure.js';

/** Whether a new session that gets the evidence of this failure may succeed. */
export function isWorthRetry(failure: Failure): boolean {
  switch (failure.kind) {
    case 'cancelled':
    case 'agent-missing':
    case 'agent-start-failed':
    case 'agent-blocked':
    case 'needs':
    case 'no-agent':
    case 'context-overflow':
    case 'provider-unavailable':
    case 'provider-refused':
    case 'budget-exceeded':
    case 'budget-unknown-price':
    case 'budget-unknown-usage':
    case 'setup-failed':
    case 'disk-full':
    case 'system-error':
    case 'git-failed':
    case 'store-damaged':
    case 'gate-missing-program':
    case 'gate-cannot-start':
    case 'preflight-failed':
    case 'format-rejected':
    case 'git-missing':
    case 'queue-failed':
    case 'job-failed':
    case 'snapshot-failed':
    case 'unsupported-repository':
    case 'usage':
    case 'review-failed':
    case 'bug':
      return false;
    default:
      return true;
  }
}

/** Whether the task's spec may be the cause, so that a revised task could succeed: the work was checked and rejected. */
export function isRepairable(failure: Failure): boolean {
  switch (failure.kind) {
    case 'gate-failed':
    case 'gate-timed-out':
    case 'review-rejected':
    case 'nothing-done':
    case 'missing-outputs':
    case 'wrote-outside-outputs':
    case 'step-limit':
    case 'timed-out':
      return true;
    default:
      return false;
  }
}

/** Turns an exception into a failure: what the disk or git refuses and a cancellation are expected, the rest is a bug. */
export async function guarded<T>(work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
  try {
    return await work();
  } catch (error) {
    const failure = asFailure(error);
    if (failure) return err(failure);
    if (error instanceof Error && error.name === 'AbortError') return err({ kind: 'cancelled' });
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? error.stack : undefined;
    return err({ kind: 'bug', message, ...(stack === undefined ? {} : { stack }) });
  }
}

const WITH_WORDS = new Set<string>([
  'agent-error',
  'stalled',
  'step-limit',
  'timed-out',
  'needs',
  'nothing-done',
  'missing-outputs',
  'wrote-outside-outputs',
  'gate-failed',
  'gate-timed-out',
  'review-rejected',
]);

/** The failure with what its agent said last, where that may explain it. */
export function withWords(failure: Failure, said: string | undefined): Failure {
  if (said === undefined || said.trim() === '' || !WITH_WORDS.has(failure.kind)) return failure;
  return { ...failure, said } as Failure;
}
