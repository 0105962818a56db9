/** What is shown of listed projects: their shares, and what a build of each would do. Pure. */

import type { TaskOutcomeKind } from '../event.js';
import type { Failure } from '../failure.js';
import type { ListedProject } from './project-list.js';
import { projectWeight } from './project-weight.js';

export interface ProjectRow {
  readonly project: ListedProject;
  readonly weight: number;
  /** Part of the workers, from 0 to 1, that it gets while all projects have tasks. */
  readonly share: number;
}

export interface ProjectStatus extends ProjectRow {
  /** What a build would do, by number of tasks; absent: it cannot be looked at. */
  readonly counts?: Readonly<Record<TaskOutcomeKind, number>>;
  /** Of other projects' outputs: what the next build would write or remove, and what a person changed. Absent: it needs none. */
  readonly copies?: { readonly stale: number; readonly edited: number };
  readonly failure?: Failure;
  /** US dollars of what its history records; absent: it has none. */
  readonly costUsd?: number;
}

export function projectRows(projects: readonly ListedProject[], now: number): ProjectRow[] {
  const weights = projects.map((project) => projectWeight(project, now));
  const sum = weights.reduce((all, one) => all + one, 0);
  return projects.map((project, at) => {
    const weight = weights[at] as number;
    return { project, weight, share: weight / sum };
  });
}
