/** The result of an attempt, as it goes into the store. Stores nothing. */

import { ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import type { GateRun } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { TaskRun } from '../model/task-run.js';
import type { NewResult } from '../store/result-store.js';
import type { UnwrittenObjects } from '../workspace/reading/reading.js';
import type { AgentParts } from './agent-attempt.js';
import type { AttemptWork } from './attempt-capture.js';
import type { WorkMeter } from './executor.js';
import { ownPatches } from './patch-twice.js';

/** What an attempt made, and the gates that have passed on it. */
export interface JudgedWork extends Omit<AttemptWork, 'tree' | 'others'> {
  readonly gateRuns: readonly GateRun[];
}

/** The attempt that made it. */
export interface MakingAttempt {
  readonly run: TaskRun;
  readonly state: { readonly number: number; readonly startedAt: number };
  readonly meter: WorkMeter;
}

/** Bytes of a result that may wait in memory without a worker, however many others do. */
const FEW_BYTES = 65_536;

/**
 * Whether a result may wait for others to be stored together: of a command, which nobody has paid for, and with everything in
 * memory and small.
 */
export function isLight({ recipe }: Pick<TaskRun, 'recipe'>, unwritten?: UnwrittenObjects): boolean {
  if (recipe.kind !== 'run' || unwritten === undefined) return false;
  let bytes = 0;
  for (const { content } of unwritten.values()) bytes += content.length;
  return bytes <= FEW_BYTES;
}

/** Fails if the patches of the work are not its own. */
export async function newResult(
  {
    objects,
    agent,
    version,
    now,
  }: Pick<AgentParts, 'agent' | 'now'> & {
    readonly objects: GitObjects;
    readonly version: string;
  },
  { run, state, meter }: MakingAttempt,
  { outputs, edits, made, observed, gateRuns }: JudgedWork,
): Promise<Result<NewResult, Failure>> {
  const own = await ownPatches(objects, run, edits);
  if (!own.ok) return own;
  return ok({
    key: run.key,
    outputs,
    edits: own.value,
    provenance: {
      schema: 1,
      label: run.label,
      key: run.key,
      manifest: run.manifest,
      ...(run.words === undefined ? {} : { words: run.words }),
      ...(run.interfaces === undefined ? {} : { interfaces: run.interfaces }),
      recipe: run.recipe.kind,
      ...(run.recipe.kind === 'agent' && agent ? { agent: agent.name } : {}),
      ...made,
      attempts: state.number,
      usage: meter.usage,
      gates: gateRuns,
      ...(observed === undefined ? {} : { observed }),
      startedAt: new Date(state.startedAt).toISOString(),
      ms: now() - state.startedAt,
      conductor: version,
    },
  });
}
