/**
 * `conductor projects status`, `metrics` and `build --estimate`: what a build of each listed project would do and may cost, and
 * what its builds have come to. Changes nothing.
 */

import { mapBounded } from '../../base/bounded.js';
import { err, ok, type Result } from '../../base/result.js';
import { type InspectOptions, inspect } from '../../build/dry-run.js';
import { projectHistory, readPaidHistory } from '../../build/history/history-files.js';
import { NO_COUNTS, wouldBe } from '../../build/options.js';
import type { Failure } from '../../model/failure.js';
import type { HistoryLine } from '../../model/history.js';
import type { ListedProject, ProjectList } from '../../model/projects/project-list.js';
import { type ProjectStatus, projectRows } from '../../model/projects/project-rows.js';
import type { Host } from '../../project/host.js';
import { failureLine } from '../../report/failures/failure.js';
import { metricsOf } from '../../report/metrics/metrics.js';
import { type Selection, selectLines } from '../../report/metrics/selection.js';
import type { ProjectEstimate } from '../../report/projects/estimates-text.js';
import { type Estimate, estimate } from '../estimate.js';
import { orFailure } from './build-projects.js';
import { absence } from './checkouts.js';
import { compareCopies, publishedFiles } from './imports.js';

/** Projects looked at together: each of them asks git. */
export const PROJECTS_AT_ONCE = 4;

export async function projectStatus(
  { list, projects }: { readonly list: ProjectList; readonly projects: readonly ListedProject[] },
  hostOf: (project: ListedProject) => Host,
  { now, warn }: { readonly now: number; warn(project: string, message: string): void },
): Promise<ProjectStatus[]> {
  return mapBounded(
    projectRows(projects, now),
    async (row) => {
      const { project } = row;
      const done = await orFailure(async () => {
        const absent = await absence(project);
        return absent ? err(absent) : countTasks(project, hostOf(project), warn);
      });
      if (!done.ok) return { ...row, failure: done.error };
      const copies = await orFailure(() => compareAll(list, project, hostOf));
      if (!copies.ok) return { ...row, counts: done.value, failure: copies.error };
      const history = await orFailure(() => projectHistory(project.folder, readPaidHistory));
      const costUsd = history.ok ? metricsOf(history.value).spent.costUsd : 0;
      const known = copies.value === undefined ? {} : { copies: copies.value };
      return { ...row, counts: done.value, ...known, ...(costUsd === 0 ? {} : { costUsd }) };
    },
    PROJECTS_AT_ONCE,
  );
}

/** What a build of the project would do, by outcome. */
async function countTasks(
  project: ListedProject,
  host: Host,
  warn: (project: string, message: string) => void,
): Promise<Result<NonNullable<ProjectStatus['counts']>, Failure>> {
  const options = {
    targets: project.targets,
    force: false,
    discardEdits: false,
    warn: (message: string) => warn(project.name, message),
  };
  return inspect(host, options, async ({ tasks }) => {
    const counts = { ...NO_COUNTS };
    for (const { verdict } of tasks) counts[wouldBe(verdict)]++;
    return counts;
  });
}

/** Over all projects whose outputs it gets. One that cannot be looked at has its own row for that. */
async function compareAll(
  { projects }: ProjectList,
  project: ListedProject,
  hostOf: (project: ListedProject) => Host,
): Promise<Result<ProjectStatus['copies'], Failure>> {
  let sum: ProjectStatus['copies'];
  for (const need of project.needs) {
    const source = projects.find(({ name }) => name === need.project);
    if (!source || need.outputs.length === 0 || (await absence(source))) continue;
    const files = await publishedFiles(hostOf(source), need.outputs);
    if (!files.ok) continue;
    const compared = await compareCopies(project.folder, need, files.value);
    if (!compared.ok) return compared;
    const { stale, edited } = compared.value;
    sum = { stale: (sum?.stale ?? 0) + stale.length, edited: (sum?.edited ?? 0) + edited.length };
  }
  return ok(sum);
}

/** What builds may cost, before anything is paid, in the order of the list. A project that cannot be estimated has its failure. */
export function estimateProjects(
  { list, projects }: { readonly list: ProjectList; readonly projects: readonly ListedProject[] },
  hostOf: (project: ListedProject) => Host,
  options: Omit<InspectOptions, 'targets' | 'warn'> & { warn(project: string, message: string): void },
): Promise<ProjectEstimate[]> {
  const one = async (project: ListedProject): Promise<Result<Estimate, Failure>> => {
    const absent = await absence(project);
    if (absent) return err(absent);
    const { targets, name } = project;
    const warn = (message: string) => options.warn(name, message);
    return inspect(hostOf(project), { ...options, targets, warn }, estimate);
  };
  return mapBounded(
    projects,
    async (project) => {
      const done = await orFailure(() => one(project));
      if (!done.ok) return { project, failure: done.error };
      const copies = await orFailure(() => compareAll(list, project, hostOf));
      if (!copies.ok) return { project, failure: copies.error };
      return { project, estimate: done.value, copies: copies.value };
    },
    PROJECTS_AT_ONCE,
  );
}

/**
 * The history of each project; of one that has no folder, or none that can be read, an empty one and a warning.
 */
export async function projectHistories(
  projects: readonly ListedProject[],
  { selection, warn }: { readonly selection: Omit<Selection, 'features'>; warn(message: string): void },
): Promise<Map<string, readonly HistoryLine[]>> {
  const read = await mapBounded(
    projects,
    async (project) => {
      const history = await orFailure(async () => {
        const absent = await absence(project);
        return absent ? err(absent) : projectHistory(project.folder);
      });
      if (!history.ok) warn(`${project.name}: ${failureLine(history.error)}`);
      const lines = history.ok ? selectLines(history.value, { ...selection, features: [] }) : [];
      return [project.name, lines] as const;
    },
    PROJECTS_AT_ONCE,
  );
  return new Map(read);
}
