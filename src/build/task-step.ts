/** The steps of one task in a build: analysed, then restored, verified, built or refused. Decides no order. */

import { setImmediate } from 'node:timers/promises';
import { addUsage } from '../agent/usage.js';
import { type DependencyOutputs, resultAsDependency } from '../analysis/dependency-outputs.js';
import { hasTextBeside } from '../analysis/disk-state.js';
import { evolves } from '../analysis/input-tree.js';
import { seesOtherPatches } from '../analysis/patches.js';
import { filesInTheWay, overwriteFailure } from '../analysis/path-conflicts.js';
import type { LazyInduction } from '../analysis/range/induction.js';
import type { Check, Checker } from '../analysis/verdict.js';
import { checkWarnings } from '../analysis/verdict-warnings.js';
import type { Limiter } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import { guarded } from '../execution/attempt-failure.js';
import type { StoredResult, Usage } from '../model/action.js';
import type { TaskOutcomeKind } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label, Task } from '../model/task.js';
import type { Files } from '../model/tree.js';
import { describeVerdict } from '../report/verdict.js';
import { acceptFiles } from './hand-edits/accept-files.js';
import { mergeEdits, replacesAccepted } from './hand-edits/merge-edits.js';
import { recordedOutputs } from './hand-edits/recorded-files.js';
import { isNotTried } from './preflight.js';
import { type CheckedResult, finishedTask } from './publishing/publish-plan.js';
import { runKeys } from './reverify.js';
import { TaskOutcomes } from './task-outcomes.js';
import { type MadeResult, type MakeParts, makeResult } from './task-result.js';
import { verifyResult } from './verify.js';

export interface TaskStepParts extends MakeParts {
  /** The targets are built without their former outputs, and no former result of them stands. */
  readonly isFromScratch: boolean;
  /** Tells tasks that need no analysis; undefined: every task is analysed. */
  readonly induction: LazyInduction | undefined;
  /** Of checks at the same time. */
  readonly checks: Limiter;
  /** Some tasks are to be started as soon as can be: those with the highest priority. */
  readonly isUrgent: boolean;
}

type FinishedWork = Omit<CheckedResult, 'result'>;

/** Milliseconds of a task's own work: waits for a free worker are not in it. */
interface OwnTime {
  ms: number;
}

/** Results of other builds that may appear while one task is built; more of them are an endless loop. */
const MAX_OTHERS = 5;

export class TaskStep extends TaskOutcomes {
  usage: Usage = {};
  private readonly parts: TaskStepParts;
  /** Results that this build was the first to record as people left them. */
  private readonly accepted = new Map<Label, StoredResult>();

  constructor(parts: TaskStepParts) {
    super(parts.prepared.project, parts.caller.emit);
    this.parts = parts;
  }

  /** Takes those that need no analysis, each after what it needs, and tasks that were not read; what is left is returned. */
  async takeUnchanged(labels: readonly Label[]): Promise<readonly Label[]> {
    const { prepared, induction, isUrgent, sessionState } = this.parts;
    // Where something is urgent, even this comes after it.
    const opened = isUrgent ? undefined : await induction?.get();
    const outputsOf = (label: Label) => opened?.outputsOf(prepared.project.graph.task(label));
    const left = labels.filter((label) => !this.take(label, outputsOf(label)));
    sessionState.runs.keepNone(this.foundTogether());
    return left;
  }

  private take(label: Label, outputs: DependencyOutputs | undefined): boolean {
    if (!outputs) return false;
    // What a superseded build left running of it is wanted by nobody.
    this.parts.sessionState.runs.keepOnly(label);
    return this.foundUnchanged(label, outputs);
  }

  async run(label: Label): Promise<'done' | 'failed'> {
    const { result, ms } = await this.attempt(label);
    if (!result.ok && isNotTried(result.error)) {
      if (result.error.kind !== 'cancelled') this.firstFailure ??= result.error;
      if (result.error.kind === 'waits-for-ci') this.forCi.push(label);
      this.skip(label, undefined);
    } else if (result.ok) this.done(label, result.value, ms);
    else this.fail(label, result.error, ms);
    return result.ok ? 'done' : 'failed';
  }

  /**
   * Looks again at a finished task when other tasks have patched its files since: its gates have to pass on what will be
   * published, and a patch that no longer fits is built again.
   */
  async again(label: Label): Promise<'same' | 'rebuilt' | 'failed'> {
    const former = this.outcomes.get(label);
    this.parts.induction?.withdraw(label);
    this.unchanged.delete(label);
    const { result, ms } = await this.attempt(label);
    if (!result.ok) {
      if (result.error.kind !== 'cancelled') this.withdrawTasks([label], result.error);
      return 'failed';
    }
    const isRebuilt = result.value === 'built';
    // What became of it in this build is the greater of the two.
    const outcome = isRebuilt || former === undefined || former === 'fresh' ? result.value : former;
    if (outcome !== former || isRebuilt) this.done(label, outcome, ms);
    return isRebuilt ? 'rebuilt' : 'same';
  }

