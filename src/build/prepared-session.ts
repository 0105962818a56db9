/**
 * The life of a command that works on a prepared project and is no build: session and lock, history, everything closed
 * again whatever comes. Knows no command.
 */

import { addUsage } from '../agent/usage.js';
import type { Prepared, PrepareOptions } from '../analysis/prepare.js';
import type { Result } from '../base/result.js';
import type { Usage } from '../model/action.js';
import type { BuildEvent, BuildSummary, TaskOutcomeKind } from '../model/event.js';
import { singleEvents } from '../model/events/events-together.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { createEmit, type Emit, type Host } from '../project/host.js';
import { BuildLogs, buildName } from '../project/log-files.js';
import { prepareKnown } from './dry-run.js';
import { EventRecord } from './event-record.js';
import { historyFolder } from './history/history-files.js';
import { failedSummary } from './lifecycle.js';
import { NO_COUNTS } from './options.js';
import { inSession, openWritingSession, type Session, type WritingOptions } from './project-session.js';

export interface PreparedOptions extends WritingOptions {
  readonly prepare: PrepareOptions;
  /** Gets every event, if present, without those that the result tells: the first, the failure, the last. */
  on?(event: BuildEvent): void;
}

export interface PreparedSession {
  readonly session: Session;
  readonly prepared: Prepared;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** In milliseconds since 1970, UTC: the logs of what it runs are named by it. */
  readonly startedAt: number;
  /** Keeps the events, as a build does: called by a command that runs recipes or agents, before the first. */
  openLog(): void;
}

/** They tell who reads the log of the command and its end; the caller is told by the result. */
const OF_LOG: ReadonlySet<BuildEvent['type']> = new Set(['build.started', 'build.failure', 'build.finished']);

/** What `use` makes of it, or why it could not be opened. The agent is ended too; nothing is sent to remotes. */
export async function inPreparedSession<T>(
  host: Host,
  options: PreparedOptions,
  use: (open: PreparedSession) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const { signal } = options;
  const startedAt = host.now();
  const build = buildName(startedAt, host.pid);
  const record = new EventRecord();
  const seen = new SeenEvents();
  const emit = createEmit(host.now, (event) => {
    record.on(event);
    seen.on(event);
    if (!OF_LOG.has(event.type)) options.on?.(event);
  });
  emit({ type: 'build.started', build, command: options.command, version: host.version });
  return inSession(openWritingSession(host, options, emit), async (session) => {
    const { repository } = session;
    const loaded = await host.loadConfig(repository.project);
    if (!loaded.ok) return loaded;
    const prepared = await prepareKnown(host, { project: session, loaded: loaded.value }, options.prepare, {
      warn: (message) => emit({ type: 'warning', message }),
      signal,
      readOnly: true,
    });
    if (!prepared.ok) return prepared;
    const history = historyFolder(repository);
    let isLogged = false;
    const openLog = () => {
      isLogged = true;
      record.open(new BuildLogs(repository.project, build), history);
    };
    let done: Result<T, Failure> | undefined;
    try {
      done = await use({ session, prepared: prepared.value, emit, signal, startedAt, openLog });
      return done;
    } finally {
      if (!isLogged) record.openHistory(history, build);
      if (done && !done.ok) emit({ type: 'build.failure', failure: done.error });
      if (done) emit({ type: 'build.finished', summary: seen.summary(done, host.now() - startedAt) });
      await record.close();
      await prepared.value.agent?.close?.();
      await prepared.value.store.close();
    }
  });
}

/** What the events of a command come to, for the last one. */
class SeenEvents {
  private readonly outcomes = new Map<Label, TaskOutcomeKind>();
  private published = 0;
  private usage: Usage = {};

  on(event: BuildEvent): void {
    for (const one of singleEvents(event))
      if (one.type === 'task.finished') this.outcomes.set(one.task, one.outcome);
    if (event.type === 'build.published') this.published += event.written.length + event.removed.length;
    if (event.type === 'agent.finished') this.usage = addUsage(this.usage, event.usage);
  }

  summary(done: Result<unknown, Failure>, ms: number): BuildSummary {
    const counts = { ...NO_COUNTS };
    for (const outcome of this.outcomes.values()) counts[outcome]++;
    const { usage, published } = this;
    if (!done.ok) return { ...failedSummary(done.error, { counts, ms, usage }), published };
    const outcome = counts.failed > 0 ? 'failed' : counts.built + published > 0 ? 'built' : 'up-to-date';
    return { outcome, exitCode: counts.failed > 0 ? 1 : 0, counts, ms, usage, published };
  }
}
