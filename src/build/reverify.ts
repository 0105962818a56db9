/**
 * Decides about the former result of a stale task where only formatters or what it builds on changed: formats it again, runs
 * its gates and its review on it, and stores it under today's key if they pass. Asks no agent for work.
 */

import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { recordedWords } from '../analysis/former/changed-items.js';
import type { FormerResult } from '../analysis/former/former-result.js';
import { keptTree } from '../analysis/input-tree.js';
import { seenInterfaces } from '../analysis/interfaces/interface-changes.js';
import type { Check } from '../analysis/verdict.js';
import type { Turns } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import { type ExecutionContext, WorkMeter } from '../execution/executor.js';
import type { FormerFails } from '../execution/prompt-steering.js';
import { isReviewed, review, reviewRequest } from '../execution/reviewer.js';
import { firstMaking, type GateRun, type Provenance, type Usage } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { reformat, reformatBelow } from './formatting/reformat.js';
import { brokenGate } from './preflight.js';
import { gatesRunKey, havePassed, onWorker, runGatesOn, type VerifyParts } from './verify.js';

export interface ReverifyParts extends VerifyParts {
  readonly workers: Turns;
  /** Of conductor. */
  readonly version: string;
}

export interface Reverified {
  /**
   * Why the former result does not stand: the task is built again, and knows this. Undefined: the result is stored. Fails
   * where a rebuild would fail likewise: a gate's program is missing, a budget is spent, the review gets no answer. Also
   * where formatters alone break what a person wrote: no agent rewrites that unasked.
   */
  readonly fails: Result<FormerFails | undefined, Failure>;
  /** Of its review, also of one without a judgement. */
  readonly usage: Usage;
}

/** A check of which a former result may stand. */
export type CheckWithFormer = Check & { readonly former: FormerResult };

/** By what everything that may run for a check is known: its recipe, its gates, and those of its former result. */
export function runKeys(check: Check): string[] {
  return [check.storeKey, gatesRunKey(check), reverifyKey(check)];
}

function reverifyKey({ storeKey, former }: Check): string {
  return `reverify ${storeKey} ${former?.result.key ?? ''}`;
}

