/** Estimates of several projects for people: by project and in sum. Estimates nothing. */

import type { Failure } from '../../model/failure.js';
import type { ListedProject } from '../../model/projects/project-list.js';
import type { ProjectStatus } from '../../model/projects/project-rows.js';
import { type EstimateFacts, estimateTable, estimateText } from '../estimate.js';
import { printFailure } from '../failures/failure-print.js';
import { plural, type Style } from '../style.js';
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
  const texts = rows.map(({ project, estimate, failure, copies }) => {
    if (!estimate) return lines.named(project.name, failure ? printFailure(failure, style) : '');
    const note = copiesNote(project, copies, behind);
    const more = note === '' ? '' : `; with new copies it may be more: ${note}`;
    return lines.named(project.name, `${estimateTable(estimate, style)}${estimateText(estimate)}${more}\n`);
  });
  const unknown = rows.filter(({ estimate }) => !estimate).length;
  const rest = unknown === 0 ? '' : `; ${plural(unknown, 'project')} without an estimate`;
  const sum = `${plural(rows.length, 'project')}: ${estimateText(sumOf(rows))}${rest}`;
  return `${texts.join('')}conductor: ${sum}\n`;
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
