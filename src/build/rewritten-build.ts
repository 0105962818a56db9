/**
 * Builds a project in which a command changes specs and files first: the change and what the build records are written in
 * one step, or nothing is. Runs no recipe.
 */

import type { Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type { Task } from '../model/task.js';
import type { LoadedConfig } from '../project/host.js';
import { loadProject, type Project } from '../project/project.js';
import { diskSource } from '../project/project-source.js';
import { type Built, buildTasks, type OpenBuild, type ReadProject } from './build-tasks.js';
import type { Changes } from './publishing/publish-plan.js';

/** What is on disk, and the change of it. */
export interface Rewriting extends Pick<ReadProject, 'allOrNothing' | 'left' | 'withoutBuildGates'> {
  readonly loaded: LoadedConfig;
  readonly project: Project;
  /** `undefined`: the file is removed. */
  readonly changes: Changes;
  /** The tasks whose files are to be accepted as they are. Absent: none. */
  accepts?(task: Task): boolean;
}

/** Fails with `invalid-specs` where the change leaves specs that are wrong, or as a build does. */
export async function buildRewritten(
  build: OpenBuild,
  rewriting: Rewriting,
): Promise<Result<Built, Failure>> {
  const { loaded, allOrNothing, left, withoutBuildGates } = rewriting;
  const read = await rewrittenProject(build, rewriting);
  if (!read.ok) return read;
  const project = { ...read.value, onDisk: rewriting.project.snapshot };
  return buildTasks(build, {
    loaded,
    project,
    mayBeEmpty: true,
    urgent: new Set(),
    beforePublishing: async () => {},
    ...(allOrNothing ? { allOrNothing } : {}),
    ...(left ? { left } : {}),
    ...(withoutBuildGates ? { withoutBuildGates } : {}),
  });
}

/** The project as it would be with the change. Writes git objects only. */
export async function rewrittenProject(
  { session }: Pick<OpenBuild, 'session'>,
  { loaded, project, changes, accepts }: Rewriting,
): Promise<Result<Project, Failure>> {
  const tree = await project.objects.editTree(project.snapshot, changes);
  const take = async () => ({ ok: true, value: { tree } }) as const;
  const hands = accepts && { accepts, discards: () => new Set<string>() };
  return loadProject({ ...diskSource(session, loaded.config), take }, hands);
}
