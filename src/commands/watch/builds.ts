/** The builds of a watch, one at a time. Holds the lock only while one runs, and replaces a build by the next. */

import { setMaxListeners } from 'node:events';
import { ok, type Result } from '../../base/result.js';
import { buildTasks } from '../../build/build-tasks.js';
import { runLifecycle } from '../../build/lifecycle.js';
import { type BuildOptions, NO_COUNTS } from '../../build/options.js';
import { lockProject, type Session, sweepProject } from '../../build/project-session.js';
import { isSuperseded, SUPERSEDED } from '../../build/running-tasks.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { dismissLock, type LockHandle, prepareLock } from '../../io/process-lock.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import { type SingleEvent, singleEvents } from '../../model/events/events-together.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import type { Emit } from '../../project/host.js';
import { PublishCheck } from './publish-check.js';
import type { Reading } from './reading.js';
import type { Scanner } from './scanner.js';

export interface BuildsParts {
  readonly host: ExecutionHost;
  readonly session: Session;
  readonly scanner: Scanner;
  readonly on: (event: BuildEvent) => void;
}

export interface EndedBuild {
  readonly summary: BuildSummary;
  /** The tree that it left on disk; undefined if a scan has to find out. */
  readonly tree: ObjectId | undefined;
  /** More had changed than its partial scan saw: the files on disk have to be built. */
  readonly isMistaken: boolean;
}

export interface RunningBuild {
  /** The snapshot that it builds. */
  readonly tree: ObjectId;
  readonly ended: Promise<EndedBuild>;
}

export class WatchBuilds {
  private readonly parts: BuildsParts;
  private current: (RunningBuild & { readonly controller: AbortController }) | undefined;
  private lock: LockHandle | undefined;
  /** When this watch held the lock last, it removed what killed commands had left. */
  private isSwept = false;
  private isStopped = false;
  private readonly unfinished = new Map<Label, 'failed' | 'skipped'>();

  constructor(parts: BuildsParts) {
    this.parts = parts;
  }

  get running(): RunningBuild | undefined {
    return this.current;
  }

  /** Tasks that failed in the last builds, and those that wait for them. */
  get failed(): readonly Label[] {
    return [...this.unfinished.keys()];
  }

  start(reading: Reading, options: BuildOptions, urgent: ReadonlySet<Label>): RunningBuild {
    const controller = new AbortController();
    // Every task that waits or runs has a listener; many listeners are not a leak.
    setMaxListeners(0, controller.signal);
    const ended = this.build(reading, options, urgent, controller).finally(() => {
      this.current = undefined;
    });
    this.current = { tree: reading.project.snapshot, ended, controller };
    return this.current;
  }

  /** Ends the running build in favour of another, which takes over its running tasks. False if it is already publishing. */
  async supersede(): Promise<boolean> {
    const { current } = this;
    if (!current) return true;
    if (!this.parts.session.sessionState.isPublishing) current.controller.abort(SUPERSEDED);
    return (await current.ended).summary.outcome === 'superseded';
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.current?.controller.abort();
    await this.current?.ended;
    try {
      await this.parts.session.sessionState.rest();
    } finally {
      await this.release();
      await dismissLock(this.parts.session.repository.state);
    }
  }

  private async build(
    reading: Reading,
    options: BuildOptions,
    urgent: ReadonlySet<Label>,
    controller: AbortController,
  ): Promise<EndedBuild> {
    const { host, session, scanner, on } = this.parts;
    let tree: ObjectId | undefined;
    const { signal } = controller;
    const check = new PublishCheck(scanner, reading, controller);
    const noted = (event: BuildEvent) => {
      // Most tasks of most builds are fresh, and none is unfinished.
      if (event.type !== 'tasks.fresh' || this.unfinished.size > 0)
        for (const one of singleEvents(event)) this.note(one);
      on(event);
      if (event.type === 'task.started') check.begin();
    };
    const lifecycle = runLifecycle(
      host,
      { command: options.command, on: noted, signal },
      async ({ emit, startedAt, openRecord }) => {
        const locked = await this.hold(options, emit, signal);
        if (!locked.ok) return locked;
        if (locked.value === 'late') return ok(lateSummary(host.now() - startedAt));
        const record = () => openRecord(session.repository);
        const open = {
          host,
          options,
          session,
          emit,
          signal,
          startedAt,
          openRecord: record,
        };
        const beforePublishing = () => check.pass();
        const built = await buildTasks(open, { ...reading, urgent, beforePublishing });
        await check.end();
        tree = built.ok ? built.value.tree : reading.project.snapshot;
        return built.ok ? ok(built.value.summary) : built;
      },
    );
    try {
      const summary = await lifecycle;
      const { isMistaken } = check;
      // The next build follows at once under the same lock.
      if (isSuperseded(signal) && !isMistaken) return { summary, tree: undefined, isMistaken };
      await this.release();
      return { summary, tree: isMistaken ? undefined : tree, isMistaken };
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  /** `late`: another process held the lock or left something unfinished, so the files on disk have to be scanned again. */
  private async hold(
    options: BuildOptions,
    emit: Emit,
    signal: AbortSignal,
  ): Promise<Result<'in-time' | 'late', Failure>> {
    if (this.lock) return ok('in-time');
    const { host, session } = this.parts;
    let isLate = false;
    const locked = await lockProject(
      host,
      session,
      { command: options.command, wait: true, signal, isSwept: this.isSwept },
      (event) => {
        isLate = true;
        emit(event);
      },
    );
    if (!locked.ok) return locked;
    this.lock = locked.value;
    return ok(isLate ? 'late' : 'in-time');
  }

  /** Also does now, while nobody waits, what would take time when the next build starts. */
  private async release(): Promise<void> {
    const { lock } = this;
    const { host, session } = this.parts;
    this.lock = undefined;
    if (!lock) return;
    // If it fails, the next build sweeps, and its failure says why.
    this.isSwept = await sweepProject(session.repository, host.cacheDir).then(
      () => true,
      () => false,
    );
    await lock.release();
    if (!this.isStopped) prepareLock(session.repository.state);
  }

  private note(event: SingleEvent): void {
    if (event.type !== 'task.finished') return;
    const { task, outcome } = event;
    if (outcome === 'failed') this.unfinished.set(task, outcome);
    else if (outcome !== 'skipped') this.unfinished.delete(task);
    else if (event.because !== undefined) this.unfinished.set(task, outcome);
  }
}

function lateSummary(ms: number): BuildSummary {
  return { outcome: 'superseded', exitCode: 130, counts: NO_COUNTS, ms, usage: {}, published: 0 };
}
