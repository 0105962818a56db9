/** `conductor projects metrics`: what agents did and cost, by project and over all of them. */

import { selectProjects } from '../../../commands/projects/build-projects.js';
import { projectHistories } from '../../../commands/projects/project-status.js';
import { projectsMetrics, projectsMetricsText } from '../../../report/metrics/projects-metrics.js';
import { print, printJson, printWarning, refuse, styleFor } from '../../output.js';
import { openList } from './open-list.js';

interface ProjectsMetricsFlags {
  readonly since?: number;
  readonly model?: readonly string[];
  readonly json?: boolean;
}

export async function runProjectsMetrics(
  names: readonly string[],
  flags: ProjectsMetricsFlags,
): Promise<number> {
  const list = await openList(names);
  if (!list.ok) return refuse(list.error);
  const histories = await projectHistories(selectProjects(list.value, names), {
    selection: { ...(flags.since === undefined ? {} : { since: flags.since }), models: flags.model ?? [] },
    warn: printWarning,
  });
  const metrics = projectsMetrics(histories);
  if (flags.json) printJson(metrics);
  else print(projectsMetricsText(metrics, styleFor(process.stdout)));
  return 0;
}
