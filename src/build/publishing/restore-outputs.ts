/**
 * Writes outputs again that are gone from disk where nothing else differs from what the last complete build left. Records and
 * lock files tell all of it: no spec is read, and no task is analysed. Whatever is unusual is left to a whole build.
 */

import { join } from 'node:path';
import { compareBytes } from '../../base/order.js';
import { fileIdentity } from '../../io/files.js';
import { ObjectDamaged } from '../../io/git/damaged.js';
import type { GitObjects } from '../../io/git/objects.js';
import { changedFiles } from '../../io/git/walk.js';
import { hasRefs } from '../../io/git/writing/packed-refs.js';
import { type ActionKey, firstMaking, type Usage } from '../../model/action.js';
import type { BuildSummary } from '../../model/event.js';
import { freshEvents, restoredEvents, restoredTask } from '../../model/events/events-together.js';
import type { Label } from '../../model/task.js';
import { decodeEntry, type Entry, type ObjectId } from '../../model/tree.js';
import { type LastBuild, writeLastBuild } from '../../project/clone-records.js';
import type { SameGround } from '../../project/project-memory.js';
import { RESULT_REFS } from '../../store/encoded-entry.js';
import { recordedProvenance } from '../../store/provenance-record.js';
import { findGone } from '../../workspace/gone-files/find-gone.js';
import { writeGone } from '../../workspace/gone-files/write-gone.js';
import { areFree } from '../../workspace/in-the-way.js';
import { publishTree } from '../../workspace/publish.js';
import type { SeenChanges } from '../../workspace/reading/seen-changes.js';
import type { OpenLifecycle } from '../lifecycle.js';
import { NO_COUNTS } from '../options.js';
import type { Session } from '../project-session.js';
import { type RecordedTask, recordedTasks } from './recorded-tasks.js';

/** What is gone of the last build, and how it is written again: false where something stands in the way. */
interface GoneFiles {
  readonly gone: ReadonlyMap<string, Entry>;
  write(): Promise<boolean>;
}

/**
 * Where many outputs are gone, one look at all files tells it without a snapshot. `seen`: one of this process just before.
 * Undefined as for `restoreOutputs`.
 */
export async function restoreGone(
  open: OpenLifecycle,
  { last, person }: SameGround,
  seen?: SeenChanges,
): Promise<RestoringSummary | undefined> {
  const { repository, objects } = open.session;
  const gone = await findGone(repository, last, seen);
  if (!gone || gone.size === 0) return undefined;
  const write = async () => (await writeGone(repository, objects, last.tree, gone)) === 'written';
  const restored = await orNothing(() => restore(open, last, { gone, write }));
  // The next build sees by it that the index is still that of this tree.
  const index = restored && fileIdentity(join(repository.state, 'index'));
  if (index !== undefined) await writeLastBuild(repository.state, { ...last, person, index });
  return restored;
}

/** `snapshot`: the files as they are. Undefined, with nothing told: a whole build has to look. Some files may be written then. */
export async function restoreOutputs(
  open: OpenLifecycle,
  snapshot: ObjectId,
  last: LastBuild,
): Promise<RestoringSummary | undefined> {
  const { repository, objects } = open.session;
  const write = async () => {
    const to = { from: snapshot, to: last.tree, isOnDisk: true } as const;
    return (await publishTree(repository, objects, to)).ok;
  };
  return orNothing(async () => {
    const gone = await goneFiles(open.session, snapshot, last);
    return gone && (await restore(open, last, { gone, write }));
  });
}

type RestoringSummary = Omit<BuildSummary, 'ms'>;

async function restore(
  { session, emit, openRecord, signal }: OpenLifecycle,
  last: LastBuild,
  { gone, write }: GoneFiles,
): Promise<RestoringSummary | undefined> {
  const { objects, sessionState } = session;
  const results = recordedResults(session, last, gone);
  const [isSound, found] = await Promise.all([areSound(objects, gone.values()), results]);
  if (!found || !isSound || signal.aborted) return undefined;
  const { tasks, restored, saved } = found;
  sessionState.isPublishing = true;
  try {
    if (!(await write())) return undefined;
    openRecord();
    emit({ type: 'build.planned', tasks: tasks.map(({ label }) => label) });
    const fresh = tasks.flatMap(({ label, missing }) => (missing.length === 0 ? [label] : []));
    for (const event of freshEvents(fresh, true)) emit(event);
    for (const event of restoredEvents(restored.map((task) => restoredTask(task, saved)))) emit(event);
    const written = [...gone.keys()].sort(compareBytes);
    emit({ type: 'build.published', written, removed: [] });
    const counts = { ...NO_COUNTS, fresh: tasks.length - restored.length, cached: restored.length };
    return { outcome: 'built', exitCode: 0, counts, usage: {}, published: written.length };
  } finally {
    sessionState.isPublishing = false;
  }
}

