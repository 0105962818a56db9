/** The tables of a project: its features, and its files with the map that planners get. */

import type { ListedFeature } from '../model/listed-feature.js';
import type { RepositoryView } from '../model/repository-view.js';
import { money, plural, type Style, visible } from './style.js';
import { padTo, textWidth } from './width.js';

const HEAD = ['feature', 'version', 'status', 'tasks', 'last generated', 'attempts', 'cost'];
const FILE_HEAD = ['file', 'owner', 'patched by'];
const NONE = '-';

/** One line a feature, below a line of headings; without a feature nothing. */
export function featureTable(rows: readonly ListedFeature[], style: Style): string {
  if (rows.length === 0) return '';
  const cells = rows.map(rowCells);
  const line = aligned([HEAD, ...cells]);
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

/** The map, then the files that tasks own or patch. */
export function repositoryText({ map, bytes, files }: RepositoryView, style: Style): string {
  const rows = files
    .filter(({ owner, patchedBy }) => owner !== undefined || patchedBy.length > 0)
    .map(({ path, owner, patchedBy }) => [visible(path), owner ?? '-', patchedBy.join(', ') || '-']);
  const line = aligned([FILE_HEAD, ...rows]);
  const people = files.length - rows.length;
  return [
    map === '' ? style('dim', 'the project has no files') : map,
    '',
    ...(rows.length === 0 ? [] : [style('dim', line(FILE_HEAD)), ...rows.map(line), '']),
    `conductor: ${plural(files.length, 'file')}, ${people} of them neither built nor patched by a task; the map has ${plural(bytes, 'byte')}`,
  ].join('\n');
}

/** Writes a row with its cells as wide as the widest of their columns. */
export function aligned(rows: readonly (readonly string[])[]): (row: readonly string[]) => string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => textWidth(row[i] as string))));
  return (row) =>
    row
      .map((cell, i) => padTo(cell, widths[i] as number))
      .join('  ')
      .trimEnd();
}
