/**
 * Gets the result of a stale task: builds it, waits for a run that builds it already, or reports that it would fail
 * again.
 */

import { addUsage } from '../agent/usage.js';
import { formatSteps } from '../analysis/format-settings.js';
import { seesOtherPatches } from '../analysis/patches.js';
import { inTheWay, overwriteFailure } from '../analysis/path-conflicts.js';
import { pinnedMissing } from '../analysis/pinned-results.js';
import type { Prepared } from '../analysis/prepare.js';
import type { Check } from '../analysis/verdict.js';
import { hiddenFileAdvice } from '../analysis/visible-files.js';
import { type HeldTurn, type Turns, withHeldTurn } from '../base/limiter.js';
import type { OneByOne } from '../base/own-work/one-by-one.js';
import { err, ok, type Result } from '../base/result.js';
import type { StaleTask } from '../execution/describe-run.js';
import { type Escalated, type EscalationParts, escalate } from '../execution/escalation/escalation.js';
import type { RevisedTask } from '../execution/escalation/revised-task.js';
import type { ExecutionContext } from '../execution/executor.js';
import { changesBetween } from '../execution/left-work.js';
import type { StoredResult, Usage } from '../model/action.js';
import { canonicalJson } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import type { TaskOutcome } from '../model/task-run.js';
import type { Durations } from '../project/durations/durations.js';
import type { OwnClaim } from '../store/claims/claims.js';
import { type KeptWork, WorkStore } from '../store/kept-work.js';
import { type Ran, runClaimed } from './claimed-run.js';
import type { BuildOptions } from './options.js';
import type { Preflight } from './preflight.js';
import { type ReverifyParts, reverify } from './reverify.js';
import { recordGates, unlessStopped, verifyResult } from './verify.js';

export interface MakeParts extends ReverifyParts, EscalationParts {
  readonly prepared: Prepared;
  readonly options: BuildOptions;
  /** Tries gates before the first call that costs money. */
  readonly preflight: Preflight;
  /** For tasks that conductor itself renders and that no gate judges: they wait for the disk, many together. */
  readonly renderers: Turns;
  /** Recorded milliseconds of tasks. */
  readonly durations: Durations;
  /** For tasks whose result is stored while the next task has their worker. Each is in memory until then. */
  readonly storing: Turns;
  /** For what this process itself does for agents. Absent: where they run elsewhere. */
  readonly ownWork: OneByOne | undefined;
}

export interface MadeResult {
  /**
   * `verified`: the former result passed and is stored under today's key. `again`: analyse the task again, because a run of
   * a superseded build made the result or failed under older rules, or because another build stored a result first. An
   * undefined result: something removed it from the store meanwhile. `elsewhere`: another build has made the result.
   */
  readonly result: Result<StoredResult | undefined, Failure> | 'again' | 'verified' | 'elsewhere';
  readonly usage: Usage;
  /** Milliseconds that it took; absent when nothing was made. */
  readonly ms?: number;
  /** The revised task that was built in place of the one that was asked for. */
  readonly revised?: { readonly check: Check; readonly revision: RevisedTask };
}

/** Builds the task, unless its former result still passes. */
export async function makeResult(parts: MakeParts, stale: StaleTask): Promise<MadeResult> {
  const { check } = stale;
  const { former, task } = check;
  const { asksAgents, project } = parts.prepared;
  const waitsForCi = !asksAgents && task.recipe.kind === 'agent';
  const refused = (usage: Usage): MadeResult => ({
    result: err({ kind: 'waits-for-ci', tasks: [task.label] }),
    usage,
  });
  // Gates alone may show that the former result stands; a reviewer is an agent too.
  if (waitsForCi && (!former || stale.fromScratch || project.config.review)) return refused({});
  if (!former || stale.fromScratch) return build(parts, stale);
  const { fails, usage } = await reverify(parts, { ...check, former }, stale.dependencyOutputs);
  if (!fails.ok) return { result: fails, usage };
  if (!fails.value) return { result: 'verified', usage };
  if (waitsForCi) return refused(usage);
  const built = await build(parts, { ...stale, fails: fails.value });
  return { ...built, usage: addUsage(usage, built.usage) };
}

/** The claim of a task that an agent builds, from the time at which it is granted. */
interface Held {
  claim?: OwnClaim | undefined;
}