  private async attempt(label: Label) {
    const own: OwnTime = { ms: 0 };
    const task = this.parts.prepared.project.graph.task(label);
    const result = await guarded(() => this.bringUpToDate(task, own));
    return { result, ms: own.ms };
  }

  /** Repeats the analysis until it is decided: a result that fails a present gate is rejected, and the task is analysed again. */
  private async bringUpToDate(task: Task, own: OwnTime): Promise<Result<TaskOutcomeKind, Failure>> {
    const { prepared, options, priority, sessionState, now, induction } = this.parts;
    if (this.take(task.label, await induction?.outputsOf(task))) return this.tellUnchanged(task.label);
    const parts: TaskStepParts = { ...this.parts, worked: (ms) => (own.ms += ms) };
    let { checker } = prepared;
    let how: TaskOutcomeKind = 'cached';
    let others = 0;
    for (;;) {
      const using = checker;
      const checked = await this.parts.checks.run(async () => {
        // Thousands of checks without a wait would keep what waits for git or an agent from going on.
        await setImmediate();
        const startedAt = now();
        const one = await using.check(task, this.dependencyOutputs);
        own.ms += now() - startedAt;
        return one;
      }, priority(task.label));
      if (!checked.ok) return checked;
      const check = checked.value;
      // What a superseded build left running of this task is wanted under today's keys only.
      sessionState.runs.keepOnly(task.label, ...runKeys(check));
      this.emit({ type: 'task.checked', task: task.label, verdict: check.verdict });
      // To accept files runs no recipe.
      if (!options.accept) this.warn(task.label, checkWarnings(prepared.project, check, options));
      const accepted = await this.acceptAsIs(parts, check);
      if (accepted) return accepted;
      const restored = (outcome: TaskOutcomeKind) =>
        this.finishOverEdits(using, { check }, ok(check.candidate), outcome);
      switch (check.verdict.kind) {
        case 'fresh':
          // Text of people beside a patch is recorded with the patch, and a result of an earlier check in this build is replaced.
          if (check.candidate && (this.finished.has(task.label) || hasTextBeside(prepared.project, task)))
            return this.finish({ check }, check.candidate, 'fresh');
          induction?.confirm(task.label);
          return this.accept(check, 'fresh');
        case 'cached':
          return restored(how);
        case 'drifted':
          if (!check.verdict.stale) return this.accept(check, 'drifted');
          if (!options.keepEdits || checker !== prepared.checker) return err(overwriteFailure(check.verdict));
          checker = prepared.checkerOverEdits;
          continue;
        case 'unverified': {
          const verified = await verifyResult(parts, check, this.dependencyOutputs);
          if (verified.ok)
            return check.candidate
              ? restored(how === 'built' ? how : 'verified')
              : this.accept(check, 'verified');
          if (verified.error.kind !== 'gate-failed') return verified;
          // The content of this key is not good enough any more; the next check finds or makes another.
          checker.chain.reject(check.storeKey, verified.error.gate);
          continue;
        }
        case 'stale': {
          const { result, revised, ms = 0 } = await this.make(check, this.formerOf(checker, task));
          own.ms += ms;
          const isFinal = revised || !seesOtherPatches(prepared.project, task, this.dependencyOutputs);
          // Beside patches of other tasks its gates have to pass once more, on the file with all of them in order.
          if (typeof result === 'object' && (!result.ok || isFinal))
            return this.finishOverEdits(checker, revised ?? { check }, result, 'built');
          how = result === 'verified' ? result : result === 'elsewhere' ? 'cached' : 'built';
          if (++others > MAX_OTHERS) throw new Error(`BUG: ${task.label} is built again and again`);
          continue;
        }
        case 'pending':
          throw new Error(`BUG: ${task.label} was checked before its dependencies`);
      }
    }
  }

  /** Removes accepted results when the build is refused or stopped, so that no later build finds them. Those from before stay. */
  async takeBackAccepted(): Promise<void> {
    this.dropAccepted();
    await this.forgetTakenBack();
  }

  /** Their records are written, or their results wait to be published. */
  async keepAccepted(): Promise<void> {
    this.tellAccepted();
    await this.forgetTakenBack();
  }

