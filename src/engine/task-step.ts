/** One task's way through a build: checked, then restored, verified, made or refused. Knows nothing of the order. */

import { agentNameOf } from '../agent/definitions.js';
import { addUsage } from '../agent/usage.js';
import type { Limiter } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import { asFailure } from '../io/files.js';
import type { StoredResult, Usage } from '../model/action.js';
import type { TaskOutcomeKind } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { TaskRun } from '../model/run.js';
import type { Label, Task } from '../model/task.js';
import type { Check } from './check.js';
import type { Executor } from './executor.js';
import type { Produced } from './facts.js';
import { type GateContext, gateCommands } from './gates.js';
import { interfaceOf } from './interface.js';
import type { Landed } from './landing-plan.js';
import { inTheWay } from './obstacles.js';
import type { BuildOptions } from './options.js';
import { pinnedMissing } from './pinned.js';
import type { Prepared } from './prepare.js';
import { renderOutputs } from './render.js';
import { specChange } from './spec-change.js';
import type { Emit } from './surroundings.js';
import { recordGates, verifyResult } from './verify.js';
import { makeView } from './view.js';

export interface TaskStepParts {
  readonly prepared: Prepared;
  readonly executor: Executor;
  readonly workers: Limiter;
  /** Milliseconds from a task's start to the end of the build, by recorded durations. */
  readonly remaining: ReadonlyMap<Label, number>;
  readonly gateContext: GateContext;
  readonly options: BuildOptions;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Recorded durations, written to. */
  readonly durations: Record<Label, number>;
  now(): number;
}

export class TaskStep {
  readonly produced = new Map<Label, Produced>();
  readonly landed = new Map<Label, Landed>();
  readonly outcomes = new Map<Label, TaskOutcomeKind>();
  usage: Usage = {};
  firstFailure: Failure | undefined;
  private readonly stale = new Map<Label, string>();
  private readonly parts: TaskStepParts;

  constructor(parts: TaskStepParts) {
    this.parts = parts;
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
      this.parts.emit({ type: 'task.finished', task: label, outcome: 'failed', ms, failure: result.error });
      return 'failed';
    }
    this.outcomes.set(label, result.value);
    this.parts.emit({ type: 'task.finished', task: label, outcome: result.value, ms });
    return 'done';
  }

  skip(label: Label, because: Label | undefined): void {
    this.outcomes.set(label, 'skipped');
    this.parts.emit({
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
    if (labels.length > 0) this.parts.emit({ type: 'build.failure', failure });
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
    for (;;) {
      const checked = await this.parts.prepared.checker.check(task, this.produced);
      if (!checked.ok) return checked;
      const check = checked.value;
      this.parts.emit({ type: 'task.checked', task: task.label, verdict: check.verdict });
      switch (check.verdict.kind) {
        case 'fresh':
          return this.accept(check, 'fresh');
        case 'cached':
          return this.land(check, check.candidate, 'cached');
        case 'drifted':
          if (check.verdict.stale) return err({ kind: 'drifted-outputs', paths: check.verdict.paths });
          return this.accept(check, 'drifted');
        case 'unverified': {
          const verified = await verifyResult(this.parts, check, this.produced);
          if (verified.ok)
            return check.candidate
              ? this.land(check, check.candidate, 'verified')
              : this.accept(check, 'verified');
          if (verified.error.kind !== 'gate-failed') return verified;
          // The content of this key is not good enough any more; the next check finds or makes another.
          this.parts.prepared.checker.reject(check.storeKey, verified.error.gate);
          continue;
        }
        case 'stale': {
          const made = await this.make(check);
          if (made.ok && made.value === 'adopted') continue;
          return made as Result<TaskOutcomeKind, Failure>;
        }
        case 'pending':
          throw new Error(`BUG: ${task.label} was checked before its dependencies`);
      }
    }
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

  /** `adopted`: another build's result came in the place of the one that was made, and is to be judged like any other. */
  private async make(check: Check): Promise<Result<TaskOutcomeKind | 'adopted', Failure>> {
    const { prepared, executor, workers, remaining, options, emit, signal } = this.parts;
    const { task } = check;
    if (options.frozen) {
      this.stale.set(task.label, 'stale');
      return err({ kind: 'not-up-to-date', tasks: [{ label: task.label, verdict: 'stale' }] });
    }
    const reasons = check.verdict.kind === 'stale' ? check.verdict.reasons : [];
    if (reasons.some((reason) => reason.kind === 'result-missing'))
      return err(pinnedMissing(prepared.project, task));
    if (reasons.some((reason) => reason.kind === 'result-damaged')) {
      emit({
        type: 'warning',
        task: task.label,
        message: 'its result in the store is damaged; it is made anew',
      });
      await prepared.store.forget(check.storeKey);
    }
    return workers
      .run(
        async () => {
          const run = await this.taskRun(check);
          if (!run.ok) return run;
          emit({ type: 'task.started', task: task.label, attempt: 1, recipe: task.recipe.kind });
          const outcome = await executor.run(run.value, { signal, emit });
          this.usage = addUsage(this.usage, outcome.usage);
          if (!outcome.ok) return err(outcome.failure);
          this.parts.durations[task.label] = outcome.ms;
          if (outcome.adopted) return ok('adopted' as const);
          const stored = await prepared.store.find(check.storeKey);
          if (!stored.ok) return stored;
          if (stored.value) await recordGates(this.parts, check, stored.value.outputs, stored.value);
          const obstacles = options.discardEdits
            ? []
            : inTheWay(prepared.project, stored.value?.outputs.keys() ?? []);
          if (obstacles.length > 0) return err<Failure>({ kind: 'drifted-outputs', paths: obstacles });
          return this.land(check, stored.value, 'built');
        },
        remaining.get(task.label) ?? 0,
        signal,
      )
      .catch((error: unknown) => {
        if (signal.aborted) return err<Failure>({ kind: 'cancelled' });
        throw error;
      });
  }

  private async taskRun(check: Check): Promise<Result<TaskRun, Failure>> {
    const { prepared } = this.parts;
    const { task, facts } = check;
    const view = await makeView(prepared.project, task, facts, this.produced);
    if (!view.ok) return view;
    const common = {
      label: task.label,
      key: check.storeKey,
      manifest: facts.manifest,
      view: view.value.tree,
      outputs: task.outputs,
      edits: task.edits,
      editBases: view.value.editBases,
      gates: check.gates,
      budget: task.budget,
      network: task.network,
      evolves: view.value.evolves,
    };
    if (task.recipe.kind === 'run')
      return ok({ ...common, recipe: { kind: 'run', command: task.recipe.command } });
    if (task.recipe.kind === 'render') {
      const files = await renderOutputs(prepared, task, task.recipe.steps);
      return files.ok ? ok({ ...common, recipe: { kind: 'render', files: files.value } }) : files;
    }
    if (!prepared.agent || !facts.prompt) return err({ kind: 'no-agent' });
    const model = prepared.gatherer.modelOf(task);
    const prompt = await facts.prompt.full({
      gates: gateCommands(check.gates),
      ...(view.value.evolves ? { specChange: await specChange(check) } : {}),
    });
    if (!prompt.ok) return prompt;
    return ok({
      ...common,
      recipe: {
        kind: 'agent',
        prompt: prompt.value,
        agent: prepared.agent.name,
        definition: agentNameOf(task),
        ...(model === undefined ? {} : { model }),
        attempts: prepared.project.config.attempts,
      },
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
