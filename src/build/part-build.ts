/**
 * Opens a build that reads only the features that changes since the last complete build may concern. Returns undefined where that
 * is not certain: then the build reads everything.
 */

import { type Prepared, prepare } from '../analysis/prepare.js';
import { changedPart } from '../analysis/range/changed-part.js';
import { type AnalysisIndex, readHead, readIndex, readOrder } from '../analysis/range/index-file.js';
import { type Induction, LazyInduction, openInduction } from '../analysis/range/induction.js';
import { isPlainTask, shapeOf } from '../analysis/range/keep-index.js';
import { isSameGround } from '../analysis/range/shared-digests.js';
import type { ExecutionHost } from '../execution/executor.js';
import { featureOf } from '../model/history.js';
import { readLastBuild, readWaiting } from '../project/clone-records.js';
import type { LoadedConfig } from '../project/host.js';
import { loadPart } from '../project/part/load-part.js';
import type { Project } from '../project/project.js';
import type { SnapshotGround } from '../project/project-memory.js';
import { diskSource, type ProjectSource } from '../project/project-source.js';
import type { OpenLifecycle } from './lifecycle.js';
import type { BuildOptions } from './options.js';

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
  const part = await readPart(diskSource(session, loaded.config), ground);
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
  if (readLastBuild(project.repository.state)?.tree !== part.index.head.tree) return undefined;
  const read = { ...project, config: loaded.config };
  const beside = { warn: (message: string) => void untold.push(message), signal, read };
  const ready = await prepare(host, { project: session, loaded }, options, beside);
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

/** Reads from the snapshot of the ground; undefined where the build has to read everything. */
export async function readPart(source: ProjectSource, ground: SnapshotGround): Promise<ReadPart | undefined> {
  const { repository, objects, config } = source;
  const head = await readHead(repository.state);
  if (!head?.divisible || head.tree !== ground.last.tree) return undefined;
  const { snapshot, last, person } = ground;
  const { specs } = config;
  const part = await changedPart(objects, head, { snapshot, specs });
  if (!part) return undefined;
  const waiting = Object.keys(await readWaiting(repository.state));
  if (!waiting.every((label) => part.features.has(featureOf(label)))) return undefined;
  const order = readOrder(repository.state, head);
  if (!order) return undefined;
  const others = Object.entries(head.features).flatMap(([name, row]) =>
    part.features.has(name) ? [] : [row],
  );
  const project = await loadPart(source, {
    snapshot,
    features: part.features,
    specs: [...part.features].flatMap((name) => head.features[name]?.spec ?? []),
    left: new Set(others.flatMap(({ spec, lock }) => [spec, lock])),
    changedLocks: part.locks,
    outputs: part.others,
    rest: {
      tasks: order.filter((label) => !part.features.has(featureOf(label))),
      order,
      lockFiles: others.map(({ lock }) => lock),
      hasAgents: head.divisible.hasAgents,
    },
    warnings: head.divisible.warnings,
    handWrittenTree: head.hand.tree,
    last,
    person,
  });
  const index = project && (await readIndex(repository.state, part.features, head));
  if (!index || !hasSameShape(project, index)) return undefined;
  return { project, index, changed: part.changed };
}

/** Whether what was checked between features still holds: no feature has new paths or dependencies, and none reads other specs. */
function hasSameShape({ config, features }: Project, { shapes }: AnalysisIndex): boolean {
  return [...features.values()].every(
    ({ name, tasks }) =>
      shapes.get(name) === shapeOf(tasks) && tasks.every((task) => isPlainTask({ config }, task)),
  );
}

/** Whether no task that features outside of the part may depend on has changed. */
function isRestUntouched({ project, changed }: ReadPart, induction: Induction): boolean {
  return project.graph.order.every((label) => changed.has(featureOf(label)) || induction.isUntouched(label));
}
