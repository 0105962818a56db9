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
import { watchProject } from '../watch/watch-project.js';
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

/** How soon a project that could not be watched is tried again, unless a person or a project that it needs asks for it. */
const RETRY_MS = 30_000;

/**
 * Watches until the signal aborts. A project that cannot be watched is reported and tried again; fails if none can be at the
 * first try. `onReady` gets the way to ask for builds. Rejects only for a bug.
 */
export async function watchProjects(
  given: ProjectsWatchParts,
  only: readonly string[],
  onReady: (ask: AskAll) => void,
): Promise<Result<undefined, Failure>> {
  // A bug in one watch ends the others in order before it is told; so does that none can be watched.
  const ending = new AbortController();
  const signal = AbortSignal.any([given.signal, ending.signal]);
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
  const all = [...watches.values()];
  const watching = all.map((watch) =>
    watch.run().catch((error: unknown) => {
      ending.abort();
      throw error;
    }),
  );
  const first = await Promise.all(all.map((watch) => watch.firstTry));
  const failure = first.every((one) => one !== undefined) ? first[0] : undefined;
  if (failure !== undefined) ending.abort();
  for (const one of await Promise.allSettled(watching)) if (one.status === 'rejected') throw one.reason;
  return failure === undefined ? ok(undefined) : err(failure);
}

class ProjectWatch {
  readonly requests = new WatchRequests();
  readonly dependents: ProjectWatch[] = [];
  /** Resolves when the first build has ended, cannot begin, or the watch has ended: those that need the project begin then. */
  readonly firstEnded: Promise<void>;
  private endFirst: () => void = () => {};
  /** The failure with which it could not begin at first; undefined once it watches, or has ended. */
  readonly firstTry: Promise<Failure | undefined>;
  private tellFirst: (failure?: Failure) => void = () => {};
  private readonly parts: ProjectsWatchParts;
  private readonly shared: SharedProject;
  private readonly needs: readonly ProjectWatch[];
  private isRunning = false;
  /** Its last build succeeded. */
  private isBuilt = false;
  /** Its files, config or specs cannot be read at present. */
  private hasProblem = false;
  /** Why it could not be watched, as it was told last. */
  private told: string | undefined;
  private held: BuildEvent | undefined;
  /** Copies are made one after the other. */
  private importing: Promise<void> = Promise.resolve();

  constructor(parts: ProjectsWatchParts, shared: SharedProject, needs: readonly ProjectWatch[]) {
    this.parts = parts;
    this.shared = shared;
    this.needs = needs;
    this.firstEnded = new Promise((resolve) => {
      this.endFirst = resolve;
    });
    this.firstTry = new Promise((resolve) => {
      this.tellFirst = resolve;
    });
  }

  /** Tries until it can be watched, and then watches. */
  async run(): Promise<void> {
    const { parts, requests } = this;
    const { signal } = parts;
    try {
      await Promise.all(this.needs.map((need) => need.firstEnded));
      while (!signal.aborted) {
        const failure = await this.watch();
        if (failure === undefined || signal.aborted) return;
        this.tellFailure(failure);
        this.tellFirst(failure);
        this.endFirst();
        const callOff = parts.after(RETRY_MS, () => requests.ask('look'));
        await requests.next(signal);
        callOff();
      }
    } finally {
      this.endFirst();
      this.tellFirst();
      await this.importing;
    }
  }

  /** The failure with which it could not begin. */
  private async watch(): Promise<Failure | undefined> {
    const { parts, shared } = this;
    this.isRunning = true;
    this.hasProblem = false;
    try {
      const preparing = prepareProject(parts, shared, { needs: this.soundNeeds() });
      // What is published meanwhile is copied afterwards.
      this.importing = preparing.then(() => undefined);
      const ready = await preparing;
      if (!ready.ok) return ready.error;
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
          signal: parts.signal,
          after: parts.after,
        }),
      );
      return watched.ok ? undefined : watched.error;
    } finally {
      this.isRunning = false;
    }
  }

  private on(event: BuildEvent): void {
    // A try that fails like the one before tells nothing.
    if (event.type === 'watch.started' && this.told !== undefined) {
      this.held = event;
      return;
    }
    if (this.held) this.pass(this.held);
    this.held = undefined;
    this.pass(event);
    const wasSound = this.isSound;
    if (event.type === 'watch.problem') this.hasProblem = true;
    if (event.type === 'watch.corrected') this.hasProblem = false;
    // Those that need it do not wait until a person has corrected it.
    if (event.type === 'watch.idle' || event.type === 'watch.problem') {
      this.told = undefined;
      this.tellFirst();
      this.endFirst();
    }
    let published = 0;
    if (event.type === 'build.finished' && event.summary.exitCode !== 130) {
      this.isBuilt = event.summary.exitCode === 0;
      published = event.summary.published;
    }
    // What it published before or while it failed was not copied.
    if (this.isSound && (published > 0 || !wasSound))
      for (const dependent of this.dependents) dependent.import();
  }

  private pass(event: BuildEvent): void {
    this.parts.on({ type: 'project.event', project: this.shared.project.name, event });
  }

  /** Whether its outputs may be copied. */
  private get isSound(): boolean {
    return this.isBuilt && !this.hasProblem;
  }

  /** The others keep the last copies. */
  private soundNeeds(): ResolvedNeed[] {
    const sound = new Set(this.needs.filter((need) => need.isSound).map(({ shared }) => shared.project.name));
    return this.shared.project.needs.filter(({ project }) => sound.has(project));
  }

  /** Copies again what the project needs: its own watch then sees the changed files. One that is not watched is tried again. */
  private import(): void {
    this.importing = this.importing.then(async () => {
      if (this.parts.signal.aborted) return;
      if (!this.isRunning) {
        this.requests.ask('look');
        return;
      }
      const done = await orFailure(() => importNeeds(this.parts, this.shared, { needs: this.soundNeeds() }));
      if (!done.ok) this.fail(done.error);
    });
    this.importing.catch((error: unknown) => this.requests.fail(error));
  }

  /** Told once: each try fails for the same reason until a person corrects it. */
  private tellFailure(failure: Failure): void {
    // What git says names a folder that is another one at each try.
    const text = JSON.stringify(failure.kind === 'git-failed' ? [failure.kind, failure.command] : failure);
    if (text !== this.told) this.fail(failure);
    this.told = text;
  }

  private fail(failure: Failure): void {
    if (this.parts.signal.aborted) return;
    this.parts.on({ type: 'project.failure', project: this.shared.project.name, failure });
  }
}
