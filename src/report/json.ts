/** Events as NDJSON on a stream. Does not interpret them. */

import type { BuildEvent } from '../model/event.js';
import type { Reporter, Sink } from './live/reporter.js';

/** One event as one line: JSON escapes every line break and control character of foreign text. */
export function eventLine(event: BuildEvent): string {
  return `${JSON.stringify(event)}\n`;
}

export function jsonReporter(sink: Sink): Reporter {
  return {
    on: (event) => {
      sink.write(eventLine(event));
    },
    close: () => Promise.resolve(),
  };
}
