/** The steps of one task in a build: analysed, then restored, verified, built or refused. Decides no order. */

import { setImmediate } from 'node:timers/promises';
import { addUsage } from '../agent/usage.js';
import { type DependencyOutputs, interfaceOf } from '../analysis/dependency-outputs.js';
import { evolves } from '../analysis/input-tree.js';
import { filesInTheWay, overwriteFailure } from '../analysis/path-conflicts.js';
import type { Check, Checker } from '../analysis/verdict.js';
import { checkWarnings } from '../analysis/verdict-warnings.js';
import { Limiter } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import { guarded } from '../execution/attempt-failure.js';
import type { StoredResult, Usage } from '../model/action.js';
import type { BuildEventBody, TaskOutcomeKind } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label, Task } from '../model/task.js';
import type { Files } from '../model/tree.js';
import { lockedTask } from '../project/project.js';
import { describeVerdict } from '../report/verdict.js';
import { acceptFiles } from './hand-edits/accept-files.js';
import { mergeEdits, recordedOutputs, replacesAccepted } from './hand-edits/merge-edits.js';
import type { BuildOptions } from './options.js';
import { type FinishedTask, savedUsage, tasksInConflict } from './publishing/publish-plan.js';
import { runKeys } from './reverify.js';
import { type MadeResult, type MakeParts, makeResult } from './task-result.js';
import { verifyResult } from './verify.js';

export interface TaskStepParts extends MakeParts {
  readonly options: BuildOptions;
  /** Some tasks are to be started as soon as can be: those with the highest priority. */
  readonly isUrgent: boolean;
  /** Recorded durations, written to. */
  readonly durations: Record<Label, number>;
}

type FinishedWork = Omit<FinishedTask, 'result'>;

/** Milliseconds of a task's own work: waits for a free worker are not in it. */
interface OwnTime {
  ms: number;
}

/** Checks at the same time: enough to wait for git together. */
const CHECKS = 16;
/** Where something is urgent: each that waits for git waits for the others' work too. */
const CHECKS_BESIDE_URGENT = 4;

/** Results of other builds that may appear while one task is built; more of them are an endless loop. */
const MAX_OTHERS = 5;

export class TaskStep {
  readonly dependencyOutputs = new Map<Label, DependencyOutputs>();
  readonly finished = new Map<Label, FinishedTask>();
  readonly outcomes = new Map<Label, TaskOutcomeKind>();
  usage: Usage = {};
  firstFailure: Failure | undefined;
  readonly failures = new Map<Label, Failure>();
  private readonly stale = new Map<Label, string>();
  /** Finished, and taken out of the publish plan again. */
  private readonly retracted = new Set<Label>();
  /** Results that were recorded as people left them. */
  private readonly accepted: StoredResult[] = [];
  private readonly parts: TaskStepParts;
  private readonly checks: Limiter;

  constructor(parts: TaskStepParts) {
    this.parts = parts;
    this.checks = new Limiter(parts.isUrgent ? CHECKS_BESIDE_URGENT : CHECKS);
  }

  private emit(event: BuildEventBody): void {
    this.parts.caller.emit(event);
  }

  async run(label: Label): Promise<'done' | 'failed'> {
    const task = this.parts.prepared.project.graph.task(label);
    const own: OwnTime = { ms: 0 };
    const result = await guarded(() => this.bringUpToDate(task, own));
    const { ms } = own;
    if (!result.ok && result.error.kind === 'cancelled') {
      this.skip(label, undefined);
      return 'failed';
    }
    if (!result.ok) {
      const { error: failure } = result;
      this.firstFailure ??= failure;
      this.failures.set(label, failure);
      this.outcomes.set(label, 'failed');
      this.emit({ type: 'task.finished', task: label, outcome: 'failed', ms, failure });
      return 'failed';
    }
    this.outcomes.set(label, result.value);
    const saved = savedUsage(this.finished.get(label), result.value);
    const more = { ...(saved === undefined ? {} : { saved }), ...this.publishedBy(task) };
    this.emit({ type: 'task.finished', task: label, outcome: result.value, ms, ...more });
    return 'done';
  }

  /** The result that is to be published, and the one that it takes the place of. */
  private publishedBy(task: Task): { result?: string; former?: string } {
    const result = this.finished.get(task.label)?.result?.commit;
    if (result === undefined) return {};
    const former = lockedTask(this.parts.prepared.project, task)?.result;
    return { result, ...(former === undefined ? {} : { former }) };
  }

  skip(label: Label, because: Label | undefined): void {
    this.outcomes.set(label, 'skipped');
    const why = because ? { because } : {};
    this.emit({ type: 'task.finished', task: label, outcome: 'skipped', ms: 0, ...why });
  }

  /** Withdraws those of the tasks whose patch of a file cannot be published; false when there is none. */
  withdraw(failure: Failure, published: Iterable<Label>): boolean {
    const { graph } = this.parts.prepared.project;
    const labels = tasksInConflict(graph, [...published], failure);
    for (const task of labels) this.retract(task, { outcome: 'failed', failure });
    for (const label of graph.order) {
      const because = graph.task(label).dependsOn.find((need) => this.retracted.has(need));
      // What was built on a withdrawn result would be published on files that do not exist.
      if (because && this.finished.has(label)) this.retract(label, { outcome: 'skipped', because });
    }
    if (labels.length > 0) this.firstFailure ??= failure;
    return labels.length > 0;
  }

