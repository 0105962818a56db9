/** Events as plain lines, for logs and pipes, and the last line of every build. Keeps no state. */

import type { BuildEvent, TaskOutcomeKind } from '../../model/event.js';
import { asCalled } from '../../model/output/called-as.js';
import { patchLine } from '../difference.js';
import { failureLine } from '../failures/failure.js';
import { printFailure } from '../failures/failure-print.js';
import { duration, money, plural, type Style, visible } from '../style.js';
import { orphansText, waitingText } from '../verdict.js';
import type { Reporter, Sink } from './reporter.js';
import { count, rangeText, summaryLine } from './summary-line.js';

/** Changed paths that are named in a line. */
const NAMED_PATHS = 3;

/** Where the lines of a build go, and which of them. */
export interface LineOptions {
  /** Errors and warnings; by default where the others go. */
  readonly errors?: Sink;
  /** Events without a line; by default none. */
  leavesOut?(event: BuildEvent): boolean;
}

/** One line for each task that did something, every failure once, and at the end what happened. */
export function plainReporter(sink: Sink, style: Style, options: LineOptions = {}): Reporter {
  return {
    on: (event) => {
      const text = options.leavesOut?.(event) ? '' : eventText(event, style);
      if (text !== '') (isTrouble(event) ? (options.errors ?? sink) : sink).write(text);
    },
    print: (text) => {
      sink.write(text);
    },
    close: () => Promise.resolve(),
  };
}

/** Whether an event tells of an error or warns: its lines are for stderr. */
export function isTrouble(event: BuildEvent): boolean {
  if (event.type === 'task.finished') return event.outcome === 'failed';
  return TROUBLE.has(event.type);
}

const TROUBLE: ReadonlySet<BuildEvent['type']> = new Set([
  'build.failure',
  'build.waiting',
  'task.attempt-failed',
  'warning',
  'watch.problem',
]);

/** `--frozen` lists all tasks that are not up to date at its end: each of them has no line of its own. */
export function isListedAtEnd(event: BuildEvent): boolean {
  if (event.type !== 'task.finished') return false;
  return (
    event.failure?.kind === 'not-up-to-date' || (event.outcome === 'skipped' && event.because !== undefined)
  );
}

/** What stays on the screen after an event: whole lines, or nothing. */
export function eventText(event: BuildEvent, style: Style): string {
  switch (event.type) {
    case 'build.waiting':
      return `waiting for process ${event.pid} (${visible(event.command)}, since ${visible(event.since)})\n`;
    case 'build.planned':
      return event.range ? `${asCalled(rangeText(event.range), style.calledAs)}\n` : '';
    case 'build.recovered':
      return `${style('dim', `recovered: ${visible(event.what)}`)}\n`;
    case 'warning': {
      const task = event.task === undefined ? '' : `${visible(event.task)}: `;
      return `${style('yellow', 'warning')}: ${task}${visible(asCalled(event.message, style.calledAs))}\n`;
    }
    case 'task.attempt-failed': {
      const line = visible(failureLine(event.failure, event.task));
      return `${style('yellow', 'retry')}  ${visible(event.task)}: attempt ${event.attempt}: ${line}\n`;
    }
    case 'task.reverified': {
      if (event.passed) return '';
      const line = visible(failureLine(event.failure ?? { kind: 'cancelled' }, event.task));
      return `${style('yellow', 'rebuild')} ${visible(event.task)}: its former result does not pass: ${line}\n`;
    }
    case 'task.phase':
      return event.phase === 'claim-wait'
        ? `${style('dim', `${visible(event.task)}: ${visible(event.detail ?? 'waits for another build')}`)}\n`
        : '';
    case 'task.rebased':
      return rebasedText(event, style);
    case 'task.finished':
      return finishedText(event, style);
    case 'tasks.restored':
      return restoredText(event, style);
    case 'task.waiting':
      return `${style('yellow', 'waits'.padEnd(8))} ${visible(event.task)} ${waitingText(event)}\n`;
    case 'plan.ready':
      // A plan that stands as it did is the last line's to tell.
      return event.published.length === 0
        ? ''
        : `${style('green', 'planned'.padEnd(8))} ${visible(event.feature)}: ${planText(event)}\n`;
    case 'build.failure':
      return printFailure(event.failure, style);
    case 'build.orphans':
      return orphansText(event, style);
    case 'build.published':
      return event.removed
        .map((path) => `${style('yellow', 'removed'.padEnd(8))} ${visible(path)}\n`)
        .join('');
    case 'build.committed':
      return `committed ${plural(event.tasks, 'task')} as ${visible(event.commit.slice(0, 12))}\n`;
    case 'watch.started': {
      const what = event.targets.length === 0 ? '' : ` for ${visible(event.targets.join(' '))}`;
      return event.poll ? `scanning every second${what}\n` : `watching${what}\n`;
    }
    case 'watch.changed': {
      const shown = event.paths.slice(0, NAMED_PATHS);
      const more = event.count - shown.length;
      return `${style('dim', `changed: ${visible(shown.join(', '))}${more > 0 ? ` and ${more} more` : ''}`)}\n`;
    }
    case 'watch.problem': {
      const rest = event.kept ? 'conductor continues with the last good ones until this is corrected\n' : '';
      return `${printFailure(event.failure, style)}${rest}`;
    }
    case 'watch.corrected':
      return `${style('dim', 'the problem is corrected')}\n`;
    case 'watch.idle': {
      const failed = event.failed > 0 ? `, ${event.failed} failed or depending on a failed task` : '';
      return `${style('dim', `watching ${plural(event.tasks, 'task')}${failed}`)}\n`;
    }
    case 'build.finished':
      return `${summaryLine(event.summary, style)}\n`;
    default:
      return '';
  }
}

