/** The tables of `conductor projects`: the list with its shares, the state of each project, and the summary of a build of all. */

import { withoutCredentials } from '../../model/address.js';
import type { ProjectOutcome, ProjectsSummary } from '../../model/projects/project-event.js';
import type { ListedProject, ProjectList } from '../../model/projects/project-list.js';
import type { ProjectRow, ProjectStatus } from '../../model/projects/project-rows.js';
import { failureLine } from '../failures/failure.js';
import { aligned } from '../project-tables.js';
import { type Colour, duration, money, plural, type Style, visible } from '../style.js';

const NONE = '-';
const LIST_HEAD = [
  'project',
  'priority',
  'deadline',
  'impact',
  'weight',
  'share',
  'workers',
  'needs',
  'place',
];
const STATUS_HEAD = [
  'project',
  'share',
  'tasks',
  'fresh',
  'to do',
  'waiting',
  'edited',
  'failing',
  'cost',
  '',
];
const COUNT_HEAD = ['built', 'restored', 'fresh', 'failed', 'skipped'];
/** Of a dry run. */
const WOULD_HEAD = ['to build', 'to restore', 'fresh', 'failing', 'waiting'];

/** One line a project, below a line of headings. */
export function projectListText(rows: readonly ProjectRow[], { limits }: ProjectList, style: Style): string {
  const cells = rows.map(({ project, weight, share }) => [
    visible(project.name),
    project.priority,
    project.deadline === undefined ? NONE : dayOf(project.deadline),
    project.impact,
    weight.toFixed(1),
    percent(share),
    workersOf(project),
    project.needs.map((need) => visible(need.project)).join(', ') || NONE,
    visible(project.git ? withoutCredentials(project.git.url) : project.folder),
  ]);
  const { workers, agents, usd, tokens } = limits;
  const kept = [
    plural(workers, 'worker'),
    agents === undefined ? '' : plural(agents, 'session of agents', 'sessions of agents'),
    usd === undefined ? '' : `${money(usd)} a command`,
    tokens === undefined ? '' : `${plural(tokens, 'token')} a command`,
  ].filter((part) => part !== '');
  return `${table(LIST_HEAD, cells, style)}conductor: ${plural(rows.length, 'project')}, at most ${kept.join(', ')}\n`;
}

export function projectStatusText(rows: readonly ProjectStatus[], style: Style): string {
  const cells = rows.map(({ project, share, counts, copies, failure, costUsd }) => {
    const all = counts ? Object.values(counts).reduce((sum, one) => sum + one, 0) : undefined;
    const todo = counts && counts.built + counts.cached + counts.verified;
    return [
      visible(project.name),
      percent(share),
      number(all),
      number(counts?.fresh),
      number(todo),
      number(counts?.skipped),
      number(counts?.drifted),
      number(counts?.failed),
      costUsd ? money(costUsd) : NONE,
      failure ? visible(failureLine(failure)) : statusNote(project, copies, rows),
    ];
  });
  const fresh = rows.filter(isUpToDate).length;
  return `${table(STATUS_HEAD, cells, style)}conductor: ${plural(rows.length, 'project')}, ${fresh} up to date\n`;
}

export function isUpToDate({ counts, copies, failure }: ProjectStatus): boolean {
  const isFresh = counts && Object.entries(counts).every(([kind, count]) => kind === 'fresh' || count === 0);
  return isFresh === true && failure === undefined && (copies?.stale ?? 0) + (copies?.edited ?? 0) === 0;
}

function statusNote(
  project: ListedProject,
  copies: ProjectStatus['copies'],
  rows: readonly ProjectStatus[],
): string {
  const behind = rows.filter((row) => !isUpToDate(row)).map((row) => row.project.name);
  return copiesNote(project, copies, behind);
}

