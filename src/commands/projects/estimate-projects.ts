/** `conductor projects build --estimate`: what builds of all projects may cost, before anything is paid. Changes nothing. */

import { mapBounded } from '../../base/bounded.js';
import { err, type Result } from '../../base/result.js';
import { type Inspection, type InspectOptions, inspect } from '../../build/dry-run.js';
import type { Failure } from '../../model/failure.js';
import type { ListedProject, ProjectList } from '../../model/projects/project-list.js';
import type { Host } from '../../project/host.js';
import type { ProjectEstimate } from '../../report/projects/estimates-text.js';
import { type Estimate, estimate } from '../estimate.js';
import { orFailure } from './build-projects.js';
import { absence } from './checkouts.js';
import { compareAll, PROJECTS_AT_ONCE } from './project-status.js';

/** In the order of the list. A project that cannot be estimated has its failure. */
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
    return inspect(hostOf(project), { ...options, targets, warn }, (found: Inspection) => estimate(found));
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
