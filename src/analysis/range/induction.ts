/**
 * Which tasks are fresh without an analysis: those that were up to date when the last complete build ended, and of which nothing
 * that their verdict follows from has changed since. Computes no key.
 */

import { ObjectDamaged } from '../../io/git/damaged.js';
import { changedFiles } from '../../io/git/walk.js';
import { KEY_VERSION } from '../../model/action.js';
import { canonicalJson, type Digest, digestFields, isSameJson } from '../../model/digest.js';
import type { FeatureLock } from '../../model/feature-lock.js';
import type { Label, Task } from '../../model/task.js';
import { type Files, type Listing, listingOfPaths, type ObjectId } from '../../model/tree.js';
import { lockedTask, type Project } from '../../project/project.js';
import { parseLock } from '../../specs/lock-file.js';
import { asDependency, type DependencyOutputs } from '../dependency-outputs.js';
import { interfacesOf } from '../interfaces/interfaces.js';
import { isAsRecorded } from '../locked-task.js';
import type { Prepared } from '../prepare.js';
import { patchedFiles } from '../visible-files.js';
import { type Changes, isTouched, withReaders } from './changes.js';
import { type AnalysisIndex, type HandWork, readIndex, writeIndex } from './index-file.js';
import { TaskWords } from './task-words.js';

type Analysed = Pick<Prepared, 'project' | 'agent' | 'gatherer' | 'settings' | 'forced'>;

const NO_FILES: Files = new Map();
/** No digest. */
const UNKNOWN: Digest = '';

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

/** Without an index of the same version, config and settings nothing is untouched. */
export async function openInduction(prepared: Analysed, version: string): Promise<Induction> {
  const { project, agent, gatherer, settings, forced } = prepared;
  const nothing = () =>
    new Induction(project, { untouched: new Set(), noted: [], words: new TaskWords(project) });
  const index = await readIndex(project.repository.state);
  if (!index || index.shared !== sharedDigest(project, settings, version)) return nothing();
  // Files whose owner is still to be decided.
  if (project.mixed.size > 0 || project.claimed.size > 0) return nothing();
  const hand = handWork(project);
  const changed = await changedSince(project, index, hand);
  if (!changed) return nothing();
  const words = new TaskWords(project, { words: index.words, changed: changed.onDisk });
  const locks = await changedLocks(project, index, changed.onDisk);
  const changes: Changes = {
    paths: changed.all,
    hasHandWork: !isSameJson(hand, index.hand),
    hasSameWords: (task) => index.words[task.label] === words.of(task),
    hasSameLock: (task) => hasSameLock(project, locks, task),
    observedBy: (task) => Object.keys(lockedTask(project, task)?.observed ?? {}),
  };
  const areAgentsSame = index.agents === agentsDigest({ agent, gatherer });
  const touched: Label[] = [];
  for (const task of project.graph.tasks.values()) {
    const isAgents = task.recipe.kind === 'agent' && !areAgentsSame;
    if (isAgents || forced.has(task.label) || !isCurrent(project, task) || isTouched(project, task, changes))
      touched.push(task.label);
  }
  const reached = withReaders(project, touched);
  const untouched = new Set([...project.graph.tasks.keys()].filter((label) => !reached.has(label)));
  return new Induction(project, { untouched, noted: index.noted, words });
}

export interface CompleteBuild {
  readonly version: string;
  /** What it left on disk. */
  readonly tree: ObjectId;
  /** Tasks of which something was said although they are up to date. */
  readonly noted: Iterable<Label>;
  /** Features whose spec the build itself changed: what stands there now says something else of one task at least. */
  readonly revised: ReadonlySet<string>;
}

/** Keeps for the next build what this one saw, after everything is up to date and published. */
export async function keepIndex(
  { project, agent, gatherer, settings }: Analysed,
  { words }: Induction,
  { version, tree, noted, revised }: CompleteBuild,
): Promise<void> {
  const known: Record<Label, Digest> = {};
  for (const task of project.graph.tasks.values())
    if (!revised.has(task.feature)) known[task.label] = words.of(task);
  await writeIndex(project.repository.state, {
    tree,
    hand: handWork(project),
    shared: sharedDigest(project, settings, version),
    // Without a compiler, what agents' tasks are keyed on is still to be found out.
    agents: interfacesOf(project).hasNoCompiler ? UNKNOWN : agentsDigest({ agent, gatherer }),
    words: known,
    noted: [...noted].sort(),
  });
}

/** What is in the keys of all tasks, or in what is read of them. What only limits a build does not count. */
function sharedDigest(
  { config, rules }: Project,
  { items, packages }: Analysed['settings'],
  version: string,
): Digest {
  const { budget: _budget, workers: _workers, ...rest } = config;
  const { text, above } = rules;
  const fields = [rest, items, packages, text, above].map(canonicalJson);
  return digestFields('conductor.shared.1', [version, KEY_VERSION, ...fields]);
}

/** The driver, the prompts and the agent definitions. */
function agentsDigest({ agent, gatherer }: Pick<Analysed, 'agent' | 'gatherer'>): Digest {
  const prompts = [...gatherer.templates].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
  const definitions = gatherer.allDefinitions.map(({ name, text, isShipped }) => ({ name, text, isShipped }));
  const driver = { identity: agent?.identity, definitionsAreText: agent?.definitionsAreText };
  return digestFields('conductor.agents.1', [canonicalJson(driver), canonicalJson(definitions), ...prompts]);
}

function handWork(project: Project): HandWork {
  const { handWrittenTree, edited } = project;
  const patched = patchedFiles(project);
  const fields = [...edited]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, file]) => [path, file.baseKey, String(patched.has(path))]);
  return { tree: handWrittenTree, edited: digestFields('conductor.edited.1', fields) };
}

interface ChangedPaths {
  readonly onDisk: Listing;
  /** With those that are the same on disk, and that people wrote only before or only now. */
  readonly all: Listing;
}

/** Undefined where a tree of the index is not in the store any more. */
async function changedSince(
  { objects, snapshot }: Project,
  index: AnalysisIndex,
  hand: HandWork,
): Promise<ChangedPaths | undefined> {
  try {
    const onDisk = await changedFiles(objects, index.tree, snapshot);
    const byHand = await changedFiles(objects, index.hand.tree, hand.tree);
    const paths = new Set([...onDisk.keys(), ...byHand.keys()]);
    return { onDisk: listingOfPaths(onDisk.keys()), all: listingOfPaths(paths) };
  } catch (error) {
    if (error instanceof ObjectDamaged) return undefined;
    throw error;
  }
}

/** Lock files that are not as the last complete build left them, as it left them; undefined where it left none. */
async function changedLocks(
  { features, objects }: Project,
  { tree }: AnalysisIndex,
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
  return isSameJson(changed.get(feature)?.tasks[id], locks.get(feature)?.tasks[id]);
}

/** Whether its files are as its one record has them. */
function isCurrent(project: Project, task: Task): boolean {
  const lock = project.locks.get(task.feature);
  const locked = lock?.tasks[task.id];
  if (!locked || locked.unmerged || lock.hasMarkers || lock.isLost) return false;
  return isAsRecorded(project, locked, project.owned.get(task.label) ?? NO_FILES);
}
