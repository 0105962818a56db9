/**
 * Computes what a build would do with one task, and why: for status, explain, dry run and build. Reads the store and
 * changes nothing.
 */

import { ok, type Result } from '../base/result.js';
import { type ActionKey, compareManifests, type StoredResult } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { type LockedTask, resultKeyOf } from '../model/feature-lock.js';
import type { GateSpec, Label, Task } from '../model/task.js';
import { decodeEntry, type Files } from '../model/tree.js';
import type { PendingVerdict, StaleReason, Verdict } from '../model/verdict.js';
import { lockedTask, type Project } from '../project/project.js';
import { gatesKey } from '../store/manifest.js';
import type { ResultStore } from '../store/result-store.js';
import { AlternativeKeys, type Candidate } from './alternative-keys.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import { asDependency, lockedPatches, resultAsDependency } from './dependency-outputs.js';
import {
  compareWithDisk,
  contestedEdits,
  type DiskState,
  lostPatches,
  patchDrift,
  type Subject,
} from './disk-state.js';
import type { FactGatherer, TaskFacts } from './facts.js';
import { type FormerResult, formerResult } from './former/former-result.js';
import { underTodaysKey } from './interfaces/former-keys.js';
import { withDeclarations } from './interfaces/interface-changes.js';
import { isAsRecorded, lockedEdits } from './locked-task.js';
import { isAsPublished, loadOtherPatches } from './patches.js';
import { missingPin } from './pinned-results.js';
import { chooseRecord } from './record-choice.js';
import { gatesOf } from './visible-files.js';

export interface Check {
  readonly task: Task;
  readonly facts: TaskFacts;
  readonly verdict: Verdict;
  readonly gates: readonly GateSpec[];
  /** Under this key a new result would be kept. */
  readonly storeKey: ActionKey;
  /** As a candidate has it. */
  readonly via?: Candidate['via'];
  /** The result that would be published: of a cached or unverified task, and of a fresh one when it was looked up. */
  readonly candidate: StoredResult | undefined;
  /** Of a stale task: its former result, on which its gates are run first. */
  readonly former: FormerResult | undefined;
  /** What dependents see; undefined where it has to be made first. */
  readonly dependencyOutputs: DependencyOutputs | undefined;
}

export interface CheckOptions {
  /** Tasks to build again whatever the store has. */
  readonly forced: ReadonlySet<Label>;
  readonly discardEdits: boolean;
  readonly rebuildMissing: boolean;
  /** What a lock says of gates counts only where they were run here. */
  readonly verifyRestored: boolean;
}

const NO_FILES: Files = new Map();
export class Checker {
  private readonly project: Project;
  private readonly gatherer: FactGatherer;
  private readonly store: ResultStore;
  private readonly options: CheckOptions;
  /** Told of what runs: which results were made or failed their gates. */
  readonly chain: AlternativeKeys;

  constructor(project: Project, gatherer: FactGatherer, store: ResultStore, options: CheckOptions) {
    this.project = project;
    this.gatherer = gatherer;
    this.store = store;
    this.options = options;
    this.chain = new AlternativeKeys(project, store, options.forced);
  }