  /** What was accepted and is not any more: the whole build was refused, or the task was withdrawn from it. */
  private async forgetTakenBack(): Promise<void> {
    for (const [label, { key }] of this.accepted)
      if (this.outcomes.get(label) !== 'accepted') await this.parts.prepared.store.forget(key);
  }

  /** Records the files as they are; undefined when that was not asked for, or they are those of a result anyway. */
  private async acceptAsIs(
    parts: TaskStepParts,
    check: Check,
  ): Promise<Result<TaskOutcomeKind, Failure> | undefined> {
    const { prepared, options } = parts;
    if (!options.accept || !prepared.targets.has(check.task.label)) return undefined;
    // As recorded: where only the gates changed, they are all that is to be run.
    if (check.verdict.kind === 'fresh' || (check.verdict.kind === 'unverified' && !check.candidate))
      return undefined;
    const recorded = await acceptFiles(parts, check, this.dependencyOutputs);
    if (!recorded?.ok) return recorded;
    const { result } = recorded.value;
    if (!result.stood) this.accepted.set(check.task.label, result);
    return this.finish(recorded.value, result, 'accepted');
  }

  /** The files that a task evolves from where that is not what is on disk: below a person's edit, the recorded ones. */
  private formerOf(checker: Checker, task: Task): Files | undefined {
    const { prepared, isFromScratch } = this.parts;
    if (isFromScratch && prepared.targets.has(task.label)) return new Map();
    return checker === prepared.checker ? undefined : recordedOutputs(prepared.project, task);
  }

  /** Adds a result to what is published, merged with a hand edit if the checker ignored the edit. */
  private async finishOverEdits(
    checker: Checker,
    work: FinishedWork,
    result: Result<StoredResult | undefined, Failure>,
    outcome: TaskOutcomeKind,
  ): Promise<Result<TaskOutcomeKind, Failure>> {
    if (!result.ok) return result;
    const made = result.value;
    const { prepared, options, isFromScratch } = this.parts;
    const { task } = work.check;
    const discards = options.discardEdits && (!isFromScratch || prepared.targets.has(task.label));
    // `regenerate` compares only its targets with what people wrote. An agent that went on from accepted files knows the edit.
    const mayReplaceEdit = discards || (outcome === 'built' && evolves(prepared.project, task));
    // The result may tell of another name: tasks whose keys have none share results.
    const losesEdit = made !== undefined && !mayReplaceEdit && (await replacesAccepted(prepared, task, made));
    if (!made || (checker === prepared.checker && !losesEdit)) return this.finish(work, made, outcome);
    const merged = await mergeEdits(this.parts, work.check, made, this.dependencyOutputs);
    return merged.ok ? this.finish(work, merged.value, outcome) : merged;
  }

  private finish(
    work: FinishedWork,
    result: StoredResult | undefined,
    outcome: TaskOutcomeKind,
  ): Result<TaskOutcomeKind, Failure> {
    const { task } = work.check;
    if (!result) throw new Error(`BUG: nothing to publish for ${task.label}`);
    const blocked = filesInTheWay(this.parts.prepared.project, result.outputs);
    if (blocked.length > 0) return err({ kind: 'foreign-files', paths: blocked });
    const finished = finishedTask({ ...work, result });
    this.finished.set(task.label, finished);
    this.dependencyOutputs.set(task.label, resultAsDependency(task, finished.result));
    return ok(outcome);
  }

  private async make(check: Check, former: Files | undefined): Promise<MadeResult> {
    const { options, durations } = this.parts;
    const { label } = check.task;
    if (options.frozen || options.restoreOnly || options.accept) {
      const verdict = describeVerdict(check.verdict);
      this.stale.set(label, verdict);
      const reasons = check.verdict.kind === 'stale' ? check.verdict.reasons : [];
      for (const reason of reasons)
        if (reason.kind === 'result-missing')
          for (const one of reason.unreached ?? []) this.unreached.add(one);
      return { result: err({ kind: 'not-up-to-date', tasks: [{ label, verdict }] }), usage: {} };
    }
    const { dependencyOutputs } = this;
    const fromScratch = this.parts.isFromScratch && this.parts.prepared.targets.has(label);
    const made = await makeResult(this.parts, { check, dependencyOutputs, former, fromScratch });
    this.usage = addUsage(this.usage, made.usage);
    if (made.ms !== undefined && (typeof made.result === 'string' || made.result.ok))
      durations.set(label, made.ms);
    if (typeof made.result === 'object' && made.result.ok && made.result.value) {
      const { checker, checkerOverEdits } = this.parts.prepared;
      for (const one of [checker, checkerOverEdits]) one.chain.keep(made.result.value.key);
    }
    return made;
  }
}
