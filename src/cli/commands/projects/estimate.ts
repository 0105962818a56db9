/** `conductor projects build --estimate`: what agents would use and cost, by project and in sum. */

import { selectProjects } from '../../../commands/projects/build-projects.js';
import { estimateProjects } from '../../../commands/projects/project-status.js';
import { exitCodeOf } from '../../../model/failure.js';
import { exitCodeOfAll } from '../../../model/projects/project-event.js';
import type { ProjectList } from '../../../model/projects/project-list.js';
import { failureAnswer } from '../../../report/failures/failure-answer.js';
import { projectEstimatesText, sumOf } from '../../../report/projects/estimates-text.js';
import { CALL, print, printJson, printWarning, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export interface ProjectsEstimateOptions {
  readonly since: string | undefined;
  readonly force: boolean;
  readonly discardEdits: boolean;
  readonly json: boolean;
}

/** The exit code: 0 if every project has an estimate. */
export async function runProjectsEstimate(
  list: ProjectList,
  names: readonly string[],
  { json, ...options }: ProjectsEstimateOptions,
): Promise<number> {
  const projects = selectProjects(list, names);
  const rows = await estimateProjects(
    { list, projects },
    ({ folder }) => createHost(folder, { isProject: true }),
    { ...options, warn: (project, message) => printWarning(`${project}: ${message}`) },
  );
  if (json) {
    const shown = rows.map(({ project, estimate, failure, copies }) => ({
      name: project.name,
      ...estimate,
      ...(copies ? { copies } : {}),
      ...(failure ? { failure, error: failureAnswer(failure, CALL) } : {}),
    }));
    printJson({ schema: 1, projects: shown, all: sumOf(rows) });
  } else print(projectEstimatesText(rows, styleFor(process.stdout)));
  return exitCodeOfAll(rows.map(({ failure }) => ({ exitCode: failure ? exitCodeOf(failure) : 0 })));
}
