/** Runs the gates of an existing result, on exactly the files that would be kept. Builds nothing. */

import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { keptTree } from '../analysis/input-tree.js';
import type { Prepared } from '../analysis/prepare.js';
import type { Check } from '../analysis/verdict.js';
import type { Turns } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import type { ExecutionContext, Executor } from '../execution/executor.js';
import type { GateRun, StoredResult } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { gatesKey } from '../store/manifest.js';
import type { Caller } from './running-tasks.js';
import type { SessionState } from './session-state.js';

export interface VerifyParts {
  readonly prepared: Prepared;
  /** The turns that tasks without an agent and gates by themselves wait for: some of the workers' turns. */
  readonly computing: Turns;
  readonly sessionState: Pick<SessionState, 'runs' | 'failed'>;
  /** When several tasks could run, the higher value goes first. */
  priority(label: Label): number;
  readonly executor: Executor;
  /** The build for which it is run. */
  readonly caller: Caller;
  now(): number;
  /** Hears how long gates were run for a task, without the wait for a worker. */
  worked?(ms: number): void;
}

/** What running the gates of a result that is there is known by: while they run, and when they have failed. */
export function gatesRunKey(check: Check): string {
  const outputs = check.candidate?.outputs ?? check.dependencyOutputs?.outputs ?? new Map();
  return `gates ${candidateKey(check, outputs) ?? check.storeKey}`;
}

/** Runs the gates alone, on the input tree with the result in it; their runs when all pass. */
export async function verifyResult(
  parts: VerifyParts,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<readonly GateRun[], Failure>> {
  const { caller, computing, sessionState, priority } = parts;
  const { label } = check.task;
  const key = gatesRunKey(check);
  const before = sessionState.failed.get(key);
  if (before) return err(before);
  return sessionState.runs.join({ key, label }, caller, async (context) => {
    const verified = await onWorker(computing, priority(label), context.signal, () =>
      runGatesOn(parts, check, dependencyOutputs, { ...context, priority: priority(label) }),
    );
    if (!verified.ok && verified.error.kind !== 'cancelled') sessionState.failed.set(key, verified.error);
    return verified;
  });
}

/** Waits for a worker, then does the work. Whatever breaks after an abort, or still waits then, fails with `cancelled`. */
export function onWorker<T>(
  workers: Turns,
  priority: number,
  signal: AbortSignal,
  work: () => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  return unlessStopped(workers.run(work, priority, signal), signal);
}

/** Whatever breaks after an abort fails with `cancelled`. */
export function unlessStopped<T>(
  work: Promise<Result<T, Failure>>,
  signal: AbortSignal,
): Promise<Result<T, Failure>> {
  return work.catch((error: unknown) => {
    if (signal.aborted) return err<Failure>({ kind: 'cancelled' });
    throw error;
  });
}

/** The gates of a check on its candidate, on this worker. */
export async function runGatesOn(
  { prepared, executor, now, worked }: VerifyParts,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  context: ExecutionContext,
): Promise<Result<readonly GateRun[], Failure>> {
  const { label, network } = check.task;
  const startedAt = now();
  const kept = await keptTree(prepared.project, check, dependencyOutputs);
  if (!kept.ok) return kept;
  const run = { task: label, tree: kept.value, gates: check.gates, network, attempt: 1 };
  const before = now() - startedAt;
  const judged = await executor.runGates(run, context);
  worked?.(before + judged.ms);
  if (!judged.ok) return err(judged.failure);
  const outputs = check.candidate?.outputs ?? check.dependencyOutputs?.outputs ?? new Map();
  await recordGates({ prepared }, check, outputs);
  return ok(judged.runs);
}

/** Whether today's gates are known to pass on exactly this content, and the config trusts that. */
export async function havePassed(
  { prepared }: Pick<VerifyParts, 'prepared'>,
  check: Check,
): Promise<boolean> {
  const key = candidateKey(check, check.candidate?.outputs ?? new Map());
  return key !== undefined && !prepared.project.config.cache.verify && prepared.store.gatesPassed(key);
}

function candidateKey(check: Check, outputs: StoredResult['outputs'], result = check.candidate) {
  const patches = (result?.edits ?? []).map((edit) => [edit.path, edit.after] as const);
  return gatesKey({ ...check, facts: check.facts.facts }, outputs, patches);
}

/** Remembers that today's gates pass on this content. */
export async function recordGates(
  parts: Pick<VerifyParts, 'prepared'>,
  check: Check,
  outputs: StoredResult['outputs'],
  result = check.candidate,
): Promise<void> {
  const key = candidateKey(check, outputs, result);
  if (key !== undefined) await parts.prepared.store.recordGates(key);
}
