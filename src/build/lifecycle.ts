/**
 * The life of a build: session and lock, first and last event, event log and history, and a last word for every failure.
 * Knows nothing of what the build does.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { err, type Result } from '../base/result.js';
import { asFailure, codeOf } from '../io/files.js';
import type { Repository } from '../io/git/repository.js';
import type { Usage } from '../model/action.js';
import type { BuildEvent, BuildSummary, TaskOutcomeKind } from '../model/event.js';
import { exitCodeOf, type Failure } from '../model/failure.js';
import { createEmit, type Emit, type Host } from '../project/host.js';
import { BuildLogs, buildName } from '../project/log-files.js';
import { EventRecord } from './event-record.js';
import { historyFolder } from './history/history-files.js';
import { NO_COUNTS } from './options.js';
import { inSession, openReadingSession, openWritingSession, type Session } from './project-session.js';

export interface LifecycleOptions {
  readonly command: string;
  /** Gets every event. */
  on(event: BuildEvent): void;
  /** The counts of the summary where the build fails; absent: none. */
  readonly counts?: BuildSummary['counts'];
  readonly signal: AbortSignal;
}

/** What a signal to the whole process group needs to reach conductor after it has ended a git. */
const SAME_SIGNAL_MS = 50;

export interface Lifecycle {
  readonly emit: Emit;
  readonly startedAt: number;
  /** Keeps the events from here on, those before included. */
  openRecord(repository: Repository): void;
  /** Called before the project's lock is let go, if that is before the end of the build. */
  keepHistory(): Promise<void>;
}

/** Runs `work` as a build whose session is open already, or opened by itself. Rejects only for a bug. */
export async function runLifecycle(
  host: Host,
  { command, on, signal, counts = NO_COUNTS }: LifecycleOptions,
  work: (lifecycle: Lifecycle) => Promise<Result<BuildSummary, Failure>>,
): Promise<BuildSummary> {
  const startedAt = host.now();
  const name = buildName(startedAt, host.pid);
  const record = new EventRecord();
  const emit = createEmit(host.now, (event) => {
    record.on(event);
    on(event);
  });
  emit({ type: 'build.started', build: name, command, version: host.version });
  const finish = (summary: BuildSummary): BuildSummary => {
    emit({ type: 'build.finished', summary });
    return summary;
  };
  const refuse = async (failed: Failure): Promise<BuildSummary> => {
    const failure = await causeOf(failed, signal);
    emit({ type: 'build.failure', failure });
    return finish(failedSummary(failure, { counts, ms: host.now() - startedAt, usage: {} }));
  };
  try {
    const openRecord: Lifecycle['openRecord'] = (repository) =>
      record.open(new BuildLogs(repository.project, name), historyFolder(repository));
    const keepHistory = () => record.keepHistory();
    const built = await work({ emit, startedAt, openRecord, keepHistory });
    return built.ok ? finish(built.value) : await refuse(built.error);
  } catch (error) {
    const failure = asFailure(error);
    if (!failure) throw error;
    return await refuse(failure);
  } finally {
    await record.close();
  }
}

export interface BuildLifecycleOptions extends LifecycleOptions {
  /** Wait for another build to end; otherwise fail with `locked`. */
  readonly wait: boolean;
  /** Looks beside a running build, takes no lock and leaves no record. */
  readonly readOnly?: boolean;
}

/** A build with its session open and its first event told. */
export interface OpenLifecycle {
  readonly session: Session;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly startedAt: number;
  /** Keeps the build's events from here on; called once it is sure that the folder is a project. */
  openRecord(): void;
}

/**
 * Runs `work` as a build in a session of its own, which is closed whatever comes. When an object that it needs turns out
 * to be damaged, what is broken is dropped and the work begins again, once. Rejects only for a bug.
 */
export function runBuild(
  host: Host,
  options: BuildLifecycleOptions,
  work: (open: OpenLifecycle) => Promise<Result<BuildSummary, Failure>>,
): Promise<BuildSummary> {
  const { command, wait, signal, readOnly = false } = options;
  return runLifecycle(host, options, async ({ emit, startedAt, openRecord, keepHistory }) => {
    let isDamaged = false;
    const noticing: Emit = (event) => {
      if (event.type === 'task.finished' && event.failure?.kind === 'store-damaged') isDamaged = true;
      emit(event);
    };
    const once = (mayRepair: boolean): Promise<Result<BuildSummary, Failure> | 'repaired'> =>
      inSession(
        readOnly ? openReadingSession(host) : openWritingSession(host, { command, wait, signal }, emit),
        async (session) => {
          const record = () => {
            if (!readOnly) openRecord(session.repository);
          };
          try {
            const done = await work({ session, emit: noticing, signal, startedAt, openRecord: record });
            if (isDamaged) await repair(session, emit);
            return done;
          } catch (error) {
            if (codeOf(error) !== 'EDAMAGED' || !mayRepair || readOnly) throw error;
            await repair(session, emit);
            return 'repaired';
          } finally {
            await keepHistory();
          }
        },
      );
    const first = await once(true);
    const done = first === 'repaired' ? await once(false) : first;
    return done === 'repaired' ? err({ kind: 'store-damaged', detail: 'it was damaged again' }) : done;
  });
}

async function repair({ repository }: Session, emit: Emit): Promise<void> {
  const { repairStore } = await import('../io/git/upkeep/repair.js');
  await repairStore(repository);
  emit({ type: 'build.recovered', what: "damaged objects in conductor's store have been dropped" });
}

/** A signal to the whole process group may end git before conductor hears of it. */
async function causeOf(failure: Failure, signal: AbortSignal): Promise<Failure> {
  if (failure.kind !== 'git-failed') return failure;
  if (!signal.aborted) await delay(SAME_SIGNAL_MS, undefined, { signal }).catch(() => undefined);
  return signal.aborted ? { kind: 'cancelled' } : failure;
}

/** The summary of a build that a failure ends. */
export function failedSummary(
  failure: Failure,
  { counts, ms, usage }: { counts: Readonly<Record<TaskOutcomeKind, number>>; ms: number; usage: Usage },
): BuildSummary {
  const exitCode = exitCodeOf(failure);
  const outcome = exitCode === 130 ? 'interrupted' : 'failed';
  return { outcome, exitCode, counts, ms, usage, published: 0 };
}