async function build(parts: MakeParts, stale: StaleTask): Promise<MadeResult> {
  const held: Held = {};
  try {
    return await buildTask(parts, stale, held);
  } finally {
    // By now its gates are recorded too: a build that waits for the result runs nothing.
    held.claim?.release(parts.prepared.store.sent?.());
  }
}

async function buildTask(parts: MakeParts, stale: StaleTask, held: Held): Promise<MadeResult> {
  const { prepared, sessionState, caller } = parts;
  const { check } = stale;
  const { task, verdict, storeKey } = check;
  const unmade = (failure: Failure): MadeResult => ({ result: err(failure), usage: {} });
  // What a failure depends on beside the key: the same key may succeed by other gates, by what they read, or with more money.
  const { gateReads } = check.facts.facts;
  const failureKey = `${storeKey} ${canonicalJson({ gates: check.gates, gateReads, budget: task.budget })}`;
  const before = sessionState.failed.get(failureKey);
  if (before) return unmade({ kind: 'failed-before', failure: before });
  const reasons = verdict.kind === 'stale' ? verdict.reasons : [];
  const missing = reasons.find((reason) => reason.kind === 'result-missing');
  if (missing) return unmade(pinnedMissing(prepared.project, task, missing));
  if (reasons.some((reason) => reason.kind === 'result-damaged')) {
    const message = 'the stored result is damaged; conductor rebuilds the task';
    caller.emit({ type: 'warning', task: task.label, message });
    await prepared.store.forget(storeKey);
  }
  const unready = task.recipe.kind === 'agent' ? await parts.preflight.problem(check) : undefined;
  if (unready) return unmade(unready);
  let isOwn = false;
  let escalated: Escalated | undefined;
  const works = new WorkStore(prepared.project.objects, prepared.project.repository.project);
  const kept = task.recipe.kind === 'agent' ? await usableWork(works, check) : undefined;
  const run = { key: storeKey, label: task.label };
  let isElsewhere = false;
  const ran = await sessionState.runs.join<TaskOutcome>(run, caller, async (context) => {
    isOwn = true;
    const ended = await execute(parts, { ...stale, kept }, context);
    if (ended.kind === 'elsewhere') {
      isElsewhere = true;
      const brought = { ok: true, adopted: true, attempts: 0, usage: {}, ms: 0 } as const;
      return ok({ ...brought, result: ended.result.commit });
    }
    const { done } = ended;
    // Where the build was superseded, no caller is left that would release it.
    if (caller.signal.aborted) ended.claim?.release(prepared.store.sent?.());
    else held.claim = ended.claim;
    if (done.ok) escalated = done.value;
    const outcome = done.ok ? ok(done.value.outcome) : done;
    const failure = !outcome.ok ? outcome.error : outcome.value.ok ? undefined : outcome.value.failure;
    if (failure && failure.kind !== 'cancelled') sessionState.failed.set(failureKey, failure);
    if (done.ok) await keepAskingWork(parts, works, check, done.value.outcome);
    return outcome;
  });
  if (!ran.ok) return unmade(ran.error);
  if (isElsewhere) return { result: 'elsewhere', usage: {} };
  const { usage, ms } = ran.value;
  if (!ran.value.ok) {
    const isToday = isOwn || sessionState.failed.has(failureKey);
    if (isToday) await adviseOnHiddenFiles(parts, stale, ran.value.failure);
    return { result: isToday ? err(ran.value.failure) : 'again', usage, ms };
  }
  const revised = escalated?.revision && { check: escalated.check, revision: escalated.revision };
  // The escalation itself has looked again at what somebody else has made of a revised task.
  const isOurs = isOwn && (revised !== undefined || !ran.value.adopted);
  if (!isOurs) return { result: 'again', usage, ms };
  const { unseen = false } = ran.value;
  const judged = { check: escalated?.check ?? check, isUnseen: unseen };
  const result = await keptResult(parts, judged, stale.dependencyOutputs);
  return { result, usage, ms, ...(revised ? { revised } : {}) };
}

/** Work that an earlier session left when it asked for something: of this key, or of the spec that a person extended. */
async function usableWork(works: WorkStore, { task, storeKey }: Check): Promise<KeptWork | undefined> {
  const found = await works.find(task.label);
  return found && (found.approved || found.key === storeKey) ? found : undefined;
}

