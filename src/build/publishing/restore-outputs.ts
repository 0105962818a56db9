/**
 * Writes outputs again that are gone from disk where nothing else differs from what the last complete build left. Records and
 * lock files tell all of it: no spec is read, and no task is analysed. Whatever is unusual is left to a whole build.
 */

import { join } from 'node:path';
import { compareBytes } from '../../base/order.js';
import { ownValue } from '../../base/records/own-value.js';
import { fileIdentity } from '../../io/files.js';
import { ObjectDamaged } from '../../io/git/damaged.js';
import type { GitObjects } from '../../io/git/objects.js';
import { changedFiles, listSome } from '../../io/git/walk.js';
import { hasRefs } from '../../io/git/writing/packed-refs.js';
import { type ActionKey, firstMaking, type Usage } from '../../model/action.js';
import type { BuildSummary } from '../../model/event.js';
import { freshEvents, restoredEvents, restoredTask } from '../../model/events/events-together.js';
import { type LockedTask, resultKeyOf } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import { decodeEntry, type Entry, encodeEntry, type ObjectId } from '../../model/tree.js';
import { type KeptLock, type LastBuild, readKeptLocks, writeLastBuild } from '../../project/clone-records.js';
import { readOutputs } from '../../project/outputs/clone-outputs.js';
import type { SameGround } from '../../project/project-memory.js';
import { parseLock } from '../../specs/lock-file.js';
import { refOf, resultName } from '../../store/encoded-entry.js';
import { recordedProvenance } from '../../store/provenance-record.js';
import { findGone } from '../../workspace/gone-files/find-gone.js';
import { writeGone } from '../../workspace/gone-files/write-gone.js';
import { areFree } from '../../workspace/in-the-way.js';
import { publishTree } from '../../workspace/publish.js';
import type { SeenChanges } from '../../workspace/reading/seen-changes.js';
import type { OpenLifecycle } from '../lifecycle.js';
import { NO_COUNTS } from '../options.js';
import type { Session } from '../project-session.js';

/** What is needed of a task's record: of a hundred thousand tasks the whole records would fill the memory. */
export interface RecordedTask {
  readonly label: Label;
  readonly key: ActionKey;
  readonly result: ObjectId;
  /** Its outputs that are gone. */
  readonly missing: readonly string[];
  /** The whole record, of a task that an agent did. */
  readonly agents: LockedTask | undefined;
}

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
  if (!hasRefs(objects.store, resultRefs(restored))) return undefined;
  const saved = await savedUsages(objects, restored);
  return saved && (await isSeenUnchanged(objects, last, restored)) ? saved : undefined;
}

/** In the order of names. */
function* resultRefs(tasks: readonly RecordedTask[]): Iterable<readonly [string, ObjectId]> {
  for (const { key, result } of [...tasks].sort((a, b) => (a.key < b.key ? -1 : 1)))
    yield [refOf(resultName(key)), result];
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

/** Lock files that are read together: each may have thousands of tasks. */
const LOCKS_AT_ONCE = 16;

/** A lock file, and what the clone keeps of it. */
type KeptEntry = readonly [string, Pick<KeptLock, 'blob'>];

/** Every task, as its lock file records it; undefined where a file that is gone is not simply an output of one of them. */
async function recordedTasks(
  { objects, repository: { state } }: Session,
  last: LastBuild,
  gone: ReadonlyMap<string, Entry>,
): Promise<readonly RecordedTask[] | undefined> {
  const published = await readOutputs(state);
  for (const [path, entry] of gone) if (published.get(path) !== encodeEntry(entry)) return undefined;
  const kept = Object.entries((await readKeptLocks(state)) ?? {});
  const found = await tasksOfLocks(objects, last.tree, { kept, gone });
  return found?.owned === gone.size && found.tasks.length === last.tasks ? found.tasks : undefined;
}

/** The tasks of these lock files, and how many of the files that are gone are theirs; undefined as for `recordedTasks`. */
export async function tasksOfLocks(
  objects: GitObjects,
  tree: ObjectId,
  { kept, gone }: { readonly kept: readonly KeptEntry[]; readonly gone: ReadonlyMap<string, Entry> },
): Promise<{ readonly tasks: readonly RecordedTask[]; readonly owned: number } | undefined> {
  const inTree = await listSome(objects, tree, { paths: kept.map(([file]) => file), folders: [] });
  const tasks: RecordedTask[] = [];
  let owned = 0;
  // The clone's record may be of a later build of some targets.
  if (kept.some(([file, { blob }]) => inTree.get(file)?.id !== blob)) return undefined;
  for (let begin = 0; begin < kept.length; begin += LOCKS_AT_ONCE) {
    const group = kept.slice(begin, begin + LOCKS_AT_ONCE);
    const texts = await objects.readMany(group.map(([, { blob }]) => blob));
    for (const [file, { blob }] of group) {
      const lock = parseLock(texts.get(blob)?.toString('utf8') ?? '', file);
      if (!lock.ok || lock.value.hasMarkers) return undefined;
      for (const [id, locked] of Object.entries(lock.value.tasks)) {
        const missing = Object.keys(locked.outputs).filter((path) => gone.has(path));
        if (!isSimple(locked, missing, gone)) return undefined;
        owned += missing.length;
        const isAgents = locked.recipe === 'agent' || locked.observed !== undefined;
        tasks.push({
          label: `${lock.value.feature}/${id}`,
          key: resultKeyOf(locked),
          result: locked.result,
          missing,
          agents: isAgents ? locked : undefined,
        });
      }
    }
  }
  return { tasks, owned };
}

/** Whether nothing but its recorded outputs is gone for a task, and these are a recipe's. */
function isSimple(locked: LockedTask, missing: readonly string[], gone: ReadonlyMap<string, Entry>): boolean {
  if (locked.unmerged) return false;
  const others = [...Object.keys(locked.edits ?? {}), ...Object.keys(locked.observed ?? {})];
  if (others.some((path) => gone.has(path))) return false;
  if (missing.length > 0 && (locked.recipe === 'accepted' || locked.adopted)) return false;
  return missing.every((path) => ownValue(locked.outputs, path) === encodeEntry(gone.get(path) as Entry));
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
