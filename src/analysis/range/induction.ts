/**
 * Which tasks are fresh without an analysis: those that were up to date when the last complete build ended, and of which nothing
 * that their verdict follows from has changed since. Computes no key.
 */

import { ownValue } from '../../base/records/own-value.js';
import { changedOrNothing } from '../../io/git/walk.js';
import { isSameJson } from '../../model/digest.js';
import type { FeatureLock } from '../../model/feature-lock.js';
import type { Label, Task } from '../../model/task.js';
import { type Files, type Listing, listingOfPaths } from '../../model/tree.js';
import type { Project } from '../../project/project.js';
import { parseLock } from '../../specs/lock-file.js';
import { asDependency, type DependencyOutputs } from '../dependency-outputs.js';
import { isAsRecorded } from '../locked-task.js';
import type { Prepared } from '../prepare.js';
import { type Changes, isTouched, withReaders } from './changes.js';
import { type AnalysisIndex, type HandWork, type IndexHead, readIndex } from './index-file.js';
import { agentsDigest, handWork, sharedDigest } from './shared-digests.js';
import { TaskWords } from './task-words.js';

type Analysed = Pick<Prepared, 'project' | 'agent' | 'gatherer' | 'settings' | 'forced'>;

const NO_FILES: Files = new Map();

/** What of a build's tasks needs no analysis. Asked task by task, when the dependencies of each are done. */
export class Induction {
  private readonly project: Project;
  /** Tasks that no change touches, directly or through what they depend on. */
  private readonly untouched: Set<Label>;
  private readonly noted: ReadonlySet<Label>;
  readonly words: TaskWords;
  /** Untouched tasks that are fresh in this build. */
  private readonly fresh = new Set<Label>();

  constructor(
    project: Project,
    { untouched, noted, words }: { untouched: Set<Label>; noted: readonly Label[]; words: TaskWords },
  ) {
    this.project = project;
    this.untouched = untouched;
    this.noted = new Set(noted);
    this.words = words;
  }

  /** What dependents see of a task that is fresh by induction; undefined where it has to be analysed. */
  outputsOf(task: Task): DependencyOutputs | undefined {
    const { label, edits } = task;
    // Whether a patch is still to be had is for the store to say.
    if (edits.length > 0 || this.noted.has(label) || !this.isProven(task)) return undefined;
    this.fresh.add(label);
    return asDependency(task, this.project.owned.get(label) ?? NO_FILES, []);
  }

  /** An analysis has found it fresh. */
  confirm(label: Label): void {
    if (this.isProven(this.project.graph.task(label))) this.fresh.add(label);
  }

  /** It has to be analysed: another task that it sees has changed while this build ran. */
  withdraw(label: Label): void {
    this.untouched.delete(label);
    this.fresh.delete(label);
  }

  /** Nothing that its verdict follows from has changed, and nothing is said of it. */
  isUntouched(label: Label): boolean {
    return this.untouched.has(label) && !this.noted.has(label);
  }

  private isProven({ label, dependsOn }: Task): boolean {
    return this.untouched.has(label) && dependsOn.every((need) => this.fresh.has(need));
  }
}

/** Opened when it is first needed: what is urgent is analysed and started before. */
export class LazyInduction {
  private readonly open: () => Promise<Induction>;
  private opened: Promise<Induction> | undefined;
  private found: Induction | undefined;
  /** What it is told before it is open. */
  private readonly early: ((induction: Induction) => void)[] = [];
  private urgent: ReadonlySet<Label> = new Set();
  private begun: Promise<void> | undefined;

  constructor(open: () => Promise<Induction>) {
    this.open = open;
  }

  /** These are analysed in any case; of others nothing is asked before what is urgent has begun. */
  putFirst(urgent: ReadonlySet<Label>, begun: Promise<void>): void {
    this.urgent = urgent;
    this.begun = begun;
  }

  get(): Promise<Induction> {
    this.opened ??= this.openNow();
    return this.opened;
  }

  async outputsOf(task: Task): Promise<DependencyOutputs | undefined> {
    if (this.urgent.has(task.label)) return undefined;
    await this.begun;
    return (this.found ?? (await this.get())).outputsOf(task);
  }

  confirm(label: Label): void {
    this.tell((induction) => induction.confirm(label));
  }

  withdraw(label: Label): void {
    this.tell((induction) => induction.withdraw(label));
  }

