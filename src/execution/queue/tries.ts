/** Tries again what fails while a place is away, and shares what has worked. Knows no place. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Result } from '../../base/result.js';

/** Milliseconds between two tries; the last one stays. */
const AGAIN_MS = [200, 1000, 5000];
/** Tries to send what nobody has paid for yet, over some 15 seconds. */
export const SEND_TRIES = 6;

export interface Tries<E> {
  /** Ends the tries: the last answer counts. */
  readonly signal: AbortSignal;
  /** Absent: until it is stopped. */
  readonly most?: number;
  /** Whether another try may end otherwise. Absent: each may. */
  isWorth?(error: E): boolean;
  /** Told before the second one. */
  onAgain?(error: E): void;
}

export async function tryAgain<T, E>(
  work: () => Promise<Result<T, E>>,
  { signal, most = Number.POSITIVE_INFINITY, isWorth = () => true, onAgain }: Tries<E>,
): Promise<Result<T, E>> {
  for (let tries = 1; ; tries++) {
    const done = await work();
    if (done.ok || signal.aborted || tries >= most || !isWorth(done.error)) return done;
    if (tries === 1) onAgain?.(done.error);
    const ms = AGAIN_MS[Math.min(tries, AGAIN_MS.length) - 1];
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }
}

/** Does the work once for all that ask. After a failure, the next one that asks has it done again: `failures` counts them. */
export function sharedOnce<A, T, E>(
  work: (by: A, failures: number) => Promise<Result<T, E>>,
): (by: A) => Promise<Result<T, E>> {
  let shared: Promise<Result<T, E>> | undefined;
  let failures = 0;
  return (by) => {
    if (shared) return shared;
    const begun = work(by, failures);
    shared = begun;
    const forget = () => {
      failures++;
      shared = undefined;
    };
    begun.then(({ ok }) => ok || forget(), forget);
    return begun;
  };
}
