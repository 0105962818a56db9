/** The last line of every build. Keeps no state. */

import type { BuildSummary } from '../../model/event.js';
import type { PlannedRange } from '../../model/events/event-parts.js';
import { duration, money, plural, type Style, visible } from '../style.js';

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
    count(summary.waiting ?? 0, 'waiting to be published'),
    count(summary.unsent ?? 0, 'not sent yet'),
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
        'conductor: files changed, starting a new build; running tasks continue if their keys are unchanged',
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
        summary.removes ? `remove ${plural(summary.removes, 'file')}` : '',
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

/** What a failed `accept` did to the project; undefined: it did not fail. */
export function unacceptedText({ outcome, exitCode, counts, published }: BuildSummary): string | undefined {
  if (outcome !== 'failed' || exitCode === 2) return undefined;
  if (counts.accepted > 0) return 'what failed was not recorded, and its files are as before';
  return published > 0 ? 'nothing was recorded' : 'nothing was recorded, and no file was changed';
}

export function count(n: number, word: string): string {
  return n > 0 ? `${n} ${word}` : '';
}

/** What a range of commits concerns, and what is left out, in one line. */
export function rangeText(range: PlannedRange): string {
  const { since, base, touched, dependents, leftOut, removed, because } = range;
  const start = `since ${visible(since)} (${base.slice(0, 12)})`;
  const gone =
    removed === 0
      ? ''
      : `; ${plural(removed, 'task')} removed since: \`conductor build\` removes the files that were built`;
  if (because !== undefined)
    return `${start}: all ${plural(touched, 'task')}, because ${visible(because)}${gone}`;
  const more =
    dependents === 0 ? '' : `, ${dependents} more ${dependents === 1 ? 'depends' : 'depend'} on them`;
  const rest = leftOut === 0 ? 'none' : plural(leftOut, 'task');
  return `${start}: ${plural(touched, 'task')} touched${more}; left out: ${rest}${gone}`;
}