  private async openNow(): Promise<Induction> {
    const found = await this.open();
    for (const told of this.early) told(found);
    this.found = found;
    return found;
  }

  private tell(what: (induction: Induction) => void): void {
    if (this.found) what(this.found);
    else this.early.push(what);
  }
}

/** Without an index of the same version, config and settings nothing is untouched. `known`: the index, where it has been read. */
export async function openInduction(
  prepared: Analysed,
  version: string,
  known?: AnalysisIndex,
): Promise<Induction> {
  const { project, agent, gatherer, settings, forced } = prepared;
  const nothing = () =>
    new Induction(project, { untouched: new Set(), noted: [], words: new TaskWords(project) });
  const names = project.rest && project.features.keys();
  const index = known ?? (await readIndex(project.repository.state, names));
  const head = index?.head;
  if (!index || head?.shared !== sharedDigest(project, settings, version)) return nothing();
  // Files whose owner is still to be decided.
  if (project.mixed.size > 0 || project.claimed.size > 0) return nothing();
  const hand = handWork(project);
  const changed = await changedSince(project, head, hand);
  if (!changed) return nothing();
  const words = new TaskWords(project, { words: index.words, changed: changed.onDisk });
  const locks = await changedLocks(project, head, changed.onDisk);
  const changes: Changes = {
    paths: changed.all,
    hasHandWork: !isSameJson(hand, head.hand),
    hasSameWords: (task) => ownValue(index.words, task.label) === words.of(task),
    hasSameLock: (task) => hasSameLock(project, locks, task),
  };
  const areAgentsSame = head.agents === agentsDigest({ agent, gatherer });
  const touched: Label[] = [];
  for (const task of project.graph.tasks.values()) {
    const isAgents = task.recipe.kind === 'agent' && !areAgentsSame;
    if (isAgents || forced.has(task.label) || !isCurrent(project, task) || isTouched(project, task, changes))
      touched.push(task.label);
  }
  const reached = withReaders(project, touched);
  const untouched = new Set([...project.graph.tasks.keys()].filter((label) => !reached.has(label)));
  return new Induction(project, { untouched, noted: head.noted, words });
}

interface ChangedPaths {
  readonly onDisk: Listing;
  /** With those that are the same on disk, and that people wrote only before or only now. */
  readonly all: Listing;
}

/** Undefined where a tree of the index is not in the store any more. */
async function changedSince(
  { objects, snapshot }: Project,
  head: IndexHead,
  hand: HandWork,
): Promise<ChangedPaths | undefined> {
  const onDisk = await changedOrNothing(objects, head.tree, snapshot);
  const byHand = onDisk && (await changedOrNothing(objects, head.hand.tree, hand.tree));
  if (!byHand) return undefined;
  const paths = new Set([...onDisk.keys(), ...byHand.keys()]);
  return { onDisk: listingOfPaths(onDisk.keys()), all: listingOfPaths(paths) };
}

/** Lock files that are not as the last complete build left them, as it left them; undefined where it left none. */
async function changedLocks(
  { features, objects }: Project,
  { tree }: IndexHead,
  changed: Listing,
): Promise<ReadonlyMap<string, FeatureLock | undefined>> {
  const before = new Map<string, FeatureLock | undefined>();
  for (const { name, lockFile } of features.values()) {
    if (changed.get(lockFile) === undefined) continue;
    const text = (await objects.read(`${tree}:${lockFile}`))?.toString('utf8');
    const lock = text === undefined ? undefined : parseLock(text, lockFile);
    before.set(name, lock?.ok ? lock.value : undefined);
  }
  return before;
}

function hasSameLock(
  { locks }: Project,
  changed: ReadonlyMap<string, FeatureLock | undefined>,
  { feature, id }: Task,
): boolean {
  if (!changed.has(feature)) return true;
  return isSameJson(ownValue(changed.get(feature)?.tasks, id), ownValue(locks.get(feature)?.tasks, id));
}

/** Whether its files are as its one record has them. */
function isCurrent(project: Project, task: Task): boolean {
  const lock = project.locks.get(task.feature);
  const locked = ownValue(lock?.tasks, task.id);
  if (!lock || !locked || locked.unmerged || lock.hasMarkers || lock.isLost) return false;
  return isAsRecorded(project, locked, project.owned.get(task.label) ?? NO_FILES);
}
