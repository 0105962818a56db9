/** The outer course of every build: its first and last event, its record, and what is no summary made one. */

import type { Result } from '../base/result.js';
import { asFailure } from '../io/files.js';
import type { Repository } from '../io/git/repository.js';
import type { BuildEvent, BuildSummary } from '../model/event.js';
import { exitCodeOf, type Failure } from '../model/failure.js';
import { createEmit, type Emit, type Host } from '../project/host.js';
import { BuildLogs, buildName } from '../project/log-files.js';
import { historyFolder } from './build-history.js';
import { EventRecord } from './event-record.js';
import { NO_COUNTS } from './options.js';

export interface Lifecycle {
  readonly emit: Emit;
  readonly startedAt: number;
  /** Keeps the events from here on, those before included. */
  openRecord(repository: Repository): void;
}

/** Runs `work` as a build. Rejects only for a bug. */
export async function runLifecycle(
  host: Host,
  command: string,
  on: (event: BuildEvent) => void,
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
  const refuse = (failure: Failure): BuildSummary => {
    emit({ type: 'build.failure', failure });
    return finish(failedSummary(failure, host.now() - startedAt));
  };
  try {
    const openRecord: Lifecycle['openRecord'] = (repository) =>
      record.open(new BuildLogs(repository.project, name), historyFolder(repository));
    const built = await work({ emit, startedAt, openRecord });
    return built.ok ? finish(built.value) : refuse(built.error);
  } catch (error) {
    const failure = asFailure(error);
    if (!failure) throw error;
    return refuse(failure);
  } finally {
    await record.close();
  }
}

function failedSummary(failure: Failure, ms: number): BuildSummary {
  const exitCode = exitCodeOf(failure);
  const outcome = exitCode === 130 ? 'interrupted' : 'failed';
  return { outcome, exitCode, counts: NO_COUNTS, ms, usage: {}, published: 0 };
}
