/** `conductor plan` from lock to last word: session, event log, summary. What a plan is, is other files'. */

import { historyFolder } from '../../build/build-history.js';
import { EventRecord } from '../../build/event-record.js';
import { NO_COUNTS, wouldBe } from '../../build/options.js';
import { openReadingSession, openWritingSession } from '../../build/project-session.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { asFailure } from '../../io/files.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import { exitCodeOf, type Failure } from '../../model/failure.js';
import { createEmit } from '../../project/host.js';
import { BuildLogs, buildName } from '../../project/log-files.js';
import { planFeature } from './plan-feature.js';
import type { PlanOptions } from './plan-options.js';

export interface PlanOutcome {
  readonly summary: BuildSummary;
  /** The planned feature, when its plan stands. */
  readonly feature: string | undefined;
}

/** Plans and reports; the summary is also the last event. Rejects only for a bug. */
export async function plan(
  host: ExecutionHost,
  options: PlanOptions,
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<PlanOutcome> {
  const startedAt = host.now();
  const name = buildName(startedAt, host.pid);
  const record = new EventRecord();
  const counts = { ...NO_COUNTS };
  const emit = createEmit(host.now, (event) => {
    if (event.type === 'task.finished' && !options.dryRun) counts[event.outcome]++;
    if (event.type === 'task.checked' && options.dryRun) counts[wouldBe(event.verdict)]++;
    record.on(event);
    on(event);
  });
  emit({ type: 'build.started', build: name, command: options.command, version: host.version });
  const finish = (rest: Pick<BuildSummary, 'outcome' | 'exitCode' | 'usage' | 'published'>): BuildSummary => {
    const summary: BuildSummary = { ...rest, counts, ms: host.now() - startedAt };
    emit({ type: 'build.finished', summary });
    return summary;
  };
  const refuse = (failure: Failure, usage = {}, isTold = false): PlanOutcome => {
    if (!isTold) emit({ type: 'build.failure', failure });
    const exitCode = exitCodeOf(failure);
    const outcome = exitCode === 130 ? 'interrupted' : 'failed';
    return { summary: finish({ outcome, exitCode, usage, published: 0 }), feature: undefined };
  };

  const { command, wait, dryRun } = options;
  const opened = dryRun
    ? await openReadingSession(host)
    : await openWritingSession(host, { command, wait, signal }, emit);
  if (!opened.ok) return refuse(opened.error);
  const session = opened.value;
  try {
    const openRecord = () => {
      const { repository } = session;
      if (!dryRun) record.open(new BuildLogs(repository.project, name), historyFolder(repository));
    };
    const planned = await planFeature({
      host,
      session,
      options,
      emit,
      signal,
      startedAt,
      openRecord,
    });
    if (planned.failure) return refuse(planned.failure, planned.usage, planned.isTold);
    const { outcome, usage, published, feature } = planned;
    return { summary: finish({ outcome, exitCode: 0, usage, published }), feature };
  } catch (error) {
    const failure = asFailure(error);
    if (!failure) throw error;
    return refuse(failure);
  } finally {
    await record.close();
    await session.close();
  }
}
