/** Runs the gates of a result that is there already, on exactly what would be kept of it. Makes nothing. */

import type { Check } from '../analysis/check.js';
import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { keptTree } from '../analysis/input-tree.js';
import type { Prepared } from '../analysis/prepare.js';
import type { Limiter } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import type { ExecutionContext } from '../execution/executor.js';
import { type GateContext, runGates } from '../execution/gates.js';
import type { GateRun, StoredResult } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { gatesKey } from '../store/manifest.js';
import type { SessionState } from './session-state.js';

export interface VerifyParts {
  readonly prepared: Prepared;
  readonly workers: Limiter;
  readonly sessionState: Pick<SessionState, 'runs' | 'failed'>;
  /** The higher the sooner, where several tasks could go on. */
  priority(label: Label): number;
  readonly gateContext: GateContext;
  now(): number;
  /** Hears how long gates were run for a task, without the wait for a worker. */
  worked?(ms: number): void;
}

/** What running the gates of a result that is there is known by: while they run, and when they have failed. */
export function gatesRunKey(check: Check): string {
  const result = check.candidate;
  const patches = (result?.edits ?? []).map((edit) => [edit.path, edit.after] as const);
  const outputs = result?.outputs ?? check.dependencyOutputs?.outputs ?? new Map();
  return `gates ${gatesKey(check.task, check.gates, outputs, patches, check.facts.facts) ?? check.storeKey}`;
}

/** Runs the gates alone, on the view with the result in it; their runs when all pass. */
export async function verifyResult(
  parts: VerifyParts,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<readonly GateRun[], Failure>> {
  const { gateContext, workers, sessionState, priority, now } = parts;
  const { label } = check.task;
  const key = gatesRunKey(check);
  const before = sessionState.failed.get(key);
  if (before) return err(before);
  return sessionState.runs.join(key, label, gateContext, async (context) => {
    const verified = await workers
      .run(
        async () => {
          const startedAt = now();
          let waited = 0;
          const onWait = (ms: number) => (waited += ms);
          const ran = await runOnKept(
            { ...parts, gateContext: { ...gateContext, onWait } },
            check,
            dependencyOutputs,
            context,
          );
          parts.worked?.(now() - startedAt - waited);
          return ran;
        },
        priority(label),
        context.signal,
      )
      .catch((error: unknown) => {
        if (context.signal.aborted) return err<Failure>({ kind: 'cancelled' });
        throw error;
      });
    if (!verified.ok && verified.error.kind !== 'cancelled') sessionState.failed.set(key, verified.error);
    return verified;
  });
}

async function runOnKept(
  { prepared, gateContext }: VerifyParts,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  context: ExecutionContext,
): Promise<Result<readonly GateRun[], Failure>> {
  const { task } = check;
  const kept = await keptTree(prepared.project, check, dependencyOutputs);
  if (!kept.ok) return kept;
  const tree = kept.value;
  const opened = await gateContext.pool.acquire(tree, context.signal);
  if (!opened.ok) return opened;
  try {
    context.emit({ type: 'task.started', task: task.label, attempt: 1, recipe: 'gates' });
    context.emit({ type: 'task.phase', task: task.label, attempt: 1, phase: 'gates' });
    const job = {
      gates: check.gates,
      workspace: opened.value,
      tree,
      network: task.network,
      task: task.label,
      attempt: 1,
    };
    const judged = await runGates({ ...gateContext, ...context }, job);
    if (!judged.ok) return err(judged.failure);
    await recordGates(
      { prepared },
      check,
      check.candidate?.outputs ?? check.dependencyOutputs?.outputs ?? new Map(),
    );
    return ok(judged.runs);
  } finally {
    await gateContext.pool.release(opened.value);
  }
}

/** Remembers that today's gates pass on this content. */
export async function recordGates(
  parts: Pick<VerifyParts, 'prepared'>,
  check: Check,
  outputs: StoredResult['outputs'],
  result = check.candidate,
): Promise<void> {
  const patches = (result?.edits ?? []).map((edit) => [edit.path, edit.after] as const);
  const key = gatesKey(check.task, check.gates, outputs, patches, check.facts.facts);
  if (key !== undefined) await parts.prepared.store.recordGates(key);
}