/** Why the files that a project gets are not the last ones; empty: they are. `behind`: projects that are not up to date. */
export function copiesNote(
  { needs }: ListedProject,
  copies: ProjectStatus['copies'],
  behind: readonly string[],
): string {
  const { stale = 0, edited = 0 } = copies ?? {};
  const names = needs.map(({ project }) => project).filter((name) => behind.includes(name));
  const parts = [
    stale === 0 ? '' : `${plural(stale, 'copy', 'copies')} out of date`,
    edited === 0 ? '' : `${plural(edited, 'copy', 'copies')} changed by hand`,
    names.length === 0 ? '' : `needs ${names.map(visible).join(', ')}, not up to date`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

const COLOURS: Readonly<Record<ProjectOutcome['outcome'], Colour>> = {
  'up-to-date': 'green',
  built: 'green',
  'would-build': 'green',
  failed: 'red',
  interrupted: 'yellow',
  skipped: 'dim',
};

const WORDS: Partial<Record<ProjectOutcome['outcome'], string>> = {
  'up-to-date': 'up to date',
  'would-build': 'to build',
};

/** What became of all projects: a table and one line. */
export function projectsSummaryText(summary: ProjectsSummary, style: Style): string {
  const { heads, rows, line } = summaryTable(summary, style);
  const row = aligned([heads, ...rows]);
  return [
    style('dim', row(heads)),
    ...summary.projects.map(({ outcome }, at) => style(COLOURS[outcome], row(rows[at] ?? []))),
    line,
    '',
  ].join('\n');
}

interface SummaryTable {
  readonly heads: readonly string[];
  /** One a project. */
  readonly rows: readonly (readonly string[])[];
  /** All projects together. */
  readonly line: string;
}

export function summaryTable({ projects, ms }: ProjectsSummary, style: Style): SummaryTable {
  const isDry = projects.some(({ outcome }) => outcome === 'would-build');
  const all = projects.map(summaryCells);
  const named = isDry ? WOULD_HEAD : COUNT_HEAD;
  const heads = ['project', 'outcome', ...named, 'cost', 'worker time', 'waited', ''];
  // What no project has is left out: nothing was paid, or nothing ran.
  const shown = heads.map((head, at) => at < 2 || head === '' || all.some((cells) => cells[at] !== NONE));
  const [head = [], ...rows] = [heads, ...all].map((row) => row.filter((_, at) => shown[at]));
  const cost = projects.reduce((sum, { summary }) => sum + (summary?.usage.costUsd ?? 0), 0);
  const counted = (kind: ProjectOutcome['outcome'], word: string) => {
    const count = projects.filter(({ outcome }) => outcome === kind).length;
    return count === 0 ? '' : `${count} ${word}`;
  };
  const parts = [
    counted('built', 'built'),
    counted('would-build', 'to build'),
    counted('up-to-date', 'up to date'),
    counted('failed', 'failed'),
    counted('skipped', 'skipped'),
    counted('interrupted', 'interrupted'),
  ].filter((part) => part !== '');
  const counts = `${plural(projects.length, 'project')}: ${parts.join(', ')}`;
  const spent = cost > 0 ? ` (${money(cost)})` : '';
  const isWell = projects.every(({ exitCode }) => exitCode === 0);
  const line = `${style(isWell ? 'green' : 'red', 'conductor')}: ${counts} in ${duration(ms)}${spent}`;
  return { heads: head, rows, line };
}

function summaryCells(one: ProjectOutcome): string[] {
  const { project, outcome, summary, failure, because, workMs, waitMs } = one;
  const counts = summary?.counts;
  const why = failure ? failureLine(failure) : because === undefined ? '' : `needs ${because}`;
  return [
    visible(project),
    WORDS[outcome] ?? outcome,
    number(counts?.built),
    number(counts && counts.cached + counts.verified),
    number(counts?.fresh),
    number(counts?.failed),
    number(counts?.skipped),
    summary?.usage.costUsd ? money(summary.usage.costUsd) : NONE,
    workMs === 0 ? NONE : duration(workMs),
    waitMs === 0 ? NONE : duration(waitMs),
    visible(why),
  ];
}

function table(head: readonly string[], cells: readonly (readonly string[])[], style: Style): string {
  const line = aligned([head, ...cells]);
  return `${[style('dim', line(head)), ...cells.map(line)].join('\n')}\n`;
}

function number(value: number | undefined): string {
  return value === undefined ? NONE : String(value);
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

function dayOf(deadline: number): string {
  return new Date(deadline).toISOString().slice(0, 16).replace('T23:59', '').replace('T', ' ');
}

function workersOf({ least, most }: ListedProject): string {
  const isOpen = most === Number.MAX_SAFE_INTEGER;
  if (least === 0 && isOpen) return NONE;
  return isOpen ? `${least} or more` : `${least} to ${most}`;
}
