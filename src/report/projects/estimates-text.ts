/** Estimates of several projects for people: by project and in sum. Estimates nothing. */

import type { Failure } from '../../model/failure.js';
import type { ListedProject } from '../../model/projects/project-list.js';
import type { ProjectStatus } from '../../model/projects/project-rows.js';
import { type EstimateFacts, estimateTable, estimateText } from '../estimate.js';
import { printFailure } from '../failures/failure-print.js';
import { plural, type Style, visible } from '../style.js';
import { copiesNote } from './list-text.js';
import { ProjectLines } from './project-lines.js';

export interface ProjectEstimate {
  readonly project: ListedProject;
  /** Absent: it cannot be estimated. */
  readonly estimate?: EstimateFacts;
  readonly failure?: Failure;
  readonly copies?: ProjectStatus['copies'];
}

/** What builds of all projects may cost: tasks of agents, a line for each project, and the sum. */
export function projectEstimatesText(rows: readonly ProjectEstimate[], style: Style): string {
  const lines = new ProjectLines(style);
  lines.widen(rows.map(({ project }) => project.name));
  const behind = rows
    .filter(({ estimate, copies }) => estimate?.tasks !== 0 || (copies?.stale ?? 0) > 0)
    .map(({ project }) => project.name);
  const changing = mayChange(rows, behind);
  const texts = rows.map(({ project, estimate, failure, copies }) => {
    if (!estimate) return lines.named(project.name, failure ? printFailure(failure, style) : '');
    const others = sourcesOf(project).filter((name) => changing.has(name) && !behind.includes(name));
    const notes = [
      copiesNote(project, copies, behind),
      others.length === 0 ? '' : `needs ${others.map(visible).join(', ')}, which may change`,
    ].filter((note) => note !== '');
    const more = notes.length === 0 ? '' : `; with new copies it may be more: ${notes.join('; ')}`;
    return lines.named(project.name, `${estimateTable(estimate, style)}${estimateText(estimate)}${more}\n`);
  });
  const unknown = rows.filter(({ estimate }) => !estimate).length;
  const rest = unknown === 0 ? '' : `; ${plural(unknown, 'project')} without an estimate`;
  const sum = `${plural(rows.length, 'project')}: ${estimateText(sumOf(rows))}${rest}`;
  return `${texts.join('')}conductor: ${sum}\n`;
}

/** Those that are behind, and all that get outputs of one that may change. What needs a project stands behind it. */
function mayChange(rows: readonly ProjectEstimate[], behind: readonly string[]): ReadonlySet<string> {
  const changing = new Set(behind);
  for (const { project } of rows)
    if (sourcesOf(project).some((name) => changing.has(name))) changing.add(project.name);
  return changing;
}

/** The projects whose outputs it gets. */
function sourcesOf({ needs }: ListedProject): string[] {
  return needs.filter(({ outputs }) => outputs.length > 0).map(({ project }) => project);
}

/** The estimates of all projects as that of one. */
export function sumOf(rows: readonly ProjectEstimate[]): EstimateFacts {
  const known = rows.flatMap(({ estimate }) => estimate ?? []);
  const ifGatesFail = known.flatMap((one) => one.ifGatesFail ?? []);
  return {
    tasks: known.reduce((sum, { tasks }) => sum + tasks, 0),
    agentTasks: known.flatMap(({ agentTasks }) => agentTasks),
    ...(ifGatesFail.length === 0 ? {} : { ifGatesFail }),
  };
}
