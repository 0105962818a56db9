/**
 * Opens a build that reads only the features that changes since the last complete build may concern. Returns undefined where that
 * is not certain: then the build reads everything.
 */

import { type Prepared, prepare } from '../analysis/prepare.js';
import { holdsBetween } from '../analysis/range/between-features.js';
import type { ChangedPart } from '../analysis/range/changed-part.js';
import { type AnalysisIndex, readHead, readIndex, readOrder } from '../analysis/range/index-file.js';
import { IndexTables } from '../analysis/range/index-tables.js';
import { type Induction, LazyInduction, openInduction } from '../analysis/range/induction.js';
import { isPlainTask, shapeOf } from '../analysis/range/keep-index.js';
import type { PathRow } from '../analysis/range/path-table.js';
import { isSameGround } from '../analysis/range/shared-digests.js';
import { ownValue } from '../base/records/own-value.js';
import type { ExecutionHost } from '../execution/executor.js';
import { LabelText } from '../model/events/label-text.js';
import { featureOf } from '../model/history.js';
import type { Label } from '../model/task.js';
import { type LastBuild, readKeptLocks, readLastBuild, readWaiting } from '../project/clone-records.js';
import type { LoadedConfig } from '../project/host.js';
import { missingFiles } from '../project/missing-files.js';
import { isOutputsFile, readPublishedSince } from '../project/outputs/clone-outputs.js';
import { loadPart } from '../project/part/load-part.js';
import type { Project } from '../project/project.js';
import type { SnapshotGround } from '../project/project-memory.js';
import { diskSource, type ProjectSource } from '../project/project-source.js';
import { taskPaths } from '../project/task-paths.js';
import type { ParseCache } from '../specs/parse.js';
import { readIndexRecord } from '../workspace/index-record.js';
import { filesOnDisk } from '../workspace/snapshot.js';
import type { OpenLifecycle } from './lifecycle.js';
import type { BuildOptions } from './options.js';
import { partBesideGone } from './publishing/put-back.js';

export interface PartBuild {
  readonly prepared: Prepared;
  readonly induction: LazyInduction;
}

interface Opening extends OpenLifecycle {
  readonly host: ExecutionHost;
  readonly options: BuildOptions;
}

/** Some features of a project, with what the index says of the others. */
export interface ReadPart {
  readonly project: Project;
  readonly index: AnalysisIndex;
  /** Features that may have changed, with all that depend on them. */
  readonly changed: ReadonlySet<string>;
}

export async function openPart(
  { host, options, session, signal }: Opening,
  loaded: LoadedConfig,
  warn: (message: string) => void,
): Promise<PartBuild | undefined> {
  // Of this snapshot alone: a later build takes its own.
  const ground = session.memory.takeGround();
  if (!ground || !isPlain(options)) return undefined;
  const part = await readPart(diskSource(session, loaded.config), ground, { restores: true });
  return part && preparePart({ host, options, session, signal }, { loaded, part, warn });
}

interface PartToPrepare {
  readonly loaded: LoadedConfig;
  readonly part: ReadPart;
  warn(message: string): void;
}

/** Undefined also where more has changed than files, or what features outside of the part depend on. */
export async function preparePart(
  { host, options, session, signal }: Pick<Opening, 'host' | 'options' | 'session' | 'signal'>,
  { loaded, part, warn }: PartToPrepare,
): Promise<PartBuild | undefined> {
  const untold: string[] = [];
  const { project } = part;
  // A process that reads without the lock may have been overtaken by another build.
  const { state } = project.repository;
  if (readLastBuild(state)?.tree !== part.index.head.tree) return undefined;
  if (!isOutputsFile(state, project.rest?.outputs.file)) return undefined;
  const read = { ...project, config: loaded.config };
  const beside = { warn: (message: string) => void untold.push(message), signal, read };
  // Other features have tasks.
  const asked = { ...options, mayBeEmpty: true };
  const ready = await prepare(host, { project: session, loaded }, asked, beside);
  if (!ready.ok) return undefined;
  const prepared = ready.value;
  const induction = await openInduction(prepared, host.version, part.index);
  if (!isSameGround(prepared, part.index.head, host.version) || !isRestUntouched(part, induction)) {
    await prepared.store.close();
    await prepared.claims?.close();
    await prepared.agent?.close?.();
    return undefined;
  }
  for (const message of untold) warn(message);
  return { prepared, induction: new LazyInduction(() => Promise.resolve(induction)) };
}

/** Whether the options ask for no more than what changed, and for nothing about files of people. */
function isPlain(options: BuildOptions): boolean {
  const { targets, since, force, accept, keepEdits, discardEdits, frozen, restoreOnly, staged } = options;
  const { dryRun, rebuildMissing, commit } = options;
  const looks = accept || keepEdits || discardEdits || frozen || restoreOnly || staged;
  return (
    targets.length === 0 && since === undefined && !(looks || force || dryRun || rebuildMissing || commit)
  );
}

/**
 * Reads from the snapshot of the ground; undefined where the build has to read everything. `restores`: outputs that are gone may be put
 * back into the snapshot, for the caller to write.
 */
