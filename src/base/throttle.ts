/** Lets only some of many calls through. Does not know what they do. */

/** Lets a call through when the last one was at least `ms` ago, and drops the others: for lines that people watch. */
export function throttle<T>(call: (value: T) => void, ms = 50): (value: T) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (value) => {
    const now = performance.now();
    if (now - last < ms) return;
    last = now;
    call(value);
  };
}
