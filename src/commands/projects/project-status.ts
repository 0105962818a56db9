/** `conductor projects status`: what a build of each listed project would do, and what it has cost. Changes nothing. */

import { mapBounded } from '../../base/bounded.js';
import { projectHistory } from '../../build/build-history.js';
import { inspect } from '../../build/dry-run.js';
import { NO_COUNTS, wouldBe } from '../../build/options.js';
import type { ListedProject, ProjectList } from '../../model/projects/project-list.js';
import { type ProjectStatus, projectRows } from '../../model/projects/project-rows.js';
import type { Host } from '../../project/host.js';
import { metricsOf } from '../../report/metrics/metrics.js';
import { absence } from './checkouts.js';

/** Projects looked at together: each of them asks git. */
const AT_ONCE = 4;

export async function projectStatus(
  { projects }: Pick<ProjectList, 'projects'>,
  hostOf: (project: ListedProject) => Host,
  { now, warn }: { readonly now: number; warn(project: string, message: string): void },
): Promise<ProjectStatus[]> {
  return mapBounded(
    projectRows(projects, now),
    async (row) => {
      const { project } = row;
      const absent = await absence(project);
      if (absent) return { ...row, failure: absent };
      const options = {
        targets: project.targets,
        force: false,
        discardEdits: false,
        warn: (message: string) => warn(project.name, message),
      };
      const done = await inspect(hostOf(project), options, async ({ tasks }) => {
        const counts = { ...NO_COUNTS };
        for (const { verdict } of tasks) counts[wouldBe(verdict)]++;
        return counts;
      });
      if (!done.ok) return { ...row, failure: done.error };
      const history = await projectHistory(project.folder);
      const costUsd = history.ok ? metricsOf(history.value).spent.costUsd : 0;
      return { ...row, counts: done.value, ...(costUsd === 0 ? {} : { costUsd }) };
    },
    AT_ONCE,
  );
}
