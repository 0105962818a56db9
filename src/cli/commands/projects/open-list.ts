/** What the commands of `conductor projects` share: the list, and one host for each project. */

import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { suggestions } from '../../../base/nearest.js';
import { err, type Result } from '../../../base/result.js';
import { shellWord } from '../../../base/shell-word.js';
import type { ProjectsParts } from '../../../commands/projects/build-projects.js';
import { type ListChanges, loadProjects } from '../../../commands/projects/load-projects.js';
import type { Failure } from '../../../model/failure.js';
import type { ProjectList } from '../../../model/projects/project-list.js';
import type { Label } from '../../../model/task.js';
import { CALL } from '../../output.js';
import { createHost } from '../../wire.js';

/** The list, once it has all projects that are named. Fails with `usage` where it has not. */
export async function openList(
  names: readonly string[],
  changes: ListChanges = {},
): Promise<Result<ProjectList, Failure>> {
  const list = await loadProjects(createHost(process.cwd()), process.cwd(), changes);
  if (!list.ok) return list;
  const known = list.value.projects.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return list;
  const nearest = suggestions(unknown, known);
  const all = '`conductor projects list` lists all projects';
  const hint = nearest.length > 0 ? `nearest: ${nearest.join(', ')}; ${all}` : all;
  return err({ kind: 'usage', message: `no project of the list is called ${unknown}`, hint });
}

interface ForJobs {
  /** What runs on other machines goes on when the command is interrupted. */
  readonly detach?: boolean;
  /** The trace of a task that runs, for what works for it elsewhere. Absent: nobody takes spans. */
  readonly traceparent?: (project: string, task: Label) => string | undefined;
}

/** What a build or a watch of all projects needs of this process. */
export function projectsParts(
  list: ProjectList,
  { detach = false, traceparent, ...parts }: Pick<ProjectsParts, 'on' | 'signal' | 'command'> & ForJobs,
): ProjectsParts {
  return {
    ...parts,
    list,
    hostOf: (project, common) =>
      createHost(project.folder, {
        ...{ common, isProject: true, detach },
        ...(traceparent ? { traceparent: (task: Label) => traceparent(project.name, task) } : {}),
      }),
    processors: availableParallelism(),
    now: Date.now,
  };
}

/** How conductor is called in the folder of each project: hints of its build are commands that a person pastes here. */
export function calledIn({ projects }: ProjectList): (project: string) => string {
  const here = process.cwd();
  return (name) => {
    const folder = projects.find((one) => one.name === name)?.folder ?? here;
    const way = relative(here, folder);
    return way === '' ? CALL : `cd ${shellWord(way)} && ${CALL}`;
  };
}
