/** The outer course of every build: its first and last event, its record, and what is no summary made one. */

import type { Result } from '../base/result.js';
import { asFailure } from '../io/files.js';
import type { Repository } from '../io/git/repository.js';
import type { BuildEvent, BuildSummary } from '../model/event.js';
import { exitCodeOf, type Failure } from '../model/failure.js';
import { EventRecord } from './event-record.js';
import { historyFolder } from './history.js';
import { BuildLogs } from './logs.js';
import { buildName, NO_COUNTS } from './options.js';
import { createEmit, type Emit, type Surroundings } from './surroundings.js';

export interface Course {
  readonly emit: Emit;
  readonly startedAt: number;
  /** Keeps the events from here on, those before included. */
  openRecord(repository: Repository): void;
}

/** Runs `work` as a build. Rejects only for a bug. */
export async function runCourse(
  surroundings: Surroundings,
  command: string,
  on: (event: BuildEvent) => void,
  work: (course: Course) => Promise<Result<BuildSummary, Failure>>,
): Promise<BuildSummary> {
  const startedAt = surroundings.now();
  const name = buildName(startedAt, surroundings.pid);
  const record = new EventRecord();
  const emit = createEmit(surroundings.now, (event) => {
    record.on(event);
    on(event);
  });
  emit({ type: 'build.started', build: name, command, version: surroundings.version });
  const finish = (summary: BuildSummary): BuildSummary => {
    emit({ type: 'build.finished', summary });
    return summary;
  };
  const refuse = (failure: Failure): BuildSummary => {
    emit({ type: 'build.failure', failure });
    return finish(failedSummary(failure, surroundings.now() - startedAt));
  };
  try {
    const openRecord: Course['openRecord'] = (repository) =>
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
