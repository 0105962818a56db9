/** One task's way through a build: checked, then restored, verified, made or refused. Knows nothing of the order. */

import { setImmediate } from 'node:timers/promises';
import { addUsage } from '../agent/usage.js';
import { Limiter } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import { asFailure } from '../io/files.js';
import type { StoredResult, Usage } from '../model/action.js';
import { canonicalJson } from '../model/digest.js';
import type { BuildEventBody, TaskOutcomeKind } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { TaskOutcome } from '../model/run.js';
import type { Label, Task } from '../model/task.js';
import type { Verdict } from '../model/verdict.js';
import type { Check } from './check.js';
import type { ExecutionContext, Executor } from './executor.js';
import type { Produced } from './facts.js';
import type { GateContext } from './gates.js';
import { interfaceOf } from './interface.js';
import type { Landed } from './landing-plan.js';
import { inTheWay } from './obstacles.js';
import type { BuildOptions } from './options.js';
import type { Prepared } from './prepare.js';
import type { Resident } from './resident.js';
import type { Caller } from './runs.js';
import { planRun } from './task-run.js';
import { gatesRunKey, recordGates, verifyResult } from './verify.js';

export interface TaskStepParts {
  readonly prepared: Prepared;
  readonly executor: Executor;
  readonly workers: Limiter;
  readonly resident: Resident;
  /** The higher the sooner, where several tasks could go on. */
  priority(label: Label): number;
  readonly gates: Omit<GateContext, 'signal' | 'emit'>;
  readonly options: BuildOptions;
  readonly caller: Caller;
  /** Recorded durations, written to. */
  readonly durations: Record<Label, number>;
  now(): number;
}

/** Checks at the same time: enough to wait for git together, few enough that what is urgent is not held up. */
const CHECKS = 16;

export class TaskStep {
  readonly produced = new Map<Label, Produced>();
  readonly landed = new Map<Label, Landed>();
  readonly outcomes = new Map<Label, TaskOutcomeKind>();
  usage: Usage = {};
  firstFailure: Failure | undefined;
  private readonly stale = new Map<Label, string>();
  private readonly parts: TaskStepParts;
  private readonly checks = new Limiter(CHECKS);

  constructor(parts: TaskStepParts) {
    this.parts = parts;
  }

  private emit(event: BuildEventBody): void {
    this.parts.caller.emit(event);
  }

  async run(label: Label): Promise<'done' | 'failed'> {
    const startedAt = this.parts.now();
    const task = this.parts.prepared.project.graph.task(label);
    const result = await this.settle(task).catch(strayFailure);
    const ms = this.parts.now() - startedAt;
    if (!result.ok && result.error.kind === 'cancelled') {
      this.skip(label, undefined);
      return 'failed';
    }
    if (!result.ok) {
      this.firstFailure ??= result.error;
      this.outcomes.set(label, 'failed');
      this.emit({ type: 'task.finished', task: label, outcome: 'failed', ms, failure: result.error });
      return 'failed';
    }
    this.outcomes.set(label, result.value);
    this.emit({ type: 'task.finished', task: label, outcome: result.value, ms });
    return 'done';
  }

  skip(label: Label, because: Label | undefined): void {
    this.outcomes.set(label, 'skipped');
    this.emit({
      type: 'task.finished',
      task: label,
      outcome: 'skipped',
      ms: 0,
      ...(because ? { because } : {}),
    });
  }

  /** Takes back the tasks whose patch of a file was to land and cannot; false when there is none. */
  withdraw(failure: Failure): boolean {
    const paths = 'path' in failure ? [failure.path] : 'paths' in failure ? failure.paths : [];
    const named = 'with' in failure ? failure.with : undefined;
    const only = named !== undefined && this.landed.has(named) ? [named] : [...this.landed.keys()];
    const labels = only.filter((label) =>
      this.parts.prepared.project.graph.task(label).edits.some((path) => paths.includes(path)),
    );
    for (const task of labels) {
      this.landed.delete(task);
      this.produced.delete(task);
      this.outcomes.set(task, 'failed');
      this.firstFailure ??= failure;
    }
    if (labels.length > 0) this.emit({ type: 'build.failure', failure });
    return labels.length > 0;
  }

  /** For `--frozen`: everything that a recipe, a person or another task would have to settle first. */
  notUpToDate(): { label: Label; verdict: string }[] {
    const rows = [...this.stale].map(([label, verdict]) => ({ label, verdict }));
    for (const [label, outcome] of this.outcomes) {
      if (this.stale.has(label)) continue;
      if (outcome === 'failed' || outcome === 'skipped' || outcome === 'drifted')
        rows.push({ label, verdict: outcome });
    }
    return rows;
  }

