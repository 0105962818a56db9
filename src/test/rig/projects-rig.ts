/** Several rigs as one list of projects: their builds together in this process. Knows no test's story. */

import { setMaxListeners } from 'node:events';
import { expect } from 'vitest';
import { ScriptedAgent, type ScriptedOptions } from '../../agent/scripted-agent.js';
import {
  buildProjects,
  type ProjectsBuildOptions,
  type ProjectsParts,
} from '../../commands/projects/build-projects.js';
import type { BuildEvent } from '../../model/event.js';
import type { ProjectEvent, ProjectOutcome, ProjectsSummary } from '../../model/projects/project-event.js';
import { type ProjectEntry, type ProjectsConfig, resolveList } from '../../model/projects/project-list.js';
import { projectsJsonReporter } from '../../report/projects/projects-reporter.js';
import { createRig, type Rig, type RigOptions } from './rig.js';
import { refusedEvents } from './valid-events.js';

export interface BuiltProjects {
  readonly summary: ProjectsSummary;
  readonly events: readonly ProjectEvent[];
  /** Outcomes by project. */
  outcomes(): Record<string, ProjectOutcome['outcome']>;
  of(project: string): ProjectOutcome;
  eventsOf(project: string): BuildEvent[];
  /** Labels that agents were asked for, by project. */
  ran(project: string): string[];
}

export class ProjectsRig implements AsyncDisposable {
  readonly rigs = new Map<string, Rig>();
  limits: NonNullable<ProjectsConfig['limits']> = {};
  readonly entries: Record<string, Omit<ProjectEntry, 'path'>> = {};
  private time = Date.UTC(2030, 0, 1);

  /** One more project, with its entry in the list. */
  async add(name: string, entry: Omit<ProjectEntry, 'path'> = {}, options: RigOptions = {}): Promise<Rig> {
    const rig = await createRig(options);
    this.list(name, rig, entry);
    return rig;
  }

  /** A rig that the test has made. */
  list(name: string, rig: Rig, entry: Omit<ProjectEntry, 'path'> = {}): void {
    this.rigs.set(name, rig);
    this.entries[name] = entry;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const rig of this.rigs.values()) await rig[Symbol.asyncDispose]();
  }

  parts(
    on: (event: ProjectEvent) => void,
    signal: AbortSignal,
    agents: ReadonlyMap<string, ScriptedAgent>,
  ): ProjectsParts {
    const entries = Object.entries(this.entries).map(
      ([name, entry]) => [name, { ...entry, path: (this.rigs.get(name) as Rig).dir }] as const,
    );
    const list = resolveList(
      { limits: this.limits, projects: Object.fromEntries(entries) },
      'conductor.projects.yaml',
      (path) => path,
    );
    return {
      list,
      hostOf: ({ name }, common) => ({
        ...(this.rigs.get(name) as Rig).host(agents.get(name) as ScriptedAgent),
        common,
      }),
      processors: 2,
      now: () => ++this.time,
      on,
      signal,
      command: 'conductor projects build',
    };
  }

  /** One agent a project, which answers as its rig does. */
  agents(scripted: ScriptedOptions = {}): Map<string, ScriptedAgent> {
    return new Map(
      [...this.rigs].map(([name, rig]) => [name, new ScriptedAgent({ auto: rig.answerer(), ...scripted })]),
    );
  }

  async build(
    options: Partial<ProjectsBuildOptions> = {},
    scripted: ScriptedOptions = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<BuiltProjects> {
    // Every task that waits or runs listens.
    setMaxListeners(0, signal);
    const events: ProjectEvent[] = [];
    const agents = this.agents(scripted);
    const summary = await buildProjects(
      this.parts((event) => events.push(event), signal, agents),
      { only: [], build: {}, ...options },
    );
    const lines: unknown[] = [];
    const reporter = projectsJsonReporter({ write: (text) => lines.push(JSON.parse(text)) }, 'conductor');
    for (const event of events) reporter.on(event);
    expect(await refusedEvents(lines, 'project-events')).toEqual([]);
    return {
      summary,
      events,
      outcomes: () => Object.fromEntries(summary.projects.map((one) => [one.project, one.outcome])),
      of: (project) => summary.projects.find((one) => one.project === project) as ProjectOutcome,
      eventsOf: (project) =>
        events.flatMap((event) =>
          event.type === 'project.event' && event.project === project ? [event.event] : [],
        ),
      ran: (project) => agents.get(project)?.runs.map(({ label }) => label) ?? [],
    };
  }
}
