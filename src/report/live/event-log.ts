/** The event log of a build as NDJSON, through a function that appends. Knows no files. */

import { lineQueue } from '../../base/lines/line-queue.js';
import type { BuildEvent } from '../../model/event.js';
import { eventLine } from '../json.js';
import type { Reporter } from './reporter.js';

/**
 * Collects what arrives while a write is under way and appends it in one piece, in order. Output lines are left out:
 * the task's own log has them. When an append fails the log ends there and `close` throws that error.
 */
export function eventLog(append: (text: string) => Promise<void>): Reporter {
  const lines = lineQueue(append);
  return {
    on(event: BuildEvent) {
      if (event.type !== 'task.output') lines.add(eventLine(event));
    },
    close: () => lines.close(),
  };
}
