/** `conductor projects status`: what a build of each project would do, and what it has cost. */

import { selectProjects } from '../../../commands/projects/build-projects.js';
import { projectStatus } from '../../../commands/projects/project-status.js';
import type { ListedProject } from '../../../model/projects/project-list.js';
import { isUpToDate, projectStatusText } from '../../../report/projects/list-text.js';
import { print, printJson, printWarning, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';
import { openList } from './open-list.js';

export async function runProjectsStatus(
  names: readonly string[],
  flags: { readonly json?: boolean; readonly exitCode?: boolean },
): Promise<number> {
  const list = await openList(names);
  if (!list.ok) return refuse(list.error);
  const projects = selectProjects(list.value, names);
  const hostOf = ({ folder }: ListedProject) => createHost(folder, { isProject: true });
  const rows = await projectStatus({ list: list.value, projects }, hostOf, {
    now: Date.now(),
    warn: (project, message) => printWarning(`${project}: ${message}`),
  });
  if (flags.json) {
    const shown = rows.map(({ project, ...row }) => ({ name: project.name, folder: project.folder, ...row }));
    printJson({ schema: 1, projects: shown });
  } else print(projectStatusText(rows, styleFor(process.stdout)));
  const isDone = rows.every(isUpToDate);
  return flags.exitCode && !isDone ? 1 : 0;
}
