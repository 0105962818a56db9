/** A build's events read back, one line each. Knows no files. */

import type { BuildEvent } from '../model/event.js';
import { type SingleEvent, singleEvents } from '../model/events/events-together.js';
import { eventText } from './live/plain.js';
import { duration, type Style, visible } from './style.js';
import { describeVerdict } from './verdict.js';

/** Every event that tells something, with the time since the build's start. */
export function logText(events: readonly BuildEvent[], style: Style): string {
  const start = events[0]?.at ?? 0;
  return events
    .flatMap((event) => (event.type === 'tasks.fresh' ? [] : [...singleEvents(event)]))
    .map((event) => {
      const text = lineOf(event, style);
      if (text === '') return '';
      const time = style('dim', duration(event.at - start).padStart(8));
      return `${time}  ${text.trimEnd().replaceAll('\n', `\n${' '.repeat(10)}`)}\n`;
    })
    .join('');
}

function lineOf(event: SingleEvent, style: Style): string {
  switch (event.type) {
    case 'build.started':
      return `${visible(event.command)}  (${visible(event.build)}, conductor ${visible(event.version)})`;
    case 'task.checked':
      return event.verdict.kind === 'fresh'
        ? ''
        : `${visible(event.task)}: ${describeVerdict(event.verdict)}`;
    case 'task.phase':
      if (event.phase === 'claim-wait')
        return `${visible(event.task)}: ${visible(event.detail ?? event.phase)}`;
      return `${visible(event.task)}: ${event.phase}${event.attempt > 1 ? ` (attempt ${event.attempt})` : ''}`;
    case 'gate.finished': {
      const whose = event.task === undefined ? '' : `${visible(event.task)}: `;
      const outcome = event.ok ? 'passed' : style('red', 'failed');
      return `${whose}gate ${visible(event.gate)} ${outcome} in ${duration(event.ms)}`;
    }
    case 'build.published':
      return `published: ${event.written.length} written, ${event.removed.length} removed`;
    default:
      return eventText(event, style);
  }
}
