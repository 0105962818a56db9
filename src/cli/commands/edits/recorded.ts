/** Runs a command that records something as a build does. Progress goes to stderr: what is asked for is the answer. */

import type { BuildEvent, BuildSummary } from '../../../model/event.js';
import type { Failure } from '../../../model/failure.js';
import { failureAnswer } from '../../../report/failures/failure-answer.js';
import { answerError, CALL } from '../../output.js';
import { openReporters } from '../../reporters.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

/** `failure`: the first one; with `json` it is the one object on stdout. */
export async function runRecorded<T extends { readonly summary: BuildSummary }>(
  { json = false }: { readonly json?: boolean },
  work: (on: (event: BuildEvent) => void, signal: AbortSignal) => Promise<T>,
): Promise<{ readonly value: T; readonly exitCode: number; readonly failure: Failure | undefined }> {
  const host = createHost(process.cwd());
  const reporters = openReporters(host, { json: false, dryRun: false, stream: process.stderr });
  const signals = cancelOnSignals();
  let failure: Failure | undefined;
  const on = (event: BuildEvent) => {
    // Nothing was begun: what is wrong with the call says all.
    const isUsage = event.type === 'build.finished' && event.summary.exitCode === 2;
    if (!isUsage) reporters.on(event);
    if (event.type === 'build.failure' || event.type === 'task.finished') failure ??= event.failure;
  };
  try {
    const value = await work(on, signals.signal);
    const { exitCode } = value.summary;
    if (json && failure && exitCode !== 0) answerError(failureAnswer(failure, CALL));
    return { value, exitCode, failure };
  } finally {
    signals.stop();
    await reporters.close();
  }
}