  /** The last event of a task counts: it was finished, and is not published. */
  private retract(task: Label, why: Pick<TaskFinished, 'outcome' | 'failure' | 'because'>): void {
    this.retracted.add(task);
    this.finished.delete(task);
    this.dependencyOutputs.delete(task);
    this.outcomes.set(task, why.outcome);
    this.emit({ type: 'task.finished', task, ms: 0, ...why });
  }

  /** For `--frozen`: everything that needs a recipe, a person or another task first. */
  notUpToDate(): { label: Label; verdict: string }[] {
    const rows = [...this.stale].map(([label, verdict]) => ({ label, verdict }));
    for (const [label, verdict] of this.outcomes) {
      const isCurrent = verdict !== 'failed' && verdict !== 'skipped' && verdict !== 'drifted';
      if (!isCurrent && !this.stale.has(label)) rows.push({ label, verdict });
    }
    return rows;
  }

  /** Repeats the analysis until it is decided: a result that fails a present gate is rejected, and the task is analysed again. */
  private async bringUpToDate(task: Task, own: OwnTime): Promise<Result<TaskOutcomeKind, Failure>> {
    const { prepared, options, priority, sessionState, now } = this.parts;
    const parts: TaskStepParts = { ...this.parts, worked: (ms) => (own.ms += ms) };
    let { checker } = prepared;
    let how: TaskOutcomeKind = 'cached';
    let others = 0;
    for (;;) {
      const using = checker;
      const checked = await this.checks.run(async () => {
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
      for (const message of checkWarnings(prepared.project, check))
        this.emit({ type: 'warning', task: task.label, message });
      const accepted = await this.acceptAsIs(parts, check);
      if (accepted) return accepted;
      const restored = (outcome: TaskOutcomeKind) =>
        this.finishOverEdits(using, { check }, ok(check.candidate), outcome);
      switch (check.verdict.kind) {
        case 'fresh':
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
          checker.reject(check.storeKey, verified.error.gate);
          continue;
        }
        case 'stale': {
          const { result, revised, ms = 0 } = await this.make(check, this.formerOf(checker, task));
          own.ms += ms;
          if (typeof result === 'object')
            return this.finishOverEdits(checker, revised ?? { check }, result, 'built');
          how = result === 'again' ? 'built' : result;
          if (++others > MAX_OTHERS) throw new Error(`BUG: ${task.label} is built again and again`);
          continue;
        }
        case 'pending':
          throw new Error(`BUG: ${task.label} was checked before its dependencies`);
      }
    }
  }

  /** Removes accepted results when the build is refused, so that no later build finds them. */
  async takeBackAccepted(): Promise<void> {
    for (const { key } of this.accepted) await this.parts.prepared.store.forget(key);
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
    this.accepted.push(recorded.value);
    return this.finish({ check }, recorded.value, 'accepted');
  }

  private accept(check: Check, outcome: TaskOutcomeKind): Result<TaskOutcomeKind, Failure> {
    if (check.dependencyOutputs) this.dependencyOutputs.set(check.task.label, check.dependencyOutputs);
    return ok(outcome);
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
    const isOverEdits = checker !== this.parts.prepared.checker;
    const { prepared, options, isFromScratch } = this.parts;
    // An agent that went on from the accepted files knows the edit.
    const knowsEdit = outcome === 'built' && !isFromScratch && evolves(prepared.project, work.check.task);
    const mayReplaceEdit = options.discardEdits || knowsEdit;
    const losesEdit = made !== undefined && !mayReplaceEdit && replacesAccepted(prepared.project, made);
    if (!made || !(isOverEdits || losesEdit)) return this.finish(work, made, outcome);
    const merged = await mergeEdits(this.parts, work.check, made, this.dependencyOutputs);
    return merged.ok ? this.finish(work, merged.value, outcome) : merged;
  }

  private finish(
    { check, revision }: FinishedWork,
    result: StoredResult | undefined,
    outcome: TaskOutcomeKind,
  ): Result<TaskOutcomeKind, Failure> {
    if (!result) throw new Error(`BUG: nothing to publish for ${check.task.label}`);
    const { task } = check;
    const blocked = filesInTheWay(this.parts.prepared.project, result.outputs);
    if (blocked.length > 0) return err({ kind: 'foreign-files', paths: blocked });
    const patches = result.edits.map((edit) => [edit.path, edit.after] as const);
    this.dependencyOutputs.set(task.label, {
      label: task.label,
      outputs: result.outputs,
      interface: interfaceOf(task, result.outputs, patches),
      edits: result.edits,
    });
    this.finished.set(task.label, { check, result, ...(revision ? { revision } : {}) });
    return ok(outcome);
  }

  private async make(check: Check, former: Files | undefined): Promise<MadeResult> {
    const { options, durations } = this.parts;
    const { label } = check.task;
    if (options.frozen || options.restoreOnly || options.accept) {
      const verdict = describeVerdict(check.verdict);
      this.stale.set(label, verdict);
      return { result: err({ kind: 'not-up-to-date', tasks: [{ label, verdict }] }), usage: {} };
    }
    const { dependencyOutputs } = this;
    const made = await makeResult(this.parts, { check, dependencyOutputs, former });
    this.usage = addUsage(this.usage, made.usage);
    if (made.ms !== undefined) durations[label] = made.ms;
    return made;
  }
}

type TaskFinished = Extract<BuildEventBody, { type: 'task.finished' }>;
