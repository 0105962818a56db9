/** Named points at which answers wait until a test releases them. Knows no request. */

export interface Gates {
  /** Waits at a gate until it is released or `signal` aborts; at once where it is open already. */
  wait(name: string, signal: AbortSignal): Promise<void>;
  /** Resolves when at least `count` (1) answers wait at the gate at the same time. */
  held(name: string, count?: number): Promise<void>;
  /** How many answers wait at the gate now. */
  waiting(name: string): number;
  /** Lets go what waits at the gate and leaves it open for good; the answer is how many waited. */
  release(name: string): number;
}

interface Gate {
  open: boolean;
  readonly waiting: Set<() => void>;
  readonly watchers: Set<{ readonly count: number; readonly resolve: () => void }>;
}

export function createGates(): Gates {
  const gates = new Map<string, Gate>();
  function gate(name: string): Gate {
    const known = gates.get(name);
    if (known !== undefined) return known;
    const made: Gate = { open: false, waiting: new Set(), watchers: new Set() };
    gates.set(name, made);
    return made;
  }
  return {
    wait(name, signal) {
      const at = gate(name);
      if (at.open || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const go = (): void => {
          at.waiting.delete(go);
          signal.removeEventListener('abort', go);
          resolve();
        };
        at.waiting.add(go);
        signal.addEventListener('abort', go);
        for (const watcher of [...at.watchers]) {
          if (at.waiting.size < watcher.count) continue;
          at.watchers.delete(watcher);
          watcher.resolve();
        }
      });
    },
    held(name, count = 1) {
      const at = gate(name);
      if (at.waiting.size >= count) return Promise.resolve();
      return new Promise((resolve) => at.watchers.add({ count, resolve }));
    },
    waiting: (name) => gates.get(name)?.waiting.size ?? 0,
    release(name) {
      const at = gate(name);
      at.open = true;
      const waiting = [...at.waiting];
      for (const go of waiting) go();
      return waiting.length;
    },
  };
}
