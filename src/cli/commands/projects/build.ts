/** `conductor projects build`: turns flags into options, passes events to reporters, and stops at signals. */

import { mapBounded } from '../../../base/bounded.js';
import { buildProjects } from '../../../commands/projects/build-projects.js';
import type { ProjectEvent } from '../../../model/projects/project-event.js';
import type { Label } from '../../../model/task.js';
import { ProjectsProfile } from '../../../report/profile.js';
import { ciReports } from '../../ci/ci-reports.js';
import { NO_HOOKS_TO_SKIP, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { openTelemetry, type Telemetry } from '../../telemetry/build-telemetry.js';
import { openTrace } from '../../telemetry/trace-file.js';
import { createHost } from '../../wire.js';
import { calledIn, openList, projectsParts } from './open-list.js';
import { openProjectsReporter } from './projects-view.js';

interface ProjectsBuildFlags {
  readonly workers?: number;
  readonly budgetUsd?: number;
  readonly since?: string;
  readonly dryRun?: boolean;
  readonly estimate?: boolean;
  readonly force?: boolean;
  readonly frozen?: boolean;
  readonly restoreOnly?: boolean;
  readonly rebuildMissing?: boolean;
  readonly discardEdits?: boolean;
  readonly keepEdits?: boolean;
  readonly failFast?: boolean;
  readonly commit?: boolean;
  readonly verify: boolean;
  readonly detach?: boolean;
  readonly wait: boolean;
  readonly json?: boolean;
  readonly annotations?: string;
  readonly junit?: string;
  readonly profile?: string;
}

export async function runProjectsBuild(names: readonly string[], flags: ProjectsBuildFlags): Promise<number> {
  if (!flags.verify && !flags.commit) return refuse(NO_HOOKS_TO_SKIP);
  const { workers, budgetUsd, json = false, dryRun = false, frozen = false } = flags;
  const list = await openList(names, { workers, usd: budgetUsd });
  if (!list.ok) return refuse(list.error);
  if (flags.estimate) {
    const { runProjectsEstimate } = await import('./estimate.js');
    const { since, force = false, discardEdits = false } = flags;
    return runProjectsEstimate(list.value, names, { since, force, discardEdits, json });
  }
  const since = flags.since === undefined ? [] : ['--since', flags.since];
  const command = ['conductor projects build', ...names, ...since].join(' ');
  const reports = ciReports(flags, process.env);
  const reporter = openProjectsReporter({
    json,
    lines: { dryRun, frozen, calledIn: calledIn(list.value) },
    ci: reports && {
      ...{ list: list.value, command, reports },
      hostOf: ({ folder }) => createHost(folder, { isProject: true }),
    },
  });
  const spans = new ProjectSpans();
  const trace = flags.profile === undefined ? undefined : openTrace(flags.profile, new ProjectsProfile());
  const signals = cancelOnSignals();
  try {
    const parts = projectsParts(list.value, {
      on(event) {
        reporter.on(event);
        spans.on(event);
        trace?.on(event);
      },
      traceparent: (project, task) => spans.traceparent(project, task),
      signal: signals.signal,
      command,
      detach: flags.detach === true,
    });
    const summary = await buildProjects(parts, {
      only: names,
      build: {
        since: flags.since,
        ...{ dryRun, frozen },
        force: flags.force === true,
        restoreOnly: flags.restoreOnly === true,
        rebuildMissing: flags.rebuildMissing === true,
        discardEdits: flags.discardEdits === true,
        keepEdits: flags.keepEdits === true,
        failFast: flags.failFast === true,
        commit: flags.commit === true,
        noVerify: !flags.verify,
        namesAll: reports !== undefined,
        wait: flags.wait,
      },
    });
    return summary.exitCode;
  } finally {
    signals.stop();
    await reporter.close();
    await trace?.write();
    await spans.send();
  }
}

/** Spans of each build, under a service name of its project, where the environment names a collector. */
class ProjectSpans {
  private readonly services = new Map<string, Telemetry | undefined>();

  on(event: ProjectEvent): void {
    if (event.type !== 'project.event') return;
    const { project } = event;
    if (!this.services.has(project)) {
      const OTEL_SERVICE_NAME = `${process.env.OTEL_SERVICE_NAME ?? 'conductor'}/${project}`;
      this.services.set(project, openTelemetry({ ...process.env, OTEL_SERVICE_NAME }));
    }
    this.services.get(project)?.on(event.event);
  }

  traceparent(project: string, task: Label): string | undefined {
    return this.services.get(project)?.traceparent(task);
  }

  async send(): Promise<void> {
    await mapBounded(this.services.values(), async (one) => one?.send());
  }
}
