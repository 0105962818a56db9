/** A queue of lines for a slow destination, in order, one write at a time. Does not know the destination. */

export interface LineQueue {
  /** Whole lines, each with its end. */
  add(text: string): void;
  /** After the last write; rejects with the error that ended the queue, if one did. */
  close(): Promise<void>;
}

/** What arrives while a write is under way goes out in one piece. When a write fails the queue ends there. */
export function lineQueue(write: (text: string) => Promise<void>): LineQueue {
  let pending = '';
  let writing: Promise<void> | undefined;
  let failed: { error: unknown } | undefined;
  const drain = async () => {
    while (pending !== '' && !failed) {
      const text = pending;
      pending = '';
      try {
        await write(text);
      } catch (error) {
        failed = { error };
      }
    }
    writing = undefined;
  };
  return {
    add(text) {
      if (failed) return;
      pending += text;
      writing ??= drain();
    },
    async close() {
      await writing;
      if (failed) throw failed.error;
    },
  };
}