  /** Checks until there is a word: a result that fails today's gates is looked past and the task is checked again. */
  private async settle(task: Task): Promise<Result<TaskOutcomeKind, Failure>> {
    const { prepared, priority, resident } = this.parts;
    let made = false;
    for (;;) {
      const checked = await this.checks.run(async () => {
        // Thousands of checks without a wait would keep what waits for git or an agent from going on.
        await setImmediate();
        return prepared.checker.check(task, this.produced);
      }, priority(task.label));
      if (!checked.ok) return checked;
      const check = checked.value;
      // Whatever a superseded build left running of this task is wanted under today's keys only.
      resident.runs.keepOnly(task.label, check.storeKey, gatesRunKey(check));
      this.emit({ type: 'task.checked', task: task.label, verdict: check.verdict });
      this.tellObserved(task.label, check.verdict);
      switch (check.verdict.kind) {
        case 'fresh':
          return this.accept(check, 'fresh');
        case 'cached':
          return this.land(check, check.candidate, made ? 'built' : 'cached');
        case 'drifted':
          if (check.verdict.stale) return err({ kind: 'drifted-outputs', paths: check.verdict.paths });
          return this.accept(check, 'drifted');
        case 'unverified': {
          const verified = await verifyResult(this.parts, check, this.produced);
          if (verified.ok)
            return check.candidate
              ? this.land(check, check.candidate, made ? 'built' : 'verified')
              : this.accept(check, 'verified');
          if (verified.error.kind !== 'gate-failed') return verified;
          // The content of this key is not good enough any more; the next check finds or makes another.
          prepared.checker.reject(check.storeKey, verified.error.gate);
          continue;
        }
        case 'stale': {
          const result = await this.make(check);
          if (result !== 'again') return result;
          made = true;
          continue;
        }
        case 'pending':
          throw new Error(`BUG: ${task.label} was checked before its dependencies`);
      }
    }
  }

  private tellObserved(task: Label, verdict: Verdict): void {
    if (!('observed' in verdict) || !verdict.observed) return;
    const [first, ...more] = verdict.observed;
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    const message = `its agent had read ${first}${others}, changed since; name what counts in its \`inputs\``;
    this.emit({ type: 'warning', task, message });
  }

  private accept(check: Check, outcome: TaskOutcomeKind): Result<TaskOutcomeKind, Failure> {
    if (check.produced) this.produced.set(check.task.label, check.produced);
    return ok(outcome);
  }

  private land(
    check: Check,
    result: StoredResult | undefined,
    outcome: TaskOutcomeKind,
  ): Result<TaskOutcomeKind, Failure> {
    if (!result) throw new Error(`BUG: nothing to land for ${check.task.label}`);
    const { task } = check;
    const patches = result.edits.map((edit) => [edit.path, edit.after] as const);
    this.produced.set(task.label, {
      label: task.label,
      outputs: result.outputs,
      interface: interfaceOf(task, result.outputs, patches),
      edits: result.edits,
    });
    this.landed.set(task.label, { check, result });
    return ok(outcome);
  }

  /** `again`: a run of a superseded build has made it, or failed by rules of then; how it stands is to be checked. */
  private async make(check: Check): Promise<Result<TaskOutcomeKind, Failure> | 'again'> {
    const { prepared, resident, caller, options } = this.parts;
    const { task, verdict } = check;
    if (options.frozen) {
      this.stale.set(task.label, 'stale');
      return err({ kind: 'not-up-to-date', tasks: [{ label: task.label, verdict: 'stale' }] });
    }
    const failureKey = `${check.storeKey} ${canonicalJson({ gates: check.gates, budget: task.budget })}`;
    const before = resident.failed.get(failureKey);
    if (before) return err({ kind: 'failed-before', failure: before });
    if (verdict.kind === 'stale' && verdict.reasons.some((reason) => reason.kind === 'result-damaged')) {
      const message = 'its result in the store is damaged; it is made anew';
      this.emit({ type: 'warning', task: task.label, message });
      await prepared.store.forget(check.storeKey);
    }
    let isOwn = false;
    const ran = await resident.runs.join(check.storeKey, task.label, caller, async (context) => {
      isOwn = true;
      const outcome = await this.execute(check, context);
      const failure = !outcome.ok ? outcome.error : outcome.value.ok ? undefined : outcome.value.failure;
      if (failure && failure.kind !== 'cancelled') resident.failed.set(failureKey, failure);
      return outcome;
    });
    if (!ran.ok) return ran;
    const outcome = ran.value;
    this.usage = addUsage(this.usage, outcome.usage);
    if (!outcome.ok) {
      return isOwn || resident.failed.has(failureKey) ? err(outcome.failure) : 'again';
    }
    this.parts.durations[task.label] = outcome.ms;
    if (!isOwn) return 'again';
    const stored = await prepared.store.find(check.storeKey);
    if (!stored.ok) return stored;
    if (stored.value) await recordGates(this.parts, check, stored.value.outputs, stored.value);
    const obstacles = options.discardEdits
      ? []
      : inTheWay(prepared.project, stored.value?.outputs.keys() ?? []);
    if (obstacles.length > 0) return err<Failure>({ kind: 'drifted-outputs', paths: obstacles });
    return this.land(check, stored.value, 'built');
  }

  /** Waits for a worker and runs the recipe. */
  private execute(check: Check, context: ExecutionContext): Promise<Result<TaskOutcome, Failure>> {
    const { workers, priority, executor } = this.parts;
    const { label, recipe } = check.task;
    return workers
      .run(
        async () => {
          const run = await planRun(this.parts.prepared, check, this.produced);
          if (!run.ok) return run;
          context.emit({ type: 'task.started', task: label, attempt: 1, recipe: recipe.kind });
          return ok(await executor.run(run.value, context));
        },
        priority(label),
        context.signal,
      )
      .catch((error: unknown) => {
        if (context.signal.aborted) return err<Failure>({ kind: 'cancelled' });
        throw error;
      });
  }
}

/** A throw in one task's step is that task's failure: the others go on, and nothing is left running unseen. */
function strayFailure(error: unknown): Result<never, Failure> {
  const known = asFailure(error);
  if (known) return err(known);
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return err({ kind: 'bug', message, ...(stack === undefined ? {} : { stack }) });
}
