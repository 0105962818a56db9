/**
 * Outputs that are gone beside other changes. Those of features that no other change concerns are put back into the snapshot from
 * which a build starts: then none of their tasks is read, and publishing writes the files. Writes only git objects.
 */

import { type ChangedPart, changedPart, type LastState } from '../../analysis/range/changed-part.js';
import { ownValue } from '../../base/records/own-value.js';
import { changedOrNothing } from '../../io/git/walk.js';
import { restoredTask } from '../../model/events/events-together.js';
import { type Entry, encodeEntry, type Files, type ObjectId } from '../../model/tree.js';
import { type LastBuild, readKeptLocks } from '../../project/clone-records.js';
import type { CloneOutputs } from '../../project/outputs/clone-outputs.js';
import type { Restored } from '../../project/project.js';
import type { SnapshotGround } from '../../project/project-memory.js';
import type { ProjectSource } from '../../project/project-source.js';
import { areFree } from '../../workspace/in-the-way.js';
import { isRulesFile } from '../../workspace/index-record.js';
import { tasksOfLocks } from './recorded-tasks.js';
import { orNothing, soundResults } from './restore-outputs.js';

export interface FoundPart {
  readonly part: ChangedPart;
  /** From which the build starts: with the files of these tasks. */
  readonly snapshot: ObjectId;
  readonly restored: Restored;
}

interface Beside {
  readonly ground: SnapshotGround;
  /** The clone's record of outputs. */
  readonly published: Pick<CloneOutputs, 'get'>;
  /** Whether files may be put back, for the caller to write. */
  readonly restores: boolean;
}

const NONE: Files = new Map();
const NOTHING: Restored = { tasks: [], keys: new Map(), files: NONE };

/** As `changedPart`. Undefined also where a file that is gone cannot simply be put back. */
export async function partBesideGone(
  source: ProjectSource,
  known: Omit<LastState, 'gone'>,
  { ground, published, restores }: Beside,
): Promise<FoundPart | undefined> {
  const { snapshot } = ground;
  const gone = restores ? await goneOutputs(source, ground, published) : NONE;
  const part = await changedPart({ ...known, gone }, source.config, snapshot);
  if (!part || gone.size === 0) return part && { part, snapshot, restored: NOTHING };
  const isConcerned = (name: string) => part.changed.has(name) || part.removed.has(name);
  const locks = lockFilesOf(known, gone, isConcerned);
  const restored = await orNothing(() =>
    goneTasks(source, { last: ground.last, head: known.head, gone, locks }),
  );
  if (!restored) return undefined;
  const { files } = restored;
  const left = [...gone.keys()].filter((path) => !files.has(path));
  if (left.length > 0 && mayBeSaid(known.head, left)) return undefined;
  return {
    part: { ...part, outputs: [...part.outputs, ...left] },
    snapshot: files.size === 0 ? snapshot : await source.objects.editTree(snapshot, files),
    restored,
  };
}

/** Files of the last build that are not there any more and that conductor built. None where it is not certain what else that changes. */
async function goneOutputs(
  { objects, config }: ProjectSource,
  { snapshot, last }: SnapshotGround,
  published: Pick<CloneOutputs, 'get'>,
): Promise<Files> {
  // Where one task that fails keeps everything back, these files wait as well: each of their tasks has to be looked at.
  if (last.restorable !== true || config.publish === 'build') return NONE;
  const today = await changedOrNothing(objects, last.tree, snapshot);
  const before = today && (await changedOrNothing(objects, snapshot, last.tree));
  const gone = new Map<string, Entry>();
  for (const [path, entry] of before ?? []) {
    if (!entry || today?.get(path) || published.get(path) !== encodeEntry(entry)) continue;
    // It decides how other files are read.
    if (isRulesFile(path)) return NONE;
    gone.set(path, entry);
  }
  return gone;
}

/** Files up to which the table of paths is asked for each. For more of them, reading all lock files costs less. */
const MOST_ASKED = 500;

/** The lock files of the features that own one of the files, of others too; not of those that other changes concern. */
function lockFilesOf(
  { head, tables }: Pick<LastState, 'head' | 'tables'>,
  gone: Files,
  isConcerned: (feature: string) => boolean,
): ReadonlySet<string> {
  const owners = gone.size > MOST_ASKED ? undefined : tables.owners();
  const names = owners
    ? new Set([...gone.keys()].flatMap((path) => owners.at(path).map(({ feature }) => feature)))
    : Object.keys(head.features);
  const others = [...names].filter((name) => !isConcerned(name));
  return new Set(others.flatMap((name) => ownValue(head.features, name)?.lock ?? []));
}

interface Gone {
  readonly last: LastBuild;
  readonly head: LastState['head'];
  readonly gone: Files;
  readonly locks: ReadonlySet<string>;
}

/** The tasks of these lock files that own one of the files; undefined where one would not be up to date with its recorded files. */
async function goneTasks(
  source: ProjectSource,
  { last, head, gone, locks }: Gone,
): Promise<Restored | undefined> {
  const { repository, objects } = source;
  const all = await readKeptLocks(repository.state);
  const kept = Object.entries(all ?? {}).filter(([file]) => locks.has(file));
  if (kept.length < locks.size) return undefined;
  const tasks = (await tasksOfLocks(source, last.tree, { kept, head, gone }))?.tasks;
  const restored = tasks?.filter(({ missing }) => missing.length > 0);
  if (!restored) return undefined;
  const files = new Map<string, Entry>();
  for (const path of restored.flatMap(({ missing }) => missing)) files.set(path, gone.get(path) as Entry);
  // The snapshot may miss what git has come to ignore, and have something else in a place above.
  if (!areFree(repository, files.keys())) return undefined;
  const usages = await soundResults(objects, { last, restored, files: files.values() });
  if (!usages) return undefined;
  const keys = new Map(restored.map(({ label, key }) => [label, key]));
  return { tasks: restored.map((task) => restoredTask(task, usages)), keys, files };
}

/** Whether a warning may tell of these files, or a spec of another folder name one. */
function mayBeSaid({ divisible, features }: LastState['head'], paths: readonly string[]): boolean {
  if (divisible?.warnings.length !== 0) return true;
  const gone = new Set(paths);
  return Object.values(features).some(({ reads = [] }) => reads.some((path) => gone.has(path)));
}
