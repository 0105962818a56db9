/** Events as NDJSON on a stream. Does not interpret them. */

import type { BuildEvent } from '../model/event.js';
import { LabelText } from '../model/events/label-text.js';
import { failureAnswer } from './failures/failure-answer.js';
import type { Reporter, Sink } from './live/reporter.js';

/** One event as one line: JSON escapes every line break and control character of foreign text. */
export function eventLine(event: BuildEvent): string {
  if (!('tasks' in event && event.tasks instanceof LabelText)) return `${JSON.stringify(event)}\n`;
  const { json } = event.tasks;
  // Nothing before it in an event has a quotation mark of its own in a value.
  return `${JSON.stringify({ ...event, tasks: [] }).replace('"tasks":[]', () => `"tasks":${json}`)}\n`;
}

/** The line that other programs read: a failure has the sentences for people, too. */
export function printedLine(event: BuildEvent, calledAs?: string): string {
  if (event.type === 'build.failure')
    return eventLine({ ...event, error: failureAnswer(event.failure, calledAs) });
  if (event.type === 'task.finished' && event.failure)
    return eventLine({ ...event, error: failureAnswer(event.failure, calledAs, event.task) });
  return eventLine(event);
}

/** `calledAs`: how the person calls conductor. */
export function jsonReporter(sink: Sink, calledAs?: string): Reporter {
  return {
    on: (event) => {
      sink.write(printedLine(event, calledAs));
    },
    close: () => Promise.resolve(),
  };
}
