/** `conductor projects build`: turns flags into options, passes events to reporters, and stops at signals. */

import { buildProjects } from '../../../commands/projects/build-projects.js';
import type { ProjectEvent } from '../../../model/projects/project-event.js';
import { refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { openTelemetry, type Telemetry } from '../../telemetry/build-telemetry.js';
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

export async function runProjectsBuild(names: readonly string[], flags: ProjectsBuildFlags): Promise<number> {
  const list = await openList(names, { workers: flags.workers, usd: flags.budgetUsd });
  if (!list.ok) return refuse(list.error);
  const reporter = openProjectsReporter(flags.json === true);
  const spans = new ProjectSpans();
  const signals = cancelOnSignals();
  try {
    const parts = projectsParts(list.value, {
      on(event) {
        reporter.on(event);
        spans.on(event);
      },
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

  async send(): Promise<void> {
    await Promise.all([...this.services.values()].map((one) => one?.send()));
  }
}