/** What is recorded of all tasks, of those whose outputs are gone, and what these had cost. */
interface RecordedResults {
  readonly tasks: readonly RecordedTask[];
  readonly restored: readonly RecordedTask[];
  readonly saved: ReadonlyMap<Label, Usage>;
}

/** Undefined as for `recordedTasks` and `recordedUsages`. */
async function recordedResults(
  session: Session,
  last: LastBuild,
  gone: GoneFiles['gone'],
): Promise<RecordedResults | undefined> {
  const tasks = await recordedTasks(session, last, gone);
  if (!tasks) return undefined;
  const restored = tasks.filter(({ missing }) => missing.length > 0);
  const saved = await recordedUsages(session.objects, last, restored);
  return saved && { tasks, restored, saved };
}

interface ToRestore {
  readonly last: LastBuild;
  readonly restored: readonly RecordedTask[];
  readonly files: Iterable<Entry>;
}

/** As `recordedUsages`; undefined also where the store cannot read one of the files. */
export async function soundResults(
  objects: GitObjects,
  { last, restored, files }: ToRestore,
): Promise<Map<Label, Usage> | undefined> {
  const usages = recordedUsages(objects, last, restored);
  const [isSound, saved] = await Promise.all([areSound(objects, files), usages]);
  return isSound ? saved : undefined;
}

/** Every byte is hashed before it is written: a store can be damaged since. git does that while records are read here. */
async function areSound(objects: GitObjects, files: Iterable<Entry>): Promise<boolean> {
  return (await objects.missing(Array.from(files, ({ id }) => id))).length === 0;
}

/**
 * What the results of agents had cost; undefined where the store does not name the recorded results any more, or where a task
 * would not be up to date with them.
 */
async function recordedUsages(
  objects: GitObjects,
  last: LastBuild,
  restored: readonly RecordedTask[],
): Promise<Map<Label, Usage> | undefined> {
  if (!areNamed(objects, restored)) return undefined;
  const saved = await savedUsages(objects, restored);
  return saved && (await isSeenUnchanged(objects, last, restored)) ? saved : undefined;
}

/** Whether the store still names these results. */
function areNamed({ store }: GitObjects, tasks: readonly RecordedTask[]): boolean {
  const ids = new Map<ActionKey, ObjectId>();
  for (const { key, result } of tasks) {
    // Two tasks may share a result, and no key has two.
    if ((ids.get(key) ?? result) !== result) return false;
    ids.set(key, result);
  }
  return hasRefs(store, RESULT_REFS, ids);
}

/** Undefined also if the store has lost a tree or a lock file of the last build: a whole build needs neither. */
export async function orNothing<T>(work: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ObjectDamaged) return undefined;
    throw error;
  }
}

/** Files of the last build that are not there any more, by path; undefined where another file differs, too. */
async function goneFiles(
  { objects, repository }: Session,
  snapshot: ObjectId,
  last: LastBuild,
): Promise<Map<string, Entry> | undefined> {
  const changes = await changedFiles(objects, last.tree, snapshot);
  for (const entry of changes.values()) if (entry) return undefined;
  const gone = new Map<string, Entry>();
  for (const [path, entry] of await changedFiles(objects, snapshot, last.tree)) {
    if (!entry || entry.mode === '160000') return undefined;
    gone.set(path, entry);
  }
  // The snapshot may only miss what git has come to ignore.
  return areFree(repository, gone.keys()) ? gone : undefined;
}

/** Whether what agents were seen to read is as they saw it: where it changed, a whole build says so. */
async function isSeenUnchanged(
  objects: GitObjects,
  last: LastBuild,
  tasks: readonly RecordedTask[],
): Promise<boolean> {
  for (const { agents } of tasks) {
    for (const [path, word] of Object.entries(agents?.observed ?? {}))
      if ((await objects.resolve(`${last.tree}:${path}`)) !== decodeEntry(word).id) return false;
  }
  return true;
}

/** What the results of agents had cost; undefined where a result is not here. */
async function savedUsages(
  objects: GitObjects,
  tasks: readonly RecordedTask[],
): Promise<Map<Label, Usage> | undefined> {
  const usages = new Map<Label, Usage>();
  for (const { label, result, agents } of tasks) {
    if (agents?.recipe !== 'agent') continue;
    const made = await recordedProvenance(objects, result);
    if (!made) return undefined;
    usages.set(label, firstMaking(made).usage);
  }
  return usages;
}
