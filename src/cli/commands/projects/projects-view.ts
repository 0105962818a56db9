/** Chooses the reporters of several projects: one block on a terminal, plain lines, what a CI reads, or JSON. */

import { tee } from '../../../report/live/reporter.js';
import type { ProjectLineOptions } from '../../../report/projects/project-lines.js';
import {
  type ProjectsReporter,
  projectsJsonReporter,
  projectsPlainReporter,
  projectsTerminalReporter,
} from '../../../report/projects/projects-reporter.js';
import { type ProjectsCi, projectsCiReporter } from '../../ci/projects-ci.js';
import { CALL, isRedrawn, styleFor } from '../../output.js';
import { tellBroken } from '../../reporters.js';
import { idleTimer } from '../../timers.js';

export interface ProjectsViewOptions {
  /** Events on stdout, text for people on stderr. */
  readonly json: boolean;
  readonly lines?: ProjectLineOptions;
  /** Absent: no CI reads what is printed. */
  readonly ci?: ProjectsCi | undefined;
}

export function openProjectsReporter({ json, lines = {}, ci }: ProjectsViewOptions): ProjectsReporter {
  const stream = json ? process.stderr : process.stdout;
  const style = styleFor(stream);
  const people = ci
    ? projectsCiReporter(ci, { stream, style, lines })
    : isRedrawn(stream)
      ? projectsTerminalReporter({ ...lines, stream, style, now: Date.now, after: idleTimer })
      : projectsPlainReporter(stream, style, { ...lines, errors: process.stderr });
  return tee(
    json ? [projectsJsonReporter(process.stdout, CALL, lines.calledIn), people] : [people],
    tellBroken,
  );
}
