/**
 * The chain of alternative keys of a task: for each stored result that cannot be used here, the next key. Knows the
 * kinds of conflict, but no files on disk and no verdicts.
 */

import { ok, type Result } from '../base/result.js';
import {
  type ActionKey,
  type FileChange,
  type KeyStep,
  nextKey,
  type ObservedInputs,
  type StoredResult,
} from '../model/action.js';
import { observedPolicy } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import { type LockedTask, resultKeyOf } from '../model/feature-lock.js';
import type { Label, Task } from '../model/task.js';
import { digestFiles, type Entry, encodeEntry } from '../model/tree.js';
import type { StaleReason } from '../model/verdict.js';
import type { Project } from '../project/project.js';
import type { ResultStore } from '../store/result-store.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import type { TaskFacts } from './facts.js';
import { beyondInterfaces, type ObservedState, observedState } from './observed-inputs.js';
import { patchInTheWay, seenFile, wholeFile } from './patches.js';
import { usableResult } from './pinned-results.js';

export interface Candidate {
  readonly storeKey: ActionKey;
  readonly result: StoredResult | undefined;
  readonly reasons: readonly StaleReason[];
  /** What its agent read undeclared and has changed since, where that is only worth a word. */
  readonly observed: readonly string[];
  /** Where there is no result: from today's key to `storeKey`, as far as it is known. */
  readonly via?: readonly KeyStep[];
}

/** A chain of unusable results this long means that something is wrong with the chain itself. */
const MAX_ALTERNATIVE_KEYS = 1000;

export class AlternativeKeys {
  private readonly project: Project;
  private readonly store: ResultStore;
  /** Tasks whose results are all passed over. */
  private readonly forced: ReadonlySet<Label>;
  /** Keys whose result is one of this run: nothing forces it again. */
  private readonly made = new Set<ActionKey>();
  /** Keys whose result failed its gates in this build, with the gate. */
  private readonly rejected = new Map<ActionKey, string>();

  constructor(project: Project, store: ResultStore, forced: ReadonlySet<Label>) {
    this.project = project;
    this.store = store;
    this.forced = forced;
  }

  /** The result under this key does not pass the gates of today: the next check looks past it. */
  reject(key: ActionKey, gate: string): void {
    this.rejected.set(key, gate);
  }

  /** The result under this key was made in this run: the next check of a forced task takes it. */
  keep(key: ActionKey): void {
    if (this.forced.size > 0) this.made.add(key);
  }

  /** A run begins that builds every forced task again, also those that an earlier run made. */
  startRun(): void {
    this.made.clear();
  }

  isRejected(key: ActionKey): boolean {
    return this.rejected.has(key);
  }

  /** Follows the chain of keys to the first result that can serve, or to the first free key. */
  async find(
    task: Task,
    facts: TaskFacts,
    locked: LockedTask | undefined,
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<Result<Candidate, Failure>> {
    const reasons: StaleReason[] = [];
    const lockedKey = locked && resultKeyOf(locked);
    let key = locked?.key === facts.key ? resultKeyOf(locked) : facts.key;
    // A lock may name a late result of the chain, while an earlier one fits the files of today again.
    let earlier = key === facts.key ? undefined : facts.key;
    let start = key;
    let via: KeyStep[] = [];
    const next = (...step: KeyStep) => {
      via.push(step);
      return nextKey(key, ...step);
    };
    const way = async () => ({ via: [...(await this.wayTo(start, facts.key)), ...via] });
    for (let length = 0; length < MAX_ALTERNATIVE_KEYS; length++) {
      const { result, problem } = await usableResult(this.project, task, await this.store.find(key));
      if (problem !== undefined) {
        const damaged: StaleReason = { kind: 'result-damaged', detail: problem };
        return ok({
          ...{ storeKey: key, result: undefined, reasons: [...reasons, damaged], observed: [] },
          ...(await way()),
        });
      }
      const recorded = result?.provenance.observed ?? (key === lockedKey ? locked?.observed : undefined);
      const seen = await this.observed(task, recorded, dependencyOutputs);
      if (this.isOutdated(seen)) {
        if (!reasons.some(({ kind }) => kind === 'observed-changed'))
          reasons.push({ kind: 'observed-changed', paths: seen.changed });
        if (earlier === undefined) key = next('observed', seen.digest);
        else {
          start = key = earlier;
          via = [];
        }
        earlier = undefined;
        continue;
      }
      if (!result) return ok({ storeKey: key, result, reasons, observed: [], ...(await way()) });
      const gate = this.rejected.get(key);
      const forced = this.forced.has(task.label) && !this.made.has(key);
      if (gate !== undefined || forced) {
        const reason: StaleReason = gate === undefined ? { kind: 'forced' } : { kind: 'gates-failed', gate };
        if (!reasons.some((other) => other.kind === reason.kind)) reasons.push(reason);
        key = next('rejected', digestFiles(result.outputs));
        continue;
      }
      const conflict = await this.misfit(task, result.edits, dependencyOutputs);
      if (!conflict.ok) return conflict;
      if (conflict.value === undefined) return ok({ storeKey: key, result, reasons, observed: seen.changed });
      const { base, ...where } = conflict.value;
      reasons.push({ kind: 'patch-conflict', ...where });
      key = next('conflict', `${where.path} ${base ? encodeEntry(base) : 'none'}`);
    }
    throw new Error(`BUG: the chain of results of ${task.label} has no end`);
  }

  /** Over results that were passed over for themselves: other reasons are not known any more. Empty: there is no such way. */
  private async wayTo(key: ActionKey, from: ActionKey): Promise<KeyStep[]> {
    const steps: KeyStep[] = [];
    for (let at = from; at !== key && steps.length < MAX_ALTERNATIVE_KEYS; ) {
      const found = await this.store.find(at);
      if (!found.ok || !found.value) return [];
      const step: KeyStep = ['rejected', digestFiles(found.value.outputs)];
      steps.push(step);
      at = nextKey(at, ...step);
    }
    return steps;
  }

  /** What a task's agent had read undeclared, against today; nothing changed where the config does not care. */
  observed(
    task: Task,
    recorded: ObservedInputs | undefined,
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<ObservedState> {
    const policy = observedPolicy(this.project.config);
    // What counts by signature has a say in the key: that only its inside changed is nothing to warn of.
    const relevant =
      policy === 'warn' && recorded
        ? beyondInterfaces(this.project, task, recorded, dependencyOutputs)
        : policy === 'ignore'
          ? undefined
          : recorded;
    return observedState(this.project, task, relevant, dependencyOutputs);
  }

  isOutdated(seen: ObservedState): boolean {
    return seen.changed.length > 0 && observedPolicy(this.project.config) === 'rebuild';
  }

  /** The first edited file, as in the present input tree, to which the task's patch no longer applies. */
  async misfit(
    task: Task,
    edits: readonly FileChange[],
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<Result<{ path: string; base: Entry | undefined; with?: Label } | undefined, Failure>> {
    for (const edit of edits) {
      const whole = await wholeFile(this.project, task, edit, dependencyOutputs);
      if (!whole.ok) return whole;
      if (whole.value.fits) continue;
      const seen = await seenFile(this.project, task, edit.path, dependencyOutputs);
      if (!seen.ok) return seen;
      const other = await patchInTheWay(this.project, task, edit, dependencyOutputs);
      const where = other === undefined ? {} : { with: other };
      return ok({ path: edit.path, base: seen.value.beside, ...where });
    }
    return ok(undefined);
  }
}
