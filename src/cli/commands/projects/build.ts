/** `conductor projects build`: turns flags into options, passes events to reporters, and stops at signals. */

import { buildProjects } from '../../../commands/projects/build-projects.js';
import { refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { openList, openProjectsReporter, projectsParts } from './open-list.js';

interface ProjectsBuildFlags {
  readonly workers?: number;
  readonly budgetUsd?: number;
  readonly force?: boolean;
  readonly discardEdits?: boolean;
  readonly failFast?: boolean;
  readonly commit?: boolean;
  readonly wait: boolean;
  readonly json?: boolean;
}

export async function runProjectsBuild(
  names: readonly string[],
  flags: ProjectsBuildFlags,
): Promise<number> {
  const list = await openList(names, { workers: flags.workers, usd: flags.budgetUsd });
  if (!list.ok) return refuse(list.error);
  const reporter = openProjectsReporter(flags.json === true);
  const signals = cancelOnSignals();
  try {
    const parts = projectsParts(list.value, {
      on: (event) => reporter.on(event),
      signal: signals.signal,
      command: ['conductor projects build', ...names].join(' '),
    });
    const summary = await buildProjects(parts, {
      only: names,
      build: {
        force: flags.force === true,
        discardEdits: flags.discardEdits === true,
        failFast: flags.failFast === true,
        commit: flags.commit === true,
        wait: flags.wait,
      },
    });
    return summary.exitCode;
  } finally {
    signals.stop();
    reporter.close();
  }
}
