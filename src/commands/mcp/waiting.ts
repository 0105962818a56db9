/** Waiting with an end: for a promise, or until something holds. */

import { setTimeout as wait } from 'node:timers/promises';
import { within } from '../../base/within.js';

const POLL_MS = 150;

/** What the promise gives; undefined after `ms`, or when the signal aborts. */
export async function withLimit<T>(of: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  const found = await within(of, ms, signal);
  return found === 'late' ? undefined : found;
}

/** Asks again and again until there is an answer; undefined after `ms`, or when the signal aborts. */
export async function untilFound<T>(
  look: () => Promise<T | undefined>,
  ms: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined || signal.aborted || performance.now() >= end) return found;
    await wait(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
