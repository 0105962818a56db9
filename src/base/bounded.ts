/** Work over many items with limits: on how many run at once, and on the time without a turn for the rest of the process. Does not know the work. */

/** Enough to keep a disk or a git process busy, few enough for the smallest limit on open files. */
export const AT_ONCE = 64;

/**
 * The results in the order of the items. After the first rejection no further item is started, and the whole rejects
 * when what was under way has ended.
 */
export async function mapBounded<T, R>(
  items: Iterable<T>,
  work: (item: T, index: number) => Promise<R>,
  atOnce = AT_ONCE,
): Promise<R[]> {
  const results: R[] = [];
  const rest = items[Symbol.iterator]();
  let started = 0;
  let failed: { error: unknown } | undefined;
  const worker = async () => {
    for (let next = rest.next(); !next.done && !failed; next = rest.next()) {
      const index = started++;
      try {
        results[index] = await work(next.value, index);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  const size = Array.isArray(items) ? items.length : hasSize(items) ? items.size : atOnce;
  await Promise.all(Array.from({ length: Math.min(atOnce, size) }, worker));
  if (failed) throw (failed as { error: unknown }).error;
  return results;
}

/** Else as many would be started as may run at once, for one item or none. */
function hasSize<T>(items: Iterable<T>): items is Iterable<T> & { readonly size: number } {
  return items instanceof Set || items instanceof Map;
}

/** Of work without a turn. */
const LONGEST_MS = 50;

/**
 * Between the steps of long work that waits for nothing: signals, timers and what V8 tells of its heap are heard only in turns of the event
 * loop, and an `await` of what is there already is none.
 */
export class LoopTurns {
  private last = performance.now();

  /** Gives the rest of the process a turn if it has had none for a while. */
  async pass(): Promise<void> {
    if (performance.now() - this.last < LONGEST_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.last = performance.now();
  }
}
