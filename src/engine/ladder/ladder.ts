/**
 * What is done for a stale task, rung by rung: its attempts, then a better task, then a stronger model. Each rung is a
 * run of its own for the executor. Lands nothing.
 */

import { ok, type Result } from '../../base/result.js';
import type { Usage } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import type { ModelChoice } from '../../model/routes.js';
import type { TaskOutcome, TaskRun } from '../../model/run.js';
import type { Label, Task } from '../../model/task.js';
import type { Files } from '../../model/tree.js';
import { isMendable, isWorthRetry } from '../attempt-failure.js';
import type { Check } from '../check.js';
import type { ExecutionContext, Executor } from '../executor.js';
import type { Produced } from '../facts.js';
import type { Prepared } from '../prepare.js';
import type { QuestionParts } from '../question.js';
import { describeRun } from '../task-run.js';
import type { Improvement } from './improvement.js';
import { type Proposal, proposeTask } from './rebase.js';

export interface LadderParts {
  readonly prepared: Prepared;
  readonly executor: Executor;
  /** Who is asked for a better task; undefined: nobody, whatever the config says. */
  readonly rebaser: QuestionParts | undefined;
}

export interface Climbed {
  readonly outcome: TaskOutcome;
  /** Of the task that was built last, which a better one may be. */
  readonly check: Check;
  readonly improvement?: Improvement;
}

type Failed = Extract<TaskOutcome, { ok: false }>;

export async function climb(
  parts: LadderParts,
  check: Check,
  produced: ReadonlyMap<Label, Produced>,
  former: Files | undefined,
  context: ExecutionContext,
): Promise<Result<Climbed, Failure>> {
  const run = await describeRun(parts.prepared, check, produced, former);
  if (!run.ok) return run;
  const { label, recipe } = check.task;
  context.emit({ type: 'task.started', task: label, attempt: 1, recipe: recipe.kind });
  const outcome = await parts.executor.run(run.value, context);
  const climbing = new Climbing(parts, check.task, run.value, produced, former, context);
  return ok(await climbing.goOn({ outcome, check }));
}

class Climbing {
  private readonly parts: LadderParts;
  private readonly task: Task;
  private readonly first: TaskRun;
  private readonly produced: ReadonlyMap<Label, Produced>;
  private readonly former: Files | undefined;
  private readonly context: ExecutionContext;
  private told: Failure | undefined;

  constructor(
    parts: LadderParts,
    task: Task,
    first: TaskRun,
    produced: ReadonlyMap<Label, Produced>,
    former: Files | undefined,
    context: ExecutionContext,
  ) {
    this.parts = parts;
    this.task = task;
    this.first = first;
    this.produced = produced;
    this.former = former;
    this.context = context;
  }

  async goOn(climbed: Climbed): Promise<Climbed> {
    if (this.first.recipe.kind !== 'agent') return climbed;
    const better = climbed.outcome.ok ? climbed : await this.rebased(climbed, climbed.outcome);
    return better.outcome.ok ? better : this.stronger(better, better.outcome);
  }

  /** A better task, built once; as it was when there is none, or it is only proposed. */
  private async rebased(climbed: Climbed, failed: Failed): Promise<Climbed> {
    const { prepared, rebaser } = this.parts;
    const { config } = prepared.project;
    if (config.rebase === 'off' || !rebaser || !isMendable(failed.failure)) return climbed;
    this.tellFailed(failed);
    const { check } = climbed;
    const { label } = check.task;
    let usage: Usage = failed.usage;
    const request = { check, failed, view: this.first.view, produced: this.produced };
    const proposed = await proposeTask(prepared, rebaser, request, this.context, (sum) => (usage = sum));
    const spent: Failed = { ...failed, usage };
    if (!proposed.ok) {
      if (proposed.error.kind === 'cancelled')
        return { ...climbed, outcome: { ...spent, failure: proposed.error } };
      const why = 'detail' in proposed.error ? proposed.error.detail : proposed.error.kind;
      this.context.emit({ type: 'warning', task: label, message: `no better task was found (${why})` });
      return { ...climbed, outcome: spent };
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
    if (!improved) return { ...climbed, outcome: spent };
    const { improvement } = value;
    if (improved.candidate) {
      const { attempts, ms } = failed;
      const outcome: TaskOutcome = { ok: true, result: improved.candidate.commit, attempts, usage, ms };
      return { outcome, check: improved, improvement };
    }
    const choice = prepared.gatherer.choiceOf(improved.task, failed.attempts + 1);
    const outcome = await this.runOnce(improved, choice, spent);
    return { outcome, check: improved, improvement };
  }

  /** The check of a better task: one that has to be made, or whose result the store has. */
  private async checkOf({ task, improvement }: Proposal): Promise<Check | undefined> {
    const { prepared } = this.parts;
    const checked = await prepared.checkerOverEdits.check(task, this.produced);
    const kind = checked.ok ? checked.value.verdict.kind : undefined;
    if (checked.ok && (kind === 'stale' || kind === 'cached')) return checked.value;
    const why = checked.ok ? `it is ${kind}` : checked.error.kind;
    const message = `a better task was proposed that cannot be built (${why})`;
    this.context.emit({ type: 'warning', task: improvement.task.label, message });
    return undefined;
  }

  /** The next stronger model of the route, asked once. */
  private async stronger(climbed: Climbed, failed: Failed): Promise<Climbed> {
    if (!isWorthRetry(failed.failure)) return climbed;
    const { gatherer } = this.parts.prepared;
    const { task } = climbed.check;
    const choice = gatherer.choiceOf(task, failed.attempts);
    const model = choice.stronger ?? gatherer.choiceOf(task, 1).stronger;
    if (model === undefined) return climbed;
    this.tellFailed(failed);
    const { arm } = choice;
    const outcome = await this.runOnce(
      climbed.check,
      { model, fallbacks: [], ...(arm === undefined ? {} : { arm }) },
      failed,
    );
    return { ...climbed, outcome };
  }

  private async runOnce(check: Check, choice: ModelChoice, failed: Failed): Promise<TaskOutcome> {
    const { prepared, executor } = this.parts;
    const { attempts, evidence, usage, ms } = failed;
    const again = { choice, earlier: { attempts, evidence } };
    const run = await describeRun(prepared, check, this.produced, this.former, again);
    if (!run.ok) return { ...failed, failure: run.error };
    const ran = await executor.run(run.value, this.context);
    const outcome = check.task === this.task ? ran : await this.standing(check, ran, failed);
    // An attempt that was refused before it began tells of no usage.
    const sum = Object.keys(outcome.usage).length > 0 ? outcome.usage : usage;
    return { ...outcome, usage: sum, ms: ms + outcome.ms };
  }

  /** Where somebody else was first with a better task's result, that one must hold by the gates of here, too. */
  private async standing(check: Check, outcome: TaskOutcome, failed: Failed): Promise<TaskOutcome> {
    if (!outcome.ok || !outcome.adopted) return outcome;
    const again = await this.parts.prepared.checkerOverEdits.check(check.task, this.produced);
    const candidate = again.ok && again.value.verdict.kind === 'cached' ? again.value.candidate : undefined;
    const { attempts, usage, ms } = outcome;
    if (candidate?.key === check.storeKey) return { ok: true, result: candidate.commit, attempts, usage, ms };
    return { ...failed, attempts, usage, ms };
  }

  /** The executor tells only of failures that it follows with an attempt of its own. */
  private tellFailed({ attempts, failure }: Failed): void {
    if (this.told === failure) return;
    this.told = failure;
    this.context.emit({ type: 'task.attempt-failed', task: this.first.label, attempt: attempts, failure });
  }
}
