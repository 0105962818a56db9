/** The reports of several projects for a CI: the same as those of one build, each project by its name. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { locateRepository } from '../../io/git/locate.js';
import { type ListedProject, PROJECTS_FILE, type ProjectList } from '../../model/projects/project-list.js';
import type { Host } from '../../project/host.js';
import { type Annotation, annotationsOf, ofProject } from '../../report/ci/annotations.js';
import { projectsJunitXml } from '../../report/ci/junit.js';
import { type ProjectRecord, ProjectsRecord } from '../../report/ci/projects-record.js';
import { projectsStepSummary } from '../../report/ci/step-summary.js';
import type { ProjectLineOptions } from '../../report/projects/project-lines.js';
import { projectsGroupReporter } from '../../report/projects/projects-groups.js';
import { type ProjectsReporter, projectsPlainReporter } from '../../report/projects/projects-reporter.js';
import { CONFIG_NAMES } from '../config/config-names.js';
import { CALL } from '../output.js';
import { type CiReports, ciGroups, placesOf, type TextOutput, writeReports } from './ci-reports.js';

export interface ProjectsCi {
  readonly list: ProjectList;
  readonly command: string;
  readonly reports: CiReports;
  hostOf(project: ListedProject): Host;
}

/** Lines for the log of the CI while projects are built, and its reports at the end. */
export function projectsCiReporter(
  ci: ProjectsCi,
  { stream, style, lines }: TextOutput & { readonly lines: ProjectLineOptions },
): ProjectsReporter {
  const { list, reports, command } = ci;
  const record = new ProjectsRecord(CALL, lines.calledIn);
  const groups = ciGroups(reports, stream);
  const reader = groups
    ? projectsGroupReporter(stream, style, { lines, ...groups })
    : projectsPlainReporter(stream, style, { ...lines, errors: process.stderr });
  return {
    on(event) {
      record.on(event);
      reader.on(event);
    },
    print: (text) => reader.print?.(text),
    async close() {
      await reader.close();
      await writeReports(reports, stream, {
        folder: list.folder,
        annotations: () => annotateAll(ci, record),
        stepSummary: () => projectsStepSummary(record, command),
        junit: () => projectsJunitXml(record, command),
      });
    },
  };
}

/** Places are in the repository around the list: it is the one that the CI has checked out. */
async function annotateAll({ list, hostOf }: ProjectsCi, { projects, calledAs }: ProjectsRecord) {
  const around = locateRepository(list.folder);
  const top = around.ok ? around.value.top : undefined;
  const annotations: Annotation[] = [];
  for (const record of projects) {
    const project = list.projects.find(({ name }) => name === record.project);
    if (project) annotations.push(...(await annotate(record, hostOf(project), { top, calledAs })));
  }
  const names = [PROJECTS_FILE, ...CONFIG_NAMES];
  const file = names.find((name) => existsSync(join(list.folder, name))) ?? PROJECTS_FILE;
  const folder = around.ok ? around.value.prefix : '';
  return { annotations, elsewhere: `${folder}${file}` };
}

async function annotate(
  { project, build, outcome }: ProjectRecord,
  host: Host,
  { top, calledAs }: { readonly top: string | undefined; readonly calledAs: string | undefined },
): Promise<Annotation[]> {
  // A failure of its build is in the record of the build.
  const alone = outcome?.summary === undefined ? outcome?.failure : undefined;
  const places = await placesOf(host, build);
  const isHere = top !== undefined && places.top === top;
  const ofList = { tasks: [], failed: [], failures: alone ? [alone] : [], calledAs };
  return [...annotationsOf(ofList, places), ...annotationsOf(build, places)].map((one) =>
    ofProject(one, project, isHere),
  );
}
