/** Ctrl-C: the first one stops cleanly, the second one at once. Does not know what it stops. */

import { setMaxListeners } from 'node:events';

export interface Signals {
  readonly signal: AbortSignal;
  stop(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function cancelOnSignals(): Signals {
  const controller = new AbortController();
  // Every task that waits or runs listens; their number is no sign of a leak.
  setMaxListeners(0, controller.signal);
  const onSignal = () => {
    // Nothing is lost by it: results are in the store, and the next build sweeps what is left.
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop() {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
