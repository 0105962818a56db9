/**
 * Builds a stale task step by step: its attempts, then a revised task, then a stronger model. Each step is one run of
 * the executor. Publishes nothing.
 */

import type { Prepared } from '../../analysis/prepare.js';
import type { Check } from '../../analysis/verdict.js';
import { ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { ModelChoice } from '../../model/routes.js';
import type { TaskOutcome, TaskRun } from '../../model/task-run.js';
import { failureReason } from '../../report/failures/failure.js';
import type { RequestParts } from '../agent-requests/request.js';
import { isRepairable, isWorthRetry } from '../attempt-failure.js';
import { describeRun, type MoreAttempts, type StaleTask } from '../describe-run.js';
import { type ExecutionContext, type Executor, WorkMeter } from '../executor.js';
import { changesBetween } from '../left-work.js';
import { findRevision, keepRevision } from './kept-revision.js';
import { type Proposal, proposeTask } from './rebase.js';
import type { RevisedTask } from './revised-task.js';

export interface EscalationParts {
  readonly prepared: Prepared;
  readonly executor: Executor;
  /** For requests for a revised task; undefined: none is requested, whatever the config says. */
  readonly rebaser: RequestParts | undefined;
}

export interface Escalated {
  readonly outcome: TaskOutcome;
  /** The check of the task that was built last: the original one or the revised one. */
  readonly check: Check;
  readonly revision?: RevisedTask;
}

type Failed = Extract<TaskOutcome, { ok: false }>;

export async function escalate(
  parts: EscalationParts,
  stale: StaleTask,
  context: ExecutionContext,
): Promise<Result<Escalated, Failure>> {
  const { check } = stale;
  const found = parts.rebaser && (await findRevision(parts.prepared, stale));
  if (found) {
    const { result, attempts, revision } = found;
    const message =
      'a revised task was built before a build was interrupted: its result and its text are used';
    context.emit({ type: 'warning', task: check.task.label, message });
    const outcome: TaskOutcome = { ok: true, result, attempts, usage: {}, ms: 0 };
    return ok({ outcome, check: found.check, revision });
  }
  const run = await describeRun(parts.prepared, stale);
  if (!run.ok) return run;
  const { label, recipe } = check.task;
  context.emit({ type: 'task.started', task: label, attempt: 1, recipe: recipe.kind });
  const outcome = await parts.executor.run(run.value, context);
  return ok(await new Escalation(parts, stale, run.value, context).run({ outcome, check }));
}

class Escalation {
  private readonly parts: EscalationParts;
  private readonly stale: StaleTask;
  private readonly first: TaskRun;
  private readonly context: ExecutionContext;
  private told: Failure | undefined;

  constructor(parts: EscalationParts, stale: StaleTask, first: TaskRun, context: ExecutionContext) {
    this.parts = parts;
    this.stale = stale;
    this.first = first;
    this.context = context;
  }

  async run(escalated: Escalated): Promise<Escalated> {
    if (this.first.recipe.kind !== 'agent') return escalated;
    const revised = escalated.outcome.ok ? escalated : await this.rebased(escalated, escalated.outcome);
    return revised.outcome.ok ? revised : this.stronger(revised, revised.outcome);
  }

  /** Requests a revised task and builds it once; returns the input if there is none, or it is only proposed. */
  private async rebased(escalated: Escalated, failed: Failed): Promise<Escalated> {
    const { prepared, rebaser } = this.parts;
    const { config } = prepared.project;
    const { check } = escalated;
    const { label, source } = check.task;
    // Where variables stand in the spec, the words of one task are not those of the file.
    const isOff = config.rebase === 'off' || source.hasVariables;
    if (isOff || !rebaser || !isRepairable(failed.failure)) return escalated;
    this.tellFailed(failed);
    const { dependencyOutputs } = this.stale;
    const meter = new WorkMeter();
    meter.used(failed.usage);
    const request = { check, failed, inputTree: this.first.inputTree, dependencyOutputs };
    const proposed = await proposeTask(prepared, rebaser, request, { ...this.context, meter });
    const { usage } = meter;
    const spent: Failed = { ...failed, usage };
    if (!proposed.ok) {
      if (proposed.error.kind === 'cancelled')
        return { ...escalated, outcome: { ...spent, failure: proposed.error } };
      const { error } = proposed;
      const why = failureReason(error, label);
      this.context.emit({ type: 'warning', task: label, message: `no revised task was found (${why})` });
      return { ...escalated, outcome: spent };
    }
    const { value } = proposed;
    const isSure = value.confidence > config.rebaseThreshold && config.rebase === 'apply';
    const improved = isSure ? await this.checkOf(value) : undefined;
    this.context.emit({
      type: 'task.rebased',
      task: label,
      attempt: failed.attempts,
      applied: improved !== undefined,
      confidence: value.confidence,
      reasoning: value.reasoning,
      file: check.task.source.file,
      diff: value.diff,
      proposal: value.kept,
    });
    if (!improved) return { ...escalated, outcome: spent };
    const { revision } = value;
    if (improved.candidate) {
      const { attempts, ms } = failed;
      const outcome: TaskOutcome = { ok: true, result: improved.candidate.commit, attempts, usage, ms };
      return { outcome, check: improved, revision };
    }
    // Before its result: a build that is interrupted from now on finds the result by this.
    await keepRevision(prepared, check.storeKey, revision, failed.attempts + 1);
    const choice = prepared.gatherer.choiceOf(improved.task, failed.attempts + 1);
    const outcome = await this.runOnce(improved, choice, spent, await this.leftBy(failed));
    return { outcome, check: improved, revision };
  }

  /** The check of a revised task that is stale or cached; undefined, with a warning, for any other verdict. */
  private async checkOf({ task, revision }: Proposal): Promise<Check | undefined> {
    const { prepared } = this.parts;
    const checked = await prepared.checkerOverEdits.check(task, this.stale.dependencyOutputs);
    const kind = checked.ok ? checked.value.verdict.kind : undefined;
    if (checked.ok && (kind === 'stale' || kind === 'cached')) return checked.value;
    const why = checked.ok ? `it is ${kind}` : checked.error.kind;
    const message = `the revised task cannot be built (${why})`;
    this.context.emit({ type: 'warning', task: revision.task.label, message });
    return undefined;
  }

  /** One attempt with the next stronger model of the route. */
  private async stronger(escalated: Escalated, failed: Failed): Promise<Escalated> {
    if (!isWorthRetry(failed.failure)) return escalated;
    const { gatherer } = this.parts.prepared;
    const { task } = escalated.check;
    const choice = gatherer.choiceOf(task, failed.attempts);
    const model = choice.stronger ?? gatherer.choiceOf(task, 1).stronger;
    if (model === undefined) return escalated;
    this.tellFailed(failed);
    const { arm } = choice;
    const outcome = await this.runOnce(
      escalated.check,
      { model, fallbacks: [], ...(arm === undefined ? {} : { arm }) },
      failed,
    );
    return { ...escalated, outcome };
  }

  /** The files of failed attempts: a revised task goes on from them, a stronger model starts without. */
  private async leftBy({ tree, inputTree }: Failed): Promise<MoreAttempts['left']> {
    if (tree === undefined || inputTree === undefined) return undefined;
    return changesBetween(this.parts.prepared.project.objects, inputTree, tree);
  }

  private async runOnce(
    check: Check,
    choice: ModelChoice,
    failed: Failed,
    left?: MoreAttempts['left'],
  ): Promise<TaskOutcome> {
    const { prepared, executor } = this.parts;
    const { attempts, evidence, usage, ms } = failed;
    const again = { choice, earlier: { attempts, evidence }, ...(left === undefined ? {} : { left }) };
    const run = await describeRun(prepared, { ...this.stale, check }, again);
    if (!run.ok) return { ...failed, failure: run.error };
    const ran = await executor.run(run.value, this.context);
    const outcome = check.task === this.stale.check.task ? ran : await this.standing(check, ran, failed);
    // An attempt that a budget refused before it began reports no usage.
    const sum = Object.keys(outcome.usage).length > 0 ? outcome.usage : usage;
    return { ...outcome, usage: sum, ms: ms + outcome.ms };
  }

  /** If another build stored a result for the revised task first, that result must pass this project's gates too. */
  private async standing(check: Check, outcome: TaskOutcome, failed: Failed): Promise<TaskOutcome> {
    if (!outcome.ok || !outcome.adopted) return outcome;
    const again = await this.parts.prepared.checkerOverEdits.check(check.task, this.stale.dependencyOutputs);
    const candidate = again.ok && again.value.verdict.kind === 'cached' ? again.value.candidate : undefined;
    const { attempts, usage, ms } = outcome;
    if (candidate?.key === check.storeKey) return { ok: true, result: candidate.commit, attempts, usage, ms };
    return { ...failed, attempts, usage, ms };
  }

  /** The executor emits a failure only if it starts another attempt itself. */
  private tellFailed({ attempts, failure }: Failed): void {
    if (this.told === failure) return;
    this.told = failure;
    this.context.emit({ type: 'task.attempt-failed', task: this.first.label, attempt: attempts, failure });
  }
}