const DONE: Readonly<Partial<Record<TaskOutcomeKind, string>>> = {
  built: 'built',
  cached: 'cached',
  verified: 'verified',
  accepted: 'accepted',
  drifted: 'edited',
};

function finishedText(event: Extract<BuildEvent, { type: 'task.finished' }>, style: Style): string {
  if (event.outcome === 'fresh') return '';
  const label = visible(event.task);
  if (event.failure && event.outcome === 'failed') return printFailure(event.failure, style, event.task);
  if (event.outcome === 'failed') return `${style('red', 'failed')}  ${label}\n`;
  if (event.outcome === 'skipped') {
    const why = event.because === undefined ? '' : `: needs ${visible(event.because)}`;
    return `${style('dim', 'skipped')}  ${label}${why}\n`;
  }
  const [start, end] = doneText(event, style);
  return `${start}${label}${end}`;
}

/** What stands before and behind the label of a task that is done. */
function doneText(
  { outcome, ms, usage }: Pick<Extract<BuildEvent, { type: 'task.finished' }>, 'outcome' | 'ms' | 'usage'>,
  style: Style,
): [start: string, end: string] {
  const cost = usage?.costUsd ? ` (${money(usage.costUsd)})` : '';
  const word = (DONE[outcome] ?? outcome).padEnd(8);
  const colour = outcome === 'drifted' ? 'yellow' : 'green';
  return [`${style(colour, word)} `, `  ${style('dim', duration(ms) + cost)}\n`];
}

/** As the events of each task for which it stands, which differ in nothing but the label here. */
function restoredText({ tasks }: Extract<BuildEvent, { type: 'tasks.restored' }>, style: Style): string {
  const [start, end] = doneText({ outcome: 'cached', ms: 0 }, style);
  let text = '';
  for (const { task } of tasks) text += `${start}${visible(task)}${end}`;
  return text;
}

/** Tasks that are named in one line. */
const MAX_NAMED = 8;

function planText(plan: Extract<BuildEvent, { type: 'plan.ready' }>): string {
  const tasks = plan.kept.length + plan.changed.length + plan.added.length;
  const named = (how: 'added' | 'changed' | 'removed') => {
    const ids = plan[how].slice(0, MAX_NAMED).map(visible).join(', ');
    const more = plan[how].length > MAX_NAMED ? ', …' : '';
    return ids === '' ? '' : `${plan[how].length} ${how} (${ids}${more})`;
  };
  const parts = [named('added'), named('changed'), named('removed'), count(plan.kept.length, 'kept')];
  return `${plural(tasks, 'task')}: ${parts.filter((part) => part !== '').join(', ')}`;
}

type Rebased = Extract<BuildEvent, { type: 'task.rebased' }>;

/** Lines of a diff that are shown at once; the proposal has all of it. */
const MAX_LINES = 40;

export function rebasedLine({ task, applied, confidence, proposal }: Rebased): string {
  const what = applied ? 'continues with a revised task' : 'a revised task is proposed, and not built';
  return `${visible(task)}: ${what} (confidence ${confidence}), kept in ${visible(proposal)}`;
}

export function rebasedText(event: Rebased, style: Style): string {
  const lines = event.diff.trimEnd().split('\n');
  const shown = lines.slice(0, MAX_LINES).map((line) => `  ${patchLine(visible(line), style)}\n`);
  const more = lines.length > MAX_LINES ? `  … and ${lines.length - MAX_LINES} more lines\n` : '';
  const why = event.reasoning
    .trim()
    .split('\n')
    .map((line) => `  ${visible(line)}\n`);
  const word = style('yellow', event.applied ? 'rebased ' : 'proposed');
  return `${word} ${rebasedLine(event)}\n${why.join('')}${shown.join('')}${more}`;
}
