/** Signals: the first one stops cleanly, the second one of a person at once. Does not know what it stops. */

import { setMaxListeners } from 'node:events';

export interface Signals {
  readonly signal: AbortSignal;
  stop(): void;
}

/** A supervisor, a shell and the kernel may each send one for the same event: only a later one is a wish of its own. */
const SAME_EVENT_MS = 1000;
let received: NodeJS.Signals | undefined;

/** The signal that this process was sent, if any: what fails afterwards fails because of it. */
export function receivedSignal(): NodeJS.Signals | undefined {
  return received;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Aborts with the first of them. Every task that waits or runs listens; their number is no sign of a leak. */
export function anySignal(...signals: readonly AbortSignal[]): AbortSignal {
  const any = AbortSignal.any([...signals]);
  setMaxListeners(0, any);
  return any;
}

export function cancelOnSignals(): Signals {
  const controller = new AbortController();
  // Every task that waits or runs listens; their number is no sign of a leak.
  setMaxListeners(0, controller.signal);
  let first = 0;
  const onSignal = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      received = name;
      first = performance.now();
      controller.abort();
      return;
    }
    // A terminal that is gone sends no wish. Else nothing is lost by it: results are in the store, and the next build
    // sweeps what is left.
    if (name !== 'SIGHUP' && (name === 'SIGINT' || performance.now() - first > SAME_EVENT_MS))
      process.exit(130);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop() {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
