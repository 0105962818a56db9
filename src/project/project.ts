/**
 * A project as one build sees it: snapshot, specs, lock files, ownership and the hand-written tree. Decides nothing.
 */

import { ownValue } from '../base/records/own-value.js';
import { err, ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { ActionKey } from '../model/action.js';
import { type Config, untrackedLimit } from '../model/config.js';
import type { RestoredTask } from '../model/events/event-parts.js';
import type { LabelText } from '../model/events/label-text.js';
import type { Diagnostic, Failure } from '../model/failure.js';
import type { FeatureLock, LockedTask, TaskRecord } from '../model/feature-lock.js';
import type { Ownership } from '../model/paths/ownership.js';
import type { Feature, Label, Task } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import type { Entry, Files, Listing, ObjectId } from '../model/tree.js';
import { loadSpecs } from '../specs/load.js';
import { readIndexRecord } from '../workspace/index-record.js';
import { leftOutWarning } from '../workspace/large-files.js';
import { filesOnDisk } from '../workspace/snapshot.js';
import { emptySubmodules } from '../workspace/tools/submodules.js';
import { claimedFiles } from './claimed-files.js';
import { type KeptLock, type PatchedFile, readPatched } from './clone-records.js';
import { shareFiles } from './file-ownership.js';
import { readLocks } from './lock-files.js';
import { missingFiles } from './missing-files.js';
import { mixedOutputs, withMixtures } from './mixed-outputs.js';
import type { CloneOutputs } from './outputs/clone-outputs.js';
import { outputRecords, type RecordedOutputs } from './outputs/recorded-outputs.js';
import type { EditedFile } from './patched-files/changed-state.js';
import { editedFiles, type PatchRecords } from './patched-files/edited-files.js';
import { provenPatches, unknownPatches } from './patched-files/proven-patches.js';
import type { ProjectSource } from './project-source.js';
import { type ProjectRules, readRules } from './read-rules.js';
import { type TaskPaths, taskPaths } from './task-paths.js';
import { type TrackedSecrets, trackedSecrets } from './tracked-secrets.js';

export interface Project {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly config: Config;
  readonly snapshot: ObjectId;
  /** What is on disk where the snapshot has files that nobody has written yet: rewritten ones, or outputs that are gone. Absent: the snapshot. */
  readonly onDisk?: ObjectId;
  readonly listing: Listing;
  readonly features: ReadonlyMap<string, Feature>;
  readonly graph: TaskGraph;
  readonly locks: ReadonlyMap<string, FeatureLock>;
  readonly ownership: Ownership;
  /** What people wrote: without outputs, lock files and specs, the edited files without any patch. */
  readonly handWritten: Listing;
  readonly handWrittenTree: ObjectId;
  /** What the repository itself says of line ends, filters and ignored files. */
  readonly rules: ProjectRules;
  readonly edited: ReadonlyMap<string, EditedFile>;
  /** Hand-written files that git tracks and that the outputs of a task name, with that task. */
  readonly claimed: ReadonlyMap<string, Label>;
  /** Files on disk that each task owns, claimed ones included. */
  readonly owned: ReadonlyMap<Label, ReadonlyMap<string, Entry>>;
  /** Every recorded output, by lock files and by this clone's own record: path to the entry words it may have. */
  readonly recorded: RecordedOutputs;
  /** The part of it that a recipe built; the rest is content that a person wrote and that was accepted. */
  readonly built: RecordedOutputs;
  /** Files with patches as this clone recorded them, features included that were removed since. */
  readonly patched: ReadonlyMap<string, PatchedFile>;
  /** No build has ended here yet, and files may have patches of which neither a record nor the store tells: remotes may. */
  readonly mayBePatched: boolean;
  /** Patterns of files that look secret and that a spec names all the same. */
  readonly named: readonly string[];
  /** Those of them that count because git tracks them. */
  readonly shared: Pick<TrackedSecrets, 'shown' | 'person'>;
  /** Files that tasks name exactly, no outputs, that are nowhere. */
  readonly absent: readonly string[];
  /** Files that the snapshot leaves out for their size: paths from the repository's root, sorted. */
  readonly large: readonly string[];
  readonly warnings: readonly Diagnostic[];
  /** Of tasks with records of several branches: set when a task is checked, which needs its key. */
  readonly choices: Map<Label, RecordChoice>;
  /** Outputs on disk that are git's own merge of recorded ones, with conflict markers or without: nobody wrote them. */
  readonly mixed: ReadonlySet<string>;
  /** Features that were not read, because nothing of them has changed since they were up to date. Absent: all were read. */
  readonly rest?: ProjectRest;
}

/** What is gone of outputs and is in the snapshot all the same, for publishing to write. */
export interface Restored {
  /** Also tasks that were read. */
  readonly tasks: readonly RestoredTask[];
  /** Of their results. */
  readonly keys: ReadonlyMap<Label, ActionKey>;
  readonly files: Files;
}

/** What is known of features that were not read. None of their tasks depends on one that may have changed. */
export interface ProjectRest {
  /** In the order of the graph. */
  readonly tasks: LabelText;
  /** Those of the whole project, dependencies before dependents. */
  readonly order: LabelText;
  /** Whether this is another order than that of the last complete build. */
  readonly isReordered: boolean;
  readonly lockFiles: readonly string[];
  /** The clone's record of outputs. */
  readonly outputs: CloneOutputs;
  /** What the clone kept of the lock files of all features. */
  readonly keptLocks: Readonly<Record<string, KeptLock>>;
  /** Features that are gone since, with their lock files. */
  readonly removed: ReadonlyMap<string, string>;
  /** Some task of the project is an agent's. */
  readonly hasAgents: boolean;
  readonly restored: Restored;
}

/** What counts of several records of one task. */
export interface RecordChoice {
  /** What is to be kept: an accepted edit before all, else the record of today's key. */
  readonly locked: TaskRecord;
  /** The record of today's key. */
  readonly fit: TaskRecord | undefined;
  /** Accepted edits of other branches, which are still to be merged. */
  readonly accepted: readonly TaskRecord[];
}

/** The record of a task; of several from merged branches the one that its check has chosen. */
export function lockedTask(project: Project, task: Task): LockedTask | undefined {
  return project.choices.get(task.label)?.locked ?? ownValue(project.locks.get(task.feature)?.tasks, task.id);
}

/** Files that conductor itself writes beside the specs. */
export function lockFiles(project: Project): Set<string> {
  const own = [...project.features.values()].map((feature) => feature.lockFile);
  return new Set([...own, ...(project.rest?.lockFiles ?? [])]);
}

/** The text of a file of the snapshot; undefined when there is none. */
export async function textIn(
  { listing, objects }: Pick<Project, 'listing' | 'objects'>,
  path: string,
): Promise<string | undefined> {
  const entry = listing.get(path);
  return entry && (await objects.read(entry.id))?.toString('utf8');
}

/** What is to become of the hand edits of which tasks. */
export type LoadFor = Pick<PatchRecords, 'accepts' | 'discards'>;

const NOTHING_SPECIAL: LoadFor = { accepts: () => false, discards: () => new Set() };

/**
 * Takes the snapshot and reads everything from it. All problems of specs and locks are reported at once.
 */
export async function loadProject(
  source: ProjectSource,
  { accepts, discards }: LoadFor = NOTHING_SPECIAL,
): Promise<Result<Project, Failure>> {
  const { repository, objects, config, memory, keepParsed } = source;
  const shared = await trackedSecrets(repository, config, memory);
  const before = [...new Set([...memory.named, ...shared.shown])].sort();
  const limit = untrackedLimit(config);
  const first = await source.take({
    ...{ secrets: config.secrets, named: before, force: [] },
    maxUntracked: limit,
  });
  memory.named = before;
  if (!first.ok) return first;
  let { tree } = first.value;
  const { large = [] } = first.value;
  let listing = await memory.list(objects, tree);

  const cache = await memory.parseCache(repository.state);
  const read = (ids: readonly ObjectId[]) => objects.readMany(ids);
  const specs = await loadSpecs({ listing, read, cache, former: memory.specs }, config);
  if (!specs.ok) return err({ kind: 'invalid-specs', diagnostics: specs.error });
  memory.specs = specs.value;
  await keepParsed(cache);
  const { features, graph, warnings } = specs.value;

  const locks = await readLocks({ repository, objects, listing, memory, features });
  if (!locks.ok) return err({ kind: 'invalid-specs', diagnostics: locks.error });

  const outputs = await outputRecords(repository.state, [...locks.value.values()], memory.outputs);
  const paths = taskPaths(graph, config, memory.paths);
  memory.outputs = outputs;
  memory.paths = paths;
  const mixtures = await mixedOutputs(objects, listing, [...locks.value.values()]);
  const { recorded, built } = withMixtures(outputs, mixtures);
  const { ownership } = paths;
  const named = [...new Set([...paths.named, ...shared.shown])].sort();
  const again = await includeIgnoredOutputs(source, { plain: paths.plain, named }, recorded, listing);
  if (!again.ok) return again;
  if (again.value) {
    tree = again.value.tree;
    listing = await memory.list(objects, tree);
  }
  memory.named = named;

  const remembered = await readPatched(repository.state);
  const known = new Map(Object.entries(remembered ?? {}));
  const unknown = { listing, graph, locks: locks.value, known };
  const proven = await provenPatches({ ...unknown, objects, labels: memory.resultLabels });
  const patched = new Map([...known, ...Object.entries(proven)]);
  const records: PatchRecords = { graph, locks: locks.value, patched, accepts, discards };
  const edited = await editedFiles(objects, listing, records);
  const specsFolder = `${config.specs}/`;
  const shares = shareFiles({ listing, ownership, recorded, built, specsFolder }, memory.shares);
  memory.shares = shares;
  // What is to be accepted becomes the task's own with this build.
  const owned = new Map([...shares.owned].filter(([label]) => !accepts(graph.task(label))));
  const claimed = await claimedFiles(repository, owned, recorded);
  const bases = new Map([...edited].map(([path, file]) => [path, file.base]));
  for (const path of claimed.keys()) bases.set(path, listing.get(path));
  const handWritten = bases.size === 0 ? shares.hand : shares.hand.with(bases);
  const handWrittenTree = await memory.treeOf(objects, handWritten.files, () => {
    const removed = new Map<string, Entry | undefined>(bases);
    for (const path of listing.paths) if (!handWritten.get(path)) removed.set(path, undefined);
    return objects.editTree(tree, removed);
  });

  return ok({
    repository,
    objects,
    config,
    snapshot: tree,
    listing,
    features: new Map(features.map((feature) => [feature.name, feature])),
    graph,
    locks: locks.value,
    ownership,
    handWritten,
    handWrittenTree,
    rules: await readRules(repository, objects, handWritten),
    edited,
    claimed,
    owned: shares.owned,
    recorded,
    built,
    patched,
    mayBePatched: remembered === undefined && unknownPatches({ ...unknown, known: patched }).size > 0,
    named,
    absent: absentFiles(memory.missing?.missing ?? [], paths, listing),
    shared,
    large,
    warnings: [
      ...warnings,
      ...shared.warnings,
      ...(await emptySubmodules(repository, listing)),
      ...large.map((path) => leftOutWarning(path, repository, limit)),
    ],
    choices: new Map(),
    mixed: new Set(mixtures.keys()),
  });
}

function absentFiles(
  missing: readonly string[],
  { ownership, plain }: TaskPaths,
  listing: Listing,
): readonly string[] {
  const absent = missing.filter((path) => !listing.get(path) && ownership.ownerOf(path) === undefined);
  // Nearly always there are none. The others are outputs that no task owns any more.
  const named = absent.length === 0 ? undefined : new Set(plain);
  return absent.filter((path) => named?.has(path)).sort();
}

/**
 * Owned files that git ignores and that the private index has lost are taken in by name; files that look secret are
 * taken in when a spec names them; ignored ones that no spec names any more are left out again. Usually there are none and the first snapshot stands.
 */
async function includeIgnoredOutputs(
  { repository, config, memory, take }: ProjectSource,
  { plain, named }: Pick<TaskPaths, 'plain' | 'named'>,
  recorded: RecordedOutputs,
  listing: Listing,
): Promise<Result<{ tree: ObjectId } | undefined, Failure>> {
  memory.missing = missingFiles([listing.paths, recorded, plain], listing, memory.missing);
  const wanted = memory.missing.missing;
  const isSame = named.join('\0') === memory.named.join('\0');
  // Outputs that were never made are nowhere: nothing is to be taken in then.
  const there = isSame ? filesOnDisk(repository, wanted) : wanted;
  const held = readIndexRecord(repository.state)?.forced ?? [];
  const isNamed = held.length === 0 ? undefined : new Set([...plain, ...named]);
  const release = held.filter((path) => listing.get(path) && !isNamed?.has(path) && !recorded.has(path));
  if (isSame && there.length === 0 && release.length === 0) return ok(undefined);
  const maxUntracked = untrackedLimit(config);
  return take({ secrets: config.secrets, named, force: there, release, maxUntracked });
}
