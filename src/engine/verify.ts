/** Runs the gates of a result that is there already, on exactly what would be kept of it. Makes nothing. */

import type { Limiter } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import type { GateRun, StoredResult } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { gatesKey } from '../store/manifest.js';
import type { Check } from './check.js';
import type { Produced } from './facts.js';
import { type GateContext, runGates } from './gates.js';
import type { Prepared } from './prepare.js';
import type { Emit } from './surroundings.js';
import { keptTree } from './view.js';

export interface VerifyParts {
  readonly prepared: Prepared;
  readonly workers: Limiter;
  readonly remaining: ReadonlyMap<Label, number>;
  readonly gateContext: GateContext;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** Runs the gates alone, on the view with the result in it; their runs when all pass. */
export async function verifyResult(
  parts: VerifyParts,
  check: Check,
  produced: ReadonlyMap<Label, Produced>,
): Promise<Result<readonly GateRun[], Failure>> {
  const { prepared, gateContext, workers, remaining, signal } = parts;
  const { task } = check;
  return workers
    .run(
      async () => {
        const kept = await keptTree(prepared.project, check, produced);
        if (!kept.ok) return kept;
        const tree = kept.value;
        const opened = await gateContext.pool.acquire(tree);
        if (!opened.ok) return opened;
        try {
          parts.emit({ type: 'task.started', task: task.label, attempt: 1, recipe: 'gates' });
          parts.emit({ type: 'task.phase', task: task.label, attempt: 1, phase: 'gates' });
          const job = {
            gates: check.gates,
            workspace: opened.value,
            tree,
            network: task.network,
            task: task.label,
            attempt: 1,
          };
          const judged = await runGates(gateContext, job);
          if (!judged.ok) return err(judged.failure);
          await recordGates(parts, check, check.candidate?.outputs ?? check.produced?.outputs ?? new Map());
          return ok(judged.runs);
        } finally {
          await gateContext.pool.release(opened.value);
        }
      },
      remaining.get(task.label) ?? 0,
      signal,
    )
    .catch((error: unknown) => {
      if (signal.aborted) return err<Failure>({ kind: 'cancelled' });
      throw error;
    });
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
