/** A queue of lines for a slow destination, in order, one write at a time. Does not know the destination. */

export interface LineQueue {
  /** Whole lines, each with its end. */
  add(text: string): void;
  /** After the lines so far are written, or an error has ended the queue; rejects with that error. */
  flush(): Promise<void>;
  /** After the last write; rejects with the error that ended the queue, if one did. */
  close(): Promise<void>;
}

/** So long lines are gathered after a write: with thousands of tasks a write for each turn would cost more than the tasks. */
const GATHER_MS = 20;

/** What arrives while a write is under way, or shortly after it, goes out in one piece. When a write fails the queue ends there. */
export function lineQueue(write: (text: string) => Promise<void>): LineQueue {
  let pending = '';
  let writing: Promise<void> | undefined;
  let failed: { error: unknown } | undefined;
  let isHurried = false;
  let wake: (() => void) | undefined;
  const gather = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const drain = async () => {
    while (pending !== '' && !failed) {
      const text = pending;
      pending = '';
      try {
        await write(text);
      } catch (error) {
        failed = { error };
      }
      if (!isHurried && !failed) await gather();
    }
    writing = undefined;
  };
  const flush = async () => {
    isHurried = true;
    wake?.();
    await writing;
    if (failed) throw failed.error;
  };
  return {
    add(text) {
      if (failed) return;
      pending += text;
      writing ??= drain();
    },
    async flush() {
      await flush();
      isHurried = false;
    },
    close: flush,
  };
}
