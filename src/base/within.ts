/** Waits for a promise no longer than a time. Does not know what it waits for. */

import { setTimeout as delay } from 'node:timers/promises';

/** What a promise gives, or `late` after so many milliseconds or when it is stopped. */
export async function within<T>(work: Promise<T>, ms: number, signal?: AbortSignal): Promise<T | 'late'> {
  const timer = new AbortController();
  const stopped = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal;
  try {
    return await Promise.race([
      work,
      delay(ms, 'late' as const, { signal: stopped }).catch(() => 'late' as const),
    ]);
  } finally {
    timer.abort();
  }
}

/** What a promise gives, or `late` when so many milliseconds have passed since a signal without it. */
export async function withinAfter<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  let begin = () => {};
  const late = new Promise<'late'>((resolve) => {
    begin = () => {
      timer = setTimeout(resolve, ms, 'late');
    };
  });
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', begin);
  }
}