export async function reverify(
  parts: ReverifyParts,
  check: CheckWithFormer,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Reverified> {
  const { caller, workers, sessionState, priority } = parts;
  const { label } = check.task;
  const key = reverifyKey(check);
  const before = sessionState.failed.get(key);
  if (before) return { fails: rejected(check, before), usage: {} };
  const meter = new WorkMeter();
  const judged = await sessionState.runs.join({ key, label }, caller, (context) =>
    onWorker(workers, priority(label), context.signal, () =>
      judge(parts, check, dependencyOutputs, { ...context, meter, priority: priority(label) }),
    ),
  );
  const { against, result } = check.former;
  const { usage } = meter;
  const told = { type: 'task.reverified', task: label, former: result.key, against } as const;
  if (judged.ok) {
    caller.emit({ ...told, passed: true });
    return { fails: ok(undefined), usage };
  }
  const failure = judged.error;
  // With `preflight: false` conductor concludes nothing from what a gate prints.
  const { preflight } = parts.prepared.project.config;
  const broken = preflight ? brokenGate(check.task, failure) : undefined;
  if (broken) return { fails: err(broken), usage };
  if (!speaksAgainst(failure)) return { fails: judged, usage };
  sessionState.failed.set(key, failure);
  caller.emit({ ...told, passed: false, failure });
  return { fails: rejected(check, failure), usage };
}

function rejected({ former }: CheckWithFormer, failure: Failure): Reverified['fails'] {
  const { against, onlyFormat, result } = former;
  const isOfPerson = result.provenance.recipe === 'accepted';
  const isBroken = onlyFormat && isOfPerson && failure.kind !== 'patch-conflict';
  return isBroken ? err({ kind: 'format-rejected', failure }) : ok({ failure, against });
}

function speaksAgainst({ kind }: Failure): boolean {
  switch (kind) {
    case 'gate-failed':
    case 'gate-timed-out':
    case 'review-rejected':
    // Its patch does not fit on the files of today, formatted or not.
    case 'patch-conflict':
      return true;
    default:
      return false;
  }
}

async function judge(
  parts: ReverifyParts,
  check: CheckWithFormer,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  context: ExecutionContext & { readonly meter: WorkMeter },
): Promise<Result<undefined, Failure>> {
  const startedAt = parts.now();
  const { result, isFormatted, sameTask } = check.former;
  const formatted = isFormatted
    ? await reformat({ ...parts, dependencyOutputs }, check, result, context)
    : ok(result);
  if (!formatted.ok) return formatted;
  const candidate = formatted.value;
  const judged = { ...check, candidate };
  const isProven = check.gates.length === 0 || (await havePassed(parts, judged));
  const ran = isProven
    ? ok(result.provenance.gates.filter(({ name }) => check.gates.some((gate) => gate.name === name)))
    : await runGatesOn(parts, judged, dependencyOutputs, context);
  if (!ran.ok) return ran;
  // A reviewer has approved of this content for the same task.
  const reviewed = sameTask ? ok(undefined) : await reviewFormer(parts, judged, dependencyOutputs, context);
  if (!reviewed.ok) return reviewed;
  const { outputs, edits } = candidate;
  const { storeKey: key } = check;
  const interfaces = await seenInterfaces(parts.prepared.project, check.task, dependencyOutputs);
  const { over: below } = result.provenance;
  const over =
    isFormatted && below !== undefined
      ? await reformatBelow({ ...parts, dependencyOutputs }, check, below, context)
      : below;
  const took = {
    ...recordedWords(check.facts),
    ...(over === undefined ? {} : { over }),
    ...(interfaces === undefined ? {} : { interfaces }),
    usage: context.meter.usage,
    startedAt,
    ms: parts.now() - startedAt,
  };
  const provenance = recordOf(check, { ...took, gates: ran.value, conductor: parts.version });
  const kept = await parts.prepared.store.keep({ key, outputs, edits, provenance });
  return kept.ok ? ok(undefined) : kept;
}

type Took = Pick<Provenance, 'usage' | 'ms' | 'conductor' | 'interfaces' | 'over' | 'words'> & {
  readonly gates: readonly GateRun[];
  /** Milliseconds since 1970, UTC. */
  readonly startedAt: number;
};

/** The record of the former result under today's key: no model made it, and its origin stays known. */
function recordOf({ task, storeKey, facts, former }: CheckWithFormer, took: Took): Provenance {
  const { provenance, key } = former.result;
  const { observed, recipe } = provenance;
  const startedAt = new Date(took.startedAt).toISOString();
  // A lock file does not tell when the result was made.
  const origin = provenance.startedAt === '' ? { ...provenance, startedAt } : provenance;
  return {
    schema: 1,
    label: task.label,
    key: storeKey,
    manifest: facts.manifest,
    recipe,
    attempts: 0,
    ...took,
    ...(observed === undefined ? {} : { observed }),
    startedAt,
    verified: { former: key, against: former.against, made: firstMaking(origin) },
  };
}

/** The reviewer looks at the former work, the candidate, as it stands in today's tree. */
async function reviewFormer(
  { prepared, executor, version, now }: ReverifyParts,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  context: ExecutionContext,
): Promise<Result<undefined, Failure>> {
  const { project, agent } = prepared;
  if (!isReviewed(prepared, check.task) || !agent) return ok(undefined);
  const request = await reviewRequest(prepared, check);
  if (!request.ok) return request;
  const bare = { ...check, candidate: undefined, dependencyOutputs: undefined };
  const without = await keptTree(project, bare, dependencyOutputs);
  if (!without.ok) return without;
  const kept = await keptTree(project, check, dependencyOutputs);
  if (!kept.ok) return kept;
  const diff = await project.objects.diff(without.value, kept.value);
  const { label, budget } = check.task;
  const parts = { executor, objects: project.objects, agent, config: project.config, version, now };
  const run = { key: check.storeKey, label, budget, review: request.value };
  return review(parts, run, { attempt: 1, tree: kept.value, diff }, context);
}
