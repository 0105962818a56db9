/** A build as Markdown, for the summary of a step on GitHub: counts, and each failure in a fold. */

import type { TaskOutcomeKind } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { describeFailure } from '../failures/failure.js';
import { rangeText, summaryLine } from '../live/summary-line.js';
import { code, fence, markdown } from '../pages/markdown-text.js';
import { plainStyle, plural } from '../style.js';
import { type BuildRecord, failureDigest } from './build-record.js';

/** Characters of one build: GitHub takes 1 MiB from a step, which may run several. */
const MAX_SUMMARY = 60_000;
/** Lines of one failure. */
const MAX_LINES = 60;

const OUTCOMES: readonly TaskOutcomeKind[] = [
  'failed',
  'skipped',
  'built',
  'accepted',
  'verified',
  'cached',
  'drifted',
  'fresh',
];

export function stepSummary(record: BuildRecord): string {
  const { summary, range } = record;
  const lines = [`### ${markdown(record.command)}`, ''];
  if (summary) lines.push(markdown(summaryLine(summary, plainStyle)), '');
  if (range) lines.push(markdown(rangeText(range)), '');
  const counts = OUTCOMES.filter((outcome) => (summary?.counts[outcome] ?? 0) > 0);
  if (counts.length > 0) {
    lines.push(`| ${counts.join(' | ')} |`, `|${counts.map(() => '---:').join('|')}|`);
    lines.push(`| ${counts.map((outcome) => summary?.counts[outcome]).join(' | ')} |`, '');
  }
  let size = lines.join('\n').length;
  let left = 0;
  const add = (part: string) => {
    size += part.length + 1;
    if (size > MAX_SUMMARY) left++;
    else lines.push(part);
  };
  for (const { label, failure } of record.failed) if (failure) add(fold(failure, label));
  for (const failure of record.failures) add(fold(failure));
  if (left > 0) lines.push('', `${plural(left, 'more failure')} in the log of this step.`);
  return `${lines.join('\n')}\n\n`;
}

function fold(failure: Failure, label?: Label): string {
  const { headline } = describeFailure(failure, label);
  const name = label === undefined ? '' : `${code(label)}: `;
  const digest = failureDigest(failure, label).split('\n');
  return [
    `<details><summary>${name}${markdown(headline)}</summary>`,
    '',
    fence(digest, { maxLines: MAX_LINES }),
    '',
    '</details>',
  ].join('\n');
}
