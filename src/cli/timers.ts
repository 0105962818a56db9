/** Timers of this process, for parts that know no clock. Each is called once; the returned function calls it off. */

/** Keeps the process alive until then. */
export function timer(ms: number, call: () => void): () => void {
  const started = setTimeout(call, ms);
  return () => clearTimeout(started);
}

/** Keeps no process alive. */
export function idleTimer(ms: number, call: () => void): () => void {
  const started = setTimeout(call, ms);
  started.unref();
  return () => clearTimeout(started);
}
