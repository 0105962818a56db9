/** The features of a project as a table. */

import type { ListedFeature } from '../../model/listed-feature.js';
import { money, plural, type Style, visible } from '../style.js';
import { padTo, textWidth } from '../width.js';

const HEAD = ['feature', 'version', 'status', 'tasks', 'last generated', 'attempts', 'cost'];
const NONE = '-';

/** One line a feature, below a line of headings; without a feature nothing. */
export function featureTable(rows: readonly ListedFeature[], style: Style): string {
  if (rows.length === 0) return '';
  const cells = rows.map(rowCells);
  const widths = HEAD.map((head, i) =>
    Math.max(...[head, ...cells.map((row) => row[i] as string)].map(textWidth)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => padTo(cell, widths[i] as number))
      .join('  ')
      .trimEnd();
  return [
    style('dim', line(HEAD)),
    ...cells.map((row, i) => (rows[i]?.status === 'complete' ? line(row) : style('yellow', line(row)))),
    '',
  ].join('\n');
}

/** The last line: everything together. */
export function featureSummary(rows: readonly ListedFeature[]): string {
  const sum = (of: (row: ListedFeature) => number | undefined) =>
    rows.reduce((all, row) => all + (of(row) ?? 0), 0);
  const cost = sum((row) => row.costUsd);
  const parts = [
    plural(rows.length, 'feature'),
    plural(
      sum((row) => row.tasks),
      'task',
    ),
    plural(
      sum((row) => row.attempts),
      'attempt',
    ),
    ...(cost > 0 ? [money(cost)] : []),
  ];
  return `conductor: ${parts.join(', ')}`;
}

function rowCells(row: ListedFeature): string[] {
  const { tasks, recorded } = row;
  return [
    visible(row.feature),
    row.version ?? NONE,
    row.status,
    tasks === undefined ? NONE : (recorded ?? tasks) === tasks ? String(tasks) : `${recorded} of ${tasks}`,
    row.lastGenerated === undefined
      ? NONE
      : visible(row.lastGenerated).replace(/^(.{10})T(.{5}).*$/, '$1 $2'),
    row.attempts === undefined ? NONE : String(row.attempts),
    row.costUsd === undefined || row.costUsd === 0 ? NONE : money(row.costUsd),
  ];
}
