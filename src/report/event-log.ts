/** The kept record of a build: its events as NDJSON, through a function that appends. Knows no files. */

import type { BuildEvent } from '../model/event.js';
import { eventLine } from './json.js';
import type { Reporter } from './reporter.js';

/**
 * Collects what arrives while a write is under way and appends it in one piece, in order. Output lines are left out:
 * the task's own log has them. When an append fails the log ends there and `close` throws that error.
 */
export function eventLog(append: (text: string) => Promise<void>): Reporter {
  let pending = '';
  let writing: Promise<void> | undefined;
  let failed: { error: unknown } | undefined;
  const drain = async () => {
    while (pending !== '' && !failed) {
      const text = pending;
      pending = '';
      try {
        await append(text);
      } catch (error) {
        failed = { error };
      }
    }
    writing = undefined;
  };
  return {
    on(event: BuildEvent) {
      if (failed || event.type === 'task.output') return;
      pending += eventLine(event);
      writing ??= drain();
    },
    async close() {
      await writing;
      if (failed) throw failed.error;
    },
  };
}
