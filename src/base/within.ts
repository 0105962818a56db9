/** Waits for a promise no longer than a time. Does not know what it waits for. */

import { setTimeout as delay } from 'node:timers/promises';

/** What a promise gives, or `late` after so many milliseconds or when it is stopped. */
export async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T | 'late'> {
  const timer = new AbortController();
  const stopped = AbortSignal.any([timer.signal, signal]);
  try {
    return await Promise.race([
      work,
      delay(ms, 'late' as const, { signal: stopped }).catch(() => 'late' as const),
    ]);
  } finally {
    timer.abort();
  }
}