/** Keeps the work of an agent that asks for something, and forgets it when the task is built. */
async function keepAskingWork(
  { prepared, now }: MakeParts,
  works: WorkStore,
  { task, storeKey }: Check,
  outcome: TaskOutcome,
): Promise<void> {
  if (task.recipe.kind !== 'agent') return;
  if (outcome.ok) return works.forget(task.label);
  const { failure, attempts, tree, inputTree } = outcome;
  if (failure.kind !== 'needs') return;
  const { objects } = prepared.project;
  const changes =
    tree === undefined || inputTree === undefined
      ? []
      : [...(await changesBetween(objects, inputTree, tree))];
  await works.keep(
    {
      ...{ label: task.label, key: storeKey, needs: failure.needs, at: now(), attempts },
      ...(failure.said === undefined ? {} : { said: failure.said }),
      removed: changes.flatMap(([path, entry]) => (entry === undefined ? [path] : [])),
    },
    new Map(changes.flatMap(([path, entry]) => (entry === undefined ? [] : [[path, entry] as const]))),
  );
}

/** A command that looked for a file of an indirect dependency says only that there is none. */
async function adviseOnHiddenFiles(
  { prepared, caller }: MakeParts,
  { check, dependencyOutputs }: StaleTask,
  failure: Failure,
): Promise<void> {
  const { task, facts } = check;
  const reader = { project: prepared.project, task, inputs: facts.facts.inputs, dependencyOutputs };
  const message = await hiddenFileAdvice(reader, failure);
  if (message !== undefined) caller.emit({ type: 'warning', task: task.label, message });
}

/** Waits for a worker, then does what can be done for the task. */
async function execute(
  parts: MakeParts,
  stale: StaleTask,
  context: ExecutionContext,
): Promise<Ran<Escalated>> {
  const { prepared, workers, computing, renderers, priority, durations, options } = parts;
  const { check } = stale;
  const { task, gates } = check;
  const { label, recipe } = task;
  const runsNothing = gates.length === 0 && formatSteps(prepared.project.config, task).length === 0;
  const isRendered = recipe.kind === 'render' && runsNothing;
  const { isRemote: isUnclaimed = false } = parts.executor;
  // What another machine renders waits for no disk here.
  const isHere = isRendered && !(isUnclaimed && task.runsOn !== undefined);
  const limiter = recipe.kind === 'agent' ? workers : isHere ? renderers : computing;
  const { signal } = context;
  const own = recipe.kind === 'agent' ? parts.ownWork : undefined;
  parts.executor.expect?.(recipe.kind);
  const held = { turns: limiter, leaving: parts.storing, own, priority: priority(label), signal };
  const inWorker = <R>(work: (worker: HeldTurn) => Promise<Result<R, Failure>>) =>
    unlessStopped(withHeldTurn(held, work), signal);
  const expectedMs = durations.get(label);
  const known = expectedMs === undefined ? {} : { expectedMs };
  const run = (worker: HeldTurn) =>
    escalate(parts, stale, { ...context, ...known, priority: priority(label), worker });
  // A person who asks for another result than the one that is stored waits for nobody's.
  const isWanted = stale.fromScratch || (options.force && prepared.targets.has(label));
  if (recipe.kind !== 'agent' || isWanted) return { kind: 'ran', done: await inWorker(run) };
  return runClaimed({ prepared, check, context, isUnclaimed, inWorker, run });
}

async function keptResult(
  parts: MakeParts,
  { check, isUnseen }: { readonly check: Check; readonly isUnseen: boolean },
  dependencyOutputs: StaleTask['dependencyOutputs'],
): Promise<Result<StoredResult | undefined, Failure>> {
  const { prepared, options } = parts;
  const stored = await prepared.store.find(check.storeKey);
  if (!stored.ok) return stored;
  // Gates have seen its agent's order of lines, which may be another one than that of all patches.
  const isExact = !seesOtherPatches(prepared.project, check.task, dependencyOutputs);
  if (stored.value && isExact && isUnseen && check.gates.length > 0) {
    const seen = await verifyResult(parts, { ...check, candidate: stored.value }, dependencyOutputs);
    if (!seen.ok) return seen;
  } else if (stored.value && isExact)
    await recordGates({ prepared }, check, stored.value.outputs, stored.value);
  const conflicts = options.discardEdits
    ? []
    : inTheWay(prepared.project, stored.value?.outputs.keys() ?? []);
  if (conflicts.length === 0) return stored;
  const foreign = conflicts.filter((path) => !prepared.project.recorded.has(path));
  return err(overwriteFailure({ paths: conflicts, inTheWay: foreign }));
}