  async check(
    task: Task,
    dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<Result<Check, Failure>> {
    await loadOtherPatches(this.project, this.store, task, dependencyOutputs);
    const gathered = await this.gatherer.gather(task, dependencyOutputs);
    if (!gathered.ok) return gathered;
    const facts = gathered.value;
    const gates = gatesOf(this.project, task);
    const choice = await chooseRecord(this.project, this.store, task, facts);
    const locked = await this.locked(task, facts);
    const onDisk = this.project.owned.get(task.label) ?? NO_FILES;
    const isPassedOver = this.options.forced.has(task.label) || (choice?.accepted.length ?? 0) > 0;
    const known = locked?.key === facts.key && !isPassedOver ? locked : undefined;
    const subject: Subject = { task, facts, gates, locked, onDisk, dependencyOutputs };
    const make = checkOf.bind(undefined, subject);

    if (known && isAsRecorded(this.project, known, onDisk)) {
      const patches = lockedPatches(known);
      const key = gatesKey({ task, gates, facts: facts.facts }, onDisk, patches);
      const resultKey = resultKeyOf(known);
      const seen = await this.chain.observed(task, known.observed, dependencyOutputs);
      if (!this.chain.isRejected(resultKey) && !this.chain.isOutdated(seen)) {
        const stored = task.edits.length > 0 ? await this.store.find(resultKey) : undefined;
        const candidate: Candidate = {
          storeKey: resultKey,
          result: stored?.ok ? stored.value : undefined,
          reasons: [],
          observed: seen.changed,
        };
        const fresh: Verdict = { kind: 'fresh', ...observedPart(seen.changed) };
        const edits = candidate.result
          ? ok(candidate.result.edits)
          : await lockedEdits(this.project, task, known, dependencyOutputs);
        if (!edits.ok) return edits;
        const made = asDependency(task, onDisk, patches, edits.value);
        // Without its patch, dependents would be made on a file that this task never left; and beside the patches of
        // other tasks it has to fit as they are today.
        const isSame = task.edits.every((path) => isAsPublished(this.project, path, dependencyOutputs));
        const misfit =
          edits.value &&
          (isSame ? ok(undefined) : await this.chain.misfit(task, edits.value, dependencyOutputs));
        if (misfit && !misfit.ok) return misfit;
        if (key === known.gates && misfit?.ok && !misfit.value)
          return make(fresh, candidate, { dependencyOutputs: made });
        // Verified elsewhere, or verified by another key: the content must come from the store to be published again.
        const full = await this.chain.find(task, facts, locked, dependencyOutputs);
        if (!full.ok) return full;
        if (full.value.result) return this.judge(subject, full.value);
        if (edits.value && !misfit?.value) {
          const unverified: Verdict = { kind: 'unverified', gates: gates.map((gate) => gate.name) };
          // Where there is no result to publish again, the record keeps the key of former gates.
          const verified = key === undefined || (await this.store.gatesPassed(key));
          return make(verified ? fresh : unverified, candidate, { dependencyOutputs: made });
        }
      }
    }
    const candidate = await this.find(subject, choice?.fit ?? locked);
    if (!candidate.ok) return candidate;
    return this.judge(subject, candidate.value);
  }

  /**
   * What is known of a task before its dependencies are built: its own edits, and what has changed even if they come out
   * as `foreseen` has them.
   */
  async foresee(
    task: Task,
    on: readonly Label[],
    foreseen: ReadonlyMap<Label, DependencyOutputs>,
  ): Promise<PendingVerdict> {
    const gathered = await this.gatherer.gather(task, foreseen);
    const facts = gathered.ok ? gathered.value : undefined;
    const locked = facts ? await this.locked(task, facts) : lockedTask(this.project, task);
    const onDisk = this.project.owned.get(task.label) ?? NO_FILES;
    const disk = compareWithDisk(this.project, { task, locked, onDisk }, NO_FILES);
    const subject = facts && { task, facts, gates: gatesOf(this.project, task), locked, onDisk };
    const seen = subject && { ...subject, dependencyOutputs: foreseen };
    const reasons = seen ? await this.reasons(seen, disk, undefined) : [];
    // Which other changes there will be, only a build tells.
    const former = seen ? await this.former(seen, reasons) : undefined;
    const paths = this.options.discardEdits ? disk.blocked : disk.changed;
    const inTheWay = paths.filter((path) => disk.foreign.has(path));
    return {
      kind: 'pending',
      on,
      ...(reasons.length === 0 ? {} : { reasons }),
      ...reverifyPart(former?.sameTask ? former : undefined),
      ...(paths.length === 0 ? {} : { paths }),
      ...(inTheWay.length === 0 ? {} : { inTheWay }),
    };
  }

  private locked(task: Task, facts: TaskFacts): Promise<LockedTask | undefined> {
    return underTodaysKey(this.project, task.label, lockedTask(this.project, task), facts);
  }

  /** A result under today's key, else one under a key that the same content had before. */
  private async find(
    { task, facts, dependencyOutputs }: Subject,
    locked: LockedTask | undefined,
  ): Promise<Result<Candidate, Failure>> {
    const found = await this.chain.find(task, facts, locked, dependencyOutputs);
    if (!found.ok || found.value.result || !facts.formers || this.options.forced.has(task.label))
      return found;
    const reasons = [...found.value.reasons];
    for (const key of await facts.formers()) {
      const former = await this.chain.find(task, { ...facts, key }, locked, dependencyOutputs);
      if (!former.ok || former.value.result) return former;
      for (const one of former.value.reasons)
        if (reasons.every(({ kind }) => kind !== one.kind)) reasons.push(one);
    }
    // A new result gets today's key, also where a former one was passed over.
    return ok({ ...found.value, reasons });
  }

  private async judge(subject: Subject, candidate: Candidate): Promise<Result<Check, Failure>> {
    const { task, facts, gates, locked } = subject;
    const make = checkOf.bind(undefined, subject);
    const result = candidate.result;
    const sameKey = locked?.key === facts.key;
    const disk = compareWithDisk(this.project, subject, result?.outputs ?? NO_FILES);
    const known = candidate.reasons.map(({ kind }) => kind);
    const found = (await this.reasons(subject, disk, result)).filter(
      ({ kind }) => kind !== 'forced' || !known.includes(kind),
    );
    const reasons = [...candidate.reasons, ...found];

    const isCurrent = sameKey && candidate.reasons.length === 0 && !this.options.forced.has(task.label);
    const drift = this.options.discardEdits
      ? disk.blocked
      : [...disk.changed, ...lostPatches(this.project, subject, result, isCurrent)];
    const contested = contestedEdits(this.project, subject, candidate);
    const inPatches = patchDrift(this.project, subject, contested, drift.length > 0);
    drift.push(...contested);
    if (drift.length > 0) {
      const foreign = drift.filter((path) => disk.foreign.has(path));
      const more = { ...inPatches, ...(foreign.length === 0 ? {} : { inTheWay: foreign }) };
      if (!isCurrent) return make({ kind: 'drifted', paths: drift, stale: reasons, ...more }, candidate);
      // Dependents continue to see the recorded files: an edit affects them only when it is accepted.
      const recorded = new Map(
        Object.entries(locked.outputs).map(([path, word]) => [path, decodeEntry(word)]),
      );
      const made = asDependency(task, result?.outputs ?? recorded, lockedPatches(locked), result?.edits);
      return make({ kind: 'drifted', paths: drift, stale: undefined, ...more }, candidate, {
        dependencyOutputs: made,
      });
    }
    if (!result && isCurrent && !this.options.rebuildMissing) reasons.push(...missingPin(locked, this.store));
    if (!result) {
      const former = await this.former(subject, reasons);
      return make({ kind: 'stale', reasons, ...reverifyPart(former) }, candidate, { former });
    }

    const patches = result.edits.map((edit) => [edit.path, edit.after] as const);
    const made = resultAsDependency(task, result);
    const key = gatesKey({ task, gates, facts: facts.facts }, result.outputs, patches);
    const recorded = key === locked?.gates && !this.options.verifyRestored;
    const verified = key === undefined || recorded || (await this.store.gatesPassed(key));
    const verdict: Verdict = verified
      ? { kind: 'cached', reasons, ...observedPart(candidate.observed) }
      : { kind: 'unverified', gates: gates.map((gate) => gate.name) };
    return make(verdict, candidate, { dependencyOutputs: made });
  }

  private former(subject: Subject, reasons: readonly StaleReason[]): Promise<FormerResult | undefined> {
    const { project, store, chain } = this;
    return formerResult({ project, store, chain }, subject, reasons);
  }

  private async reasons(
    { task, facts, locked, dependencyOutputs }: Omit<Subject, 'gates' | 'onDisk'>,
    disk: DiskState,
    result: StoredResult | undefined,
  ): Promise<StaleReason[]> {
    if (!locked) return [{ kind: 'never-built' }];
    if (this.options.forced.has(task.label)) return [{ kind: 'forced' }];
    if (locked.key !== facts.key) {
      const old = await this.store.find(resultKeyOf(locked));
      const made = old.ok ? old.value?.provenance : undefined;
      const changes = made ? compareManifests(made.manifest, facts.manifest) : [];
      const today = { dependencies: facts.facts.dependencies, dependencyOutputs };
      const told = made ? await withDeclarations(this.project, made, changes, today) : changes;
      return [{ kind: 'manifest-changed', changes: told }];
    }
    const edited = result ? result.edits.map((edit) => edit.path) : [];
    const lost = [...disk.missing, ...edited.filter((path) => !this.project.listing.get(path))];
    return lost.length > 0 ? [{ kind: 'outputs-missing', paths: lost }] : [];
  }
}

function checkOf(
  { task, facts, gates }: Subject,
  verdict: Verdict,
  { storeKey, result, via }: Candidate,
  { dependencyOutputs, former }: Partial<Pick<Check, 'dependencyOutputs' | 'former'>> = {},
): Result<Check, Failure> {
  const known = { task, facts, gates, verdict, storeKey, candidate: result, former, dependencyOutputs };
  return ok(via ? { ...known, via } : known);
}

/** The part of a verdict about a former result that may stand. */
function reverifyPart(former: FormerResult | undefined): Pick<PendingVerdict, 'reverify'> {
  if (!former) return {};
  const { result, against, sameTask } = former;
  return { reverify: { former: result.key, against, ...(sameTask ? { sameTask } : {}) } };
}

/** The part of a verdict about observed inputs that have changed. */
function observedPart(observed: readonly string[]): { observed?: readonly string[] } {
  return observed.length === 0 ? {} : { observed };
}
