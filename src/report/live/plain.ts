/** Events as plain lines, for logs and pipes, and the last line of every build. Keeps no state. */

import type { BuildEvent, BuildSummary, TaskOutcomeKind } from '../../model/event.js';
import { describeFailure } from '../failures/failure.js';
import { printFailure } from '../failures/failure-print.js';
import { rebasedText } from '../rebased.js';
import { duration, money, plural, type Style, visible } from '../style.js';
import type { Reporter, Sink } from './reporter.js';

/** Changed paths that are named in a line. */
const NAMED_PATHS = 3;

/** One line for each task that did something, every failure once, and at the end what happened. */
export function plainReporter(sink: Sink, style: Style): Reporter {
  return {
    on: (event) => {
      const text = eventText(event, style);
      if (text !== '') sink.write(text);
    },
    print: (text) => {
      sink.write(text);
    },
    close: () => Promise.resolve(),
  };
}

/** What stays on the screen after an event: whole lines, or nothing. */
export function eventText(event: BuildEvent, style: Style): string {
  switch (event.type) {
    case 'build.waiting':
      return `waiting for process ${event.pid} (${visible(event.command)}, since ${visible(event.since)})\n`;
    case 'build.recovered':
      return `${style('dim', `recovered: ${visible(event.what)}`)}\n`;
    case 'warning': {
      const task = event.task === undefined ? '' : `${visible(event.task)}: `;
      return `${style('yellow', 'warning')}: ${task}${visible(event.message)}\n`;
    }
    case 'task.attempt-failed': {
      const { headline } = describeFailure(event.failure, event.task);
      return `${style('yellow', 'retry')}  ${visible(event.task)}: attempt ${event.attempt}: ${visible(headline)}\n`;
    }
    case 'task.rebased':
      return rebasedText(event, style);
    case 'task.finished':
      return finishedText(event, style);
    case 'plan.ready':
      // A plan that stands as it did is the last line's to tell.
      return event.published.length === 0
        ? ''
        : `${style('green', 'planned'.padEnd(8))} ${visible(event.feature)}: ${planText(event)}\n`;
    case 'build.failure':
      return printFailure(event.failure, style);
    case 'build.committed':
      return `committed ${plural(event.tasks, 'task')} as ${visible(event.commit.slice(0, 12))}\n`;
    case 'watch.started': {
      const what = event.targets.length === 0 ? '' : ` for ${visible(event.targets.join(' '))}`;
      return event.poll ? `looking every second${what}\n` : `watching${what}\n`;
    }
    case 'watch.changed': {
      const shown = event.paths.slice(0, NAMED_PATHS);
      const more = event.count - shown.length;
      return `${style('dim', `changed: ${visible(shown.join(', '))}${more > 0 ? ` and ${more} more` : ''}`)}\n`;
    }
    case 'watch.problem': {
      const rest = event.kept ? 'the last good ones stay in force until this is mended\n' : '';
      return `${printFailure(event.failure, style)}${rest}`;
    }
    case 'watch.idle': {
      const failed = event.failed > 0 ? `, ${event.failed} failed or waiting for what failed` : '';
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
  const cost = event.usage?.costUsd ? ` (${money(event.usage.costUsd)})` : '';
  const word = (DONE[event.outcome] ?? event.outcome).padEnd(8);
  const colour = event.outcome === 'drifted' ? 'yellow' : 'green';
  return `${style(colour, word)} ${label}  ${style('dim', duration(event.ms) + cost)}\n`;
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

/** What happened, in one line. */
export function summaryLine(summary: BuildSummary, style: Style): string {
  const { counts, outcome } = summary;
  const cost = summary.usage.costUsd ? ` (${money(summary.usage.costUsd)})` : '';
  const took = ` in ${duration(summary.ms)}${cost}`;
  const rest = [
    count(counts.accepted, 'accepted'),
    count(counts.verified, 'verified'),
    count(counts.cached, 'from cache'),
    count(counts.drifted, 'edited by hand'),
    count(counts.fresh, 'fresh'),
  ];
  const join = (parts: readonly string[]) => parts.filter((part) => part !== '').join(', ');
  switch (outcome) {
    case 'up-to-date':
      return `conductor: nothing to do (${join(rest) || 'no tasks'})`;
    case 'built': {
      const built = counts.built > 0 ? `built ${counts.built}` : '';
      return `${style('green', 'conductor')}: ${join([built, ...rest]) || 'done'}${took}`;
    }
    case 'failed': {
      const failed = counts.failed > 0 ? `${counts.failed} failed` : 'failed';
      const others = [count(counts.skipped, 'skipped'), count(counts.built, 'built'), ...rest];
      return `${style('red', 'conductor')}: ${join([failed, ...others])}${took}`;
    }
    case 'superseded':
      return style(
        'dim',
        'conductor: files changed, starting again; what runs goes on if nothing of it changed',
      );
    case 'interrupted': {
      const done = join([count(counts.built, 'built'), count(counts.failed, 'failed'), ...rest]);
      return `${style('yellow', 'conductor')}: interrupted after ${duration(summary.ms)}${cost}: ${done || 'nothing finished'}`;
    }
    case 'would-build': {
      const parts = [
        counts.built > 0 ? `build ${counts.built}` : '',
        counts.cached > 0 ? `restore ${counts.cached}` : '',
        counts.verified > 0 ? `verify ${counts.verified}` : '',
      ];
      const unchanged = join([
        count(counts.failed, 'would fail'),
        count(counts.skipped, 'not known yet'),
        count(counts.drifted, 'edited by hand'),
        count(counts.fresh, 'fresh'),
      ]);
      return `conductor: would ${join(parts) || 'do nothing'}${unchanged === '' ? '' : ` (${unchanged})`}`;
    }
  }
}

function count(n: number, word: string): string {
  return n > 0 ? `${n} ${word}` : '';
}
