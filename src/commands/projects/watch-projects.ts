/**
 * `conductor projects watch`: a watch of each project in one process with common limits. What a project publishes is copied
 * into those that need it, whose own watches see it as changed files. Prints nothing.
 */

import { setMaxListeners } from 'node:events';
import { err, ok, type Result } from '../../base/result.js';
import type { BuildEvent } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { ResolvedNeed } from '../../model/projects/project-list.js';
import type { OpenFileEvents } from '../watch/file-events.js';
import { watchProject } from '../watch/watch.js';
import { WatchRequests } from '../watch/watch-requests.js';
import {
  importNeeds,
  orFailure,
  type ProjectsParts,
  prepareProject,
  type SharedProject,
  shareProjects,
} from './build-projects.js';

export interface ProjectsWatchParts extends ProjectsParts {
  readonly poll: boolean;
  readonly openEvents: OpenFileEvents;
  /** Calls once after `ms`; the returned function calls it off. */
  after(ms: number, call: () => void): () => void;
}

/** Requests of a person, for all projects at once. */
export type AskAll = (request: 'now' | 'all' | 'failed') => void;

/**
 * Watches until the signal aborts. A project that cannot be watched is reported and left out; fails if none can be.
 * `onReady` gets the way to ask for builds. Rejects only for a bug.
 */
export async function watchProjects(
  given: ProjectsWatchParts,
  only: readonly string[],
  onReady: (ask: AskAll) => void,
): Promise<Result<undefined, Failure>> {
  // A bug in one watch ends the others in order before it is told.
  const broken = new AbortController();
  const signal = AbortSignal.any([given.signal, broken.signal]);
  setMaxListeners(0, signal);
  const parts = { ...given, signal };
  const projects = shareProjects(parts, only);
  const names = projects.map(({ project }) => project.name);
  parts.on({ type: 'projects.started', projects: names, workers: parts.list.limits.workers });
  const watches = new Map<string, ProjectWatch>();
  for (const shared of projects) {
    const needs = shared.project.needs.flatMap((need) => watches.get(need.project) ?? []);
    const watch = new ProjectWatch(parts, shared, needs);
    for (const need of needs) need.dependents.push(watch);
    watches.set(shared.project.name, watch);
  }
  onReady((request) => {
    for (const watch of watches.values()) watch.requests.ask(request);
  });
  const watching = [...watches.values()].map((watch) =>
    watch.run().catch((error: unknown) => {
      broken.abort();
      throw error;
    }),
  );
  const ended = (await Promise.allSettled(watching)).map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  const failure = ended.find((one) => one !== undefined);
  return failure !== undefined && ended.every((one) => one !== undefined) ? err(failure) : ok(undefined);
}

class ProjectWatch {
  readonly requests = new WatchRequests();
  readonly dependents: ProjectWatch[] = [];
  /** Resolves when the first build has ended, cannot begin, or the watch has ended: those that need the project begin then. */
  readonly firstEnded: Promise<void>;
  private endFirst: () => void = () => {};
  private readonly parts: ProjectsWatchParts;
  private readonly shared: SharedProject;
  private readonly needs: readonly ProjectWatch[];
  private isRunning = false;
  /** Its last build succeeded, so that its outputs may be copied. */
  private isSound = false;
  /** Copies are made one after the other. */
  private importing: Promise<void> = Promise.resolve();

  constructor(parts: ProjectsWatchParts, shared: SharedProject, needs: readonly ProjectWatch[]) {
    this.parts = parts;
    this.shared = shared;
    this.needs = needs;
    this.firstEnded = new Promise((resolve) => {
      this.endFirst = resolve;
    });
  }

  /** The failure with which it could not begin. */
  async run(): Promise<Failure | undefined> {
    const { parts, shared } = this;
    const { signal } = parts;
    try {
      await Promise.all(this.needs.map((need) => need.firstEnded));
      if (signal.aborted) return undefined;
      this.isRunning = true;
      const preparing = prepareProject(parts, shared, { needs: this.soundNeeds() });
      // What is published meanwhile is copied afterwards.
      this.importing = preparing.then(() => undefined);
      const ready = await preparing;
      if (!ready.ok) return this.fail(ready.error);
      const watched = await orFailure(() =>
        watchProject({
          host: shared.host,
          options: {
            targets: shared.project.targets,
            workers: parts.list.limits.workers,
            budgetUsd: shared.project.usd,
            poll: parts.poll,
            command: parts.command,
          },
          openEvents: parts.openEvents,
          requests: this.requests,
          on: (event) => this.on(event),
          signal,
          after: parts.after,
        }),
      );
      return watched.ok ? undefined : this.fail(watched.error);
    } finally {
      this.isRunning = false;
      this.endFirst();
      await this.importing;
    }
  }

  private on(event: BuildEvent): void {
    const { parts, shared } = this;
    parts.on({ type: 'project.event', project: shared.project.name, event });
    if (event.type === 'watch.problem') this.isSound = false;
    // Those that need it do not wait until a person has corrected it.
    if (event.type === 'watch.idle' || event.type === 'watch.problem') this.endFirst();
    if (event.type !== 'build.finished' || event.summary.exitCode === 130) return;
    const wasSound = this.isSound;
    this.isSound = event.summary.exitCode === 0;
    // What it published before or while it failed was not copied.
    if (this.isSound && (event.summary.published > 0 || !wasSound))
      for (const dependent of this.dependents) dependent.import();
  }

  /** The others keep the last copies. */
  private soundNeeds(): ResolvedNeed[] {
    const sound = new Set(this.needs.filter((need) => need.isSound).map(({ shared }) => shared.project.name));
    return this.shared.project.needs.filter(({ project }) => sound.has(project));
  }

  /** Copies again what the project needs: its own watch then sees the changed files. */
  private import(): void {
    if (!this.isRunning) return;
    this.importing = this.importing.then(async () => {
      if (this.parts.signal.aborted) return;
      const done = await orFailure(() => importNeeds(this.parts, this.shared, { needs: this.soundNeeds() }));
      if (!done.ok) this.fail(done.error);
    });
    this.importing.catch((error: unknown) => this.requests.fail(error));
  }

  private fail(failure: Failure): Failure | undefined {
    if (this.parts.signal.aborted) return undefined;
    this.parts.on({ type: 'project.failure', project: this.shared.project.name, failure });
    return failure;
  }
}