export async function readPart(
  source: ProjectSource,
  ground: SnapshotGround,
  { restores }: { readonly restores: boolean } = { restores: false },
): Promise<ReadPart | undefined> {
  const { repository, objects } = source;
  const { state } = repository;
  const head = await readHead(state);
  if (!head?.divisible || head.tree !== ground.last.tree) return undefined;
  const { last, person } = ground;
  const published = await readPublishedSince(state, last.published);
  // What a task names exactly belongs to the snapshot, although git ignores it: a whole load takes it in.
  if (!published || filesOnDisk(repository, last.absent ?? []).length > 0) return undefined;
  const before = await source.memory.listHandWork(objects, head.hand.tree);
  if (!before) return undefined;
  const tables = new IndexTables(state, head);
  const cache = await partCache(source);
  const known = { objects, head, tables, handWritten: before, republished: published.changed, cache };
  const found = await partBesideGone(source, known, { ground, published: published.outputs, restores });
  if (!found) return undefined;
  const { part, snapshot, restored } = found;
  const { features, changed, added, removed, handWork } = part;
  const isRead = (label: Label) => features.has(featureOf(label));
  if (!Object.keys(await readWaiting(state)).every(isRead)) return undefined;
  const order = readOrder(state, head);
  if (!order) return undefined;
  const rest = Object.entries(head.features).filter(([name]) => !features.has(name) && !removed.has(name));
  const keptLocks = await readKeptLocks(state);
  if (!rest.every(([, { lock }]) => keptLocks?.[lock])) return undefined;
  const places = [...features].flatMap((name) => ownValue(head.features, name) ?? added.get(name) ?? []);
  const isOfOthers = ({ feature }: PathRow) => !features.has(feature) && !removed.has(feature);
  const project = await loadPart(source, {
    ...{ snapshot, features, added, cache, last, person, published },
    specs: places.map(({ spec }) => spec),
    left: new Set(rest.flatMap(([, { spec, lock }]) => [spec, lock])),
    changedLocks: [...part.locks, ...removed.values()],
    outputs: part.outputs,
    rest: {
      tasks: order.without(new Set([...features, ...removed.keys()])),
      order,
      isReordered: false,
      lockFiles: rest.map(([, { lock }]) => lock),
      keptLocks: keptLocks ?? {},
      removed,
      hasAgents: rest.some(([, { hasAgents }]) => hasAgents),
      restored,
    },
    warnings: head.divisible.warnings,
    handWritten: handWork.size === 0 ? before : before.with(handWork),
    handWrittenTree: await objects.editTree(head.hand.tree, handWork),
    isOfOthers: (path) => tables.owners()?.at(path).some(isOfOthers),
  });
  const index = project && (await readIndex(state, features, head));
  if (!project || !index) return undefined;
  if (![...project.graph.tasks.values()].every((task) => isPlainTask(project, task))) return undefined;
  const isEmpty = project.graph.tasks.size === 0 && project.rest?.tasks.length === 0;
  const reshaped = new Set([...removed.keys(), ...reshapedFeatures(project, index)]);
  if (isEmpty || !isFit(project, { part, reshaped, tables, last })) return undefined;
  const ordered = reshaped.size === 0 ? project : reordered(project, changed);
  const onDisk = ground.snapshot;
  return {
    project: snapshot === onDisk ? ordered : { ...ordered, onDisk },
    index,
    changed,
  };
}

/** What is parsed for a part is not kept: reading the cache of all specs takes longer than parsing a few of them. */
async function partCache({ memory }: ProjectSource): Promise<ParseCache> {
  const inMemory = await memory.parsedInMemory();
  const parsed = new Map<string, unknown>();
  return {
    get: (id) => parsed.get(id) ?? inMemory?.get(id),
    set: (id, value) => void parsed.set(id, value),
  };
}

/** Features with other labels, dependencies, kinds of recipes or paths than before. */
function reshapedFeatures({ features }: Project, { shapes }: AnalysisIndex): string[] {
  const all = [...features.values()];
  return all.flatMap(({ name, tasks }) => (shapes.get(name) === shapeOf(tasks) ? [] : [name]));
}

interface Fitting {
  readonly part: ChangedPart;
  readonly reshaped: ReadonlySet<string>;
  readonly tables: IndexTables;
  readonly last: LastBuild;
}

/** Whether what was checked between all features still holds, and whether the snapshot has what a whole load would ask it for. */
function isFit(project: Project, { part, reshaped, tables, last }: Fitting): boolean {
  const { repository, listing, recorded, handWritten } = project;
  const gone = [...part.handWork].flatMap(([path, entry]) => (entry ? [] : [path]));
  const areThere = part.outputs.every((path) => listing.get(path));
  if (reshaped.size === 0 && gone.length === 0 && areThere) return true;
  // What specs say of a path that comes or goes.
  if (reshaped.size > 0 && project.warnings.length > 0) return false;
  const { plain, named } = taskPaths(project.graph, project.config);
  if (reshaped.size > 0 && (named.length > 0 || last.named.length > last.shown.length)) return false;
  // git ignores what is on disk and not in the snapshot. Specs and records name some of it all the same.
  const { missing } = missingFiles([listing.paths, recorded, plain], listing);
  if (filesOnDisk(repository, missing).length > 0) return false;
  const forced = reshaped.size > 0 ? (readIndexRecord(repository.state)?.forced ?? []) : [];
  if (forced.some((path) => handWritten.get(path))) return false;
  const owners = tables.owners();
  const readers = tables.readers();
  if (!owners || !readers) return false;
  return holdsBetween({ project, changed: part.changed, reshaped, gone, owners, readers });
}

/** The tasks that may have changed come last: no other one depends on them. */
function reordered(project: Project, changed: ReadonlySet<string>): Project {
  const { rest, graph } = project;
  if (!rest) return project;
  const isChanged = (label: Label) => changed.has(featureOf(label));
  const others = rest.order.without(new Set([...changed, ...rest.removed.keys()]));
  const order = LabelText.of([...others, ...graph.order.filter(isChanged)]);
  return { ...project, rest: { ...rest, order, isReordered: true } };
}

/** Whether no task that features outside of the part may depend on has changed. */
function isRestUntouched({ project, changed }: ReadPart, induction: Induction): boolean {
  return project.graph.order.every((label) => changed.has(featureOf(label)) || induction.isUntouched(label));
}
