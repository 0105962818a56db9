/** Events as lines for the log of a CI: what happened to one task stands together, in a group that is collapsed. */

import type { BuildEvent } from '../../model/event.js';
import type { Label } from '../../model/task.js';
import { describeFailure } from '../failures/failure.js';
import { printFailure } from '../failures/failure-print.js';
import { eventText, type LineOptions, rebasedText } from '../live/plain.js';
import type { Reporter, Sink } from '../live/reporter.js';
import { duration, plainStyle, type Style, visible } from '../style.js';

export interface GroupOptions {
  /** Where groups go: beside commands that only a CI understands, they hold nothing unescaped. */
  readonly groups: Sink;
  /** Whole lines in one collapsed group; `name` is one of a kind, `at` the time in milliseconds. */
  group(group: { readonly name: string; readonly title: string; readonly at: number }, body: string): string;
  readonly lines: LineOptions;
}

/** Lines of a task's programs that are kept: the last ones. Its log has all of them. */
const MAX_OUTPUT = 100;

interface Gathered {
  /** What happened, in its order: lines of text, and the output of programs between them. */
  readonly text: string[];
  output: string[];
}

/** All text goes to one stream: a CI mixes two streams in any order, and a group would fall apart. */
export function groupReporter(sink: Sink, style: Style, { groups, group, lines }: GroupOptions): Reporter {
  const tasks = new Map<Label, Gathered>();
  const of = (label: Label): Gathered => {
    const known = tasks.get(label) ?? { text: [], output: [] };
    tasks.set(label, known);
    return known;
  };
  const finish = (event: Extract<BuildEvent, { type: 'task.finished' }>): void => {
    const gathered = tasks.get(event.task);
    tasks.delete(event.task);
    const failure = event.outcome === 'failed' ? event.failure : undefined;
    if (gathered) flush(gathered);
    const body = [
      ...(gathered?.text ?? []),
      ...(failure ? [printFailure(failure, style, event.task)] : []),
    ].join('');
    const line = failure
      ? `${style('red', 'error')}: ${style('bold', visible(event.task))}: ${visible(describeFailure(failure, event.task).headline)}\n`
      : eventText(event, style);
    // That it was tried once is no news.
    if (body.split('\n').length <= 2 || line === '') {
      sink.write(line);
      return;
    }
    const title = failure
      ? `failed   ${event.task}: ${describeFailure(failure, event.task).headline}`
      : eventText(event, plainStyle).trimEnd();
    const named = { name: `conductor-${event.seq}-${event.task}`, title, at: event.at };
    groups.write(group(named, body));
    if (failure) sink.write(line);
  };
  return {
    on(event) {
      if (lines.leavesOut?.(event)) return;
      if (event.type === 'task.finished') finish(event);
      else if (isOfTask(event)) gather(event, of(event.task), style);
      else sink.write(eventText(event, style));
    },
    print: (text) => {
      sink.write(text);
    },
    // What was under way when the build was stopped.
    close: async () => {
      for (const [label, gathered] of tasks) {
        flush(gathered);
        if (gathered.text.length > 0)
          groups.write(
            group(
              { name: `conductor-open-${label}`, title: `stopped  ${label}`, at: 0 },
              gathered.text.join(''),
            ),
          );
      }
      tasks.clear();
    },
  };
}

const OF_TASK = [
  'task.started',
  'task.output',
  'task.attempt-failed',
  'task.rebased',
  'task.reverified',
  'gate.finished',
] as const;

type OfTask = Extract<BuildEvent, { type: (typeof OF_TASK)[number] }> & { readonly task: Label };

function isOfTask(event: BuildEvent): event is OfTask {
  return OF_TASK.some((type) => type === event.type) && 'task' in event && event.task !== undefined;
}

function gather(event: OfTask, gathered: Gathered, style: Style): void {
  if (event.type === 'task.output') {
    gathered.output.push(`  ${visible(event.line)}\n`);
    if (gathered.output.length > MAX_OUTPUT) gathered.output.shift();
    return;
  }
  flush(gathered);
  gathered.text.push(lineOf(event, style));
}

function lineOf(event: Exclude<OfTask, { type: 'task.output' }>, style: Style): string {
  switch (event.type) {
    case 'task.started':
      return event.recipe === 'gates' ? '' : `attempt ${event.attempt}: ${visible(event.recipe)}\n`;
    case 'gate.finished':
      return `gate ${visible(event.gate)}: ${event.ok ? 'passed' : style('red', 'failed')} after ${duration(event.ms)}\n`;
    case 'task.attempt-failed':
      return `attempt ${event.attempt} failed\n${printFailure(event.failure, style)}`;
    case 'task.rebased':
      return rebasedText(event, style);
    case 'task.reverified':
      return eventText(event, style);
  }
}

function flush(gathered: Gathered): void {
  gathered.text.push(...gathered.output);
  gathered.output = [];
}
