/** A build as Markdown, for the summary of a step on GitHub: counts, and each failure in a fold. */

import type { TaskOutcomeKind } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { asCalled } from '../../model/output/called-as.js';
import type { Label } from '../../model/task.js';
import { describeFailure } from '../failures/failure.js';
import { rangeText, summaryLine } from '../live/summary-line.js';
import { code, fence, markdown } from '../pages/markdown-text.js';
import { summaryTable } from '../projects/list-text.js';
import { plainStyle, plural } from '../style.js';
import { type BuildRecord, failureDigest } from './build-record.js';
import type { ProjectsRecord } from './projects-record.js';

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
  if (range) lines.push(markdown(asCalled(rangeText(range), record.calledAs)), '');
  const counts = OUTCOMES.filter((outcome) => (summary?.counts[outcome] ?? 0) > 0);
  if (counts.length > 0) {
    lines.push(`| ${counts.join(' | ')} |`, `|${counts.map(() => '---:').join('|')}|`);
    lines.push(`| ${counts.map((outcome) => summary?.counts[outcome]).join(' | ')} |`, '');
  }
  return withFolds(lines, foldsOf(record));
}

/** The same of several projects: one row for each, what their ranges leave out, then the failures of all. */
export function projectsStepSummary(record: ProjectsRecord, command: string): string {
  const lines = [`### ${markdown(command)}`, ''];
  const { summary } = record;
  if (summary) {
    const { heads, rows, line } = summaryTable(summary, plainStyle);
    const cells = [heads, heads.map(() => '---'), ...rows.map((row) => row.map(markdown))];
    lines.push(markdown(line), '', ...cells.map((row) => `| ${row.join(' | ')} |`), '');
  }
  const ranges = record.projects.flatMap(({ project, build: { range, calledAs } }) =>
    range ? `- ${code(project)}: ${markdown(asCalled(rangeText(range), calledAs))}` : [],
  );
  if (ranges.length > 0) lines.push(...ranges, '');
  const folds = record.projects.flatMap(({ project, build, outcome }) => {
    const alone = outcome?.summary === undefined ? outcome?.failure : undefined;
    return [
      ...foldsOf(build, project),
      ...(alone ? [fold(alone, { named: project, calledAs: record.calledAs })] : []),
    ];
  });
  return withFolds(lines, folds);
}

function foldsOf(record: BuildRecord, project?: string): string[] {
  const before = project === undefined ? '' : `${project}: `;
  const { calledAs } = record;
  return [
    ...record.failed.flatMap(({ label, failure }) =>
      failure && !record.isListed(failure)
        ? [fold(failure, { named: `${before}${label}`, label, calledAs })]
        : [],
    ),
    ...record.failures.map((failure) => fold(failure, { named: project, calledAs })),
  ];
}

/** As many failures as a summary may have, and how many more there are. */
function withFolds(head: readonly string[], folds: readonly string[]): string {
  const lines = [...head];
  let size = lines.join('\n').length;
  let left = 0;
  for (const part of folds) {
    size += part.length + 1;
    if (size > MAX_SUMMARY) left++;
    else lines.push(part);
  }
  if (left > 0) lines.push('', `${plural(left, 'more failure')} in the log of this step.`);
  return `${lines.join('\n')}\n\n`;
}

interface Folded {
  /** Whose failure it is; absent: that of the whole build. */
  readonly named: string | undefined;
  readonly label?: Label;
  readonly calledAs: string | undefined;
}

function fold(failure: Failure, { named, label, calledAs }: Folded): string {
  const { headline } = describeFailure(failure, label);
  const name = named === undefined ? '' : `${code(named)}: `;
  const digest = failureDigest(failure, calledAs, label).split('\n');
  return [
    `<details><summary>${name}${markdown(headline)}</summary>`,
    '',
    fence(digest, { maxLines: MAX_LINES }),
    '',
    '</details>',
  ].join('\n');
}
