/** What is recorded of tasks whose outputs may be gone: by the analysis index, or by lock files where it does not say it. Writes nothing. */

import { type IndexHead, readHead } from '../../analysis/range/index-file.js';
import { type RecordedFeature, recordedResults } from '../../analysis/range/recorded-results.js';
import { ownValue } from '../../base/records/own-value.js';
import { listSome } from '../../io/git/walk.js';
import type { ActionKey } from '../../model/action.js';
import { type LockedTask, resultKeyOf } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import { type Entry, encodeEntry, type Files, type ObjectId } from '../../model/tree.js';
import { type KeptLock, type LastBuild, readKeptLocks } from '../../project/clone-records.js';
import { readOutputs } from '../../project/outputs/clone-outputs.js';
import { parseLock } from '../../specs/lock-file.js';
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

/** Lock files that are read together: each may have thousands of tasks. */
const LOCKS_AT_ONCE = 16;

/** A lock file, and what the clone keeps of it. */
type KeptEntry = readonly [string, Pick<KeptLock, 'blob'>];

/** Every task, as it is recorded; undefined where a file that is gone is not simply an output of one of them. */
export async function recordedTasks(
  session: Session,
  last: LastBuild,
  gone: Files,
): Promise<readonly RecordedTask[] | undefined> {
  const { state } = session.repository;
  const [published, locks, head] = await Promise.all([
    readOutputs(state),
    readKeptLocks(state),
    readHead(state),
  ]);
  for (const [path, entry] of gone) if (published.get(path) !== encodeEntry(entry)) return undefined;
  const kept = Object.entries(locks ?? {});
  const found = await tasksOfLocks(session, last.tree, { kept, head, gone });
  return found?.owned === gone.size && found.tasks.length === last.tasks ? found.tasks : undefined;
}

interface AskedTasks {
  readonly kept: readonly KeptEntry[];
  /** The analysis index. */
  readonly head: IndexHead | undefined;
  readonly gone: Files;
}

interface FoundTasks {
  readonly tasks: RecordedTask[];
  /** How many of the files that are gone are theirs. */
  owned: number;
}

/** The tasks of these lock files; undefined as for `recordedTasks`. The tree is that of the last complete build. */
export async function tasksOfLocks(
  { objects, repository }: Pick<Session, 'objects' | 'repository'>,
  tree: ObjectId,
  { kept, head, gone }: AskedTasks,
): Promise<Readonly<FoundTasks> | undefined> {
  const lockFiles = new Set(kept.map(([file]) => file));
  const known = recordedResults(repository.state, head, { tree, lockFiles });
  const unknown = kept.filter(([file]) => !known.has(file));
  if (!(await areInTree(objects, tree, unknown))) return undefined;
  const found: FoundTasks = { tasks: [], owned: 0 };
  for (let begin = 0; begin < kept.length; begin += LOCKS_AT_ONCE) {
    // git verifies contents meanwhile, and gets their ids piece by piece: without turns of the event loop it would wait for them.
    await new Promise((resolve) => setImmediate(resolve));
    const group = kept.slice(begin, begin + LOCKS_AT_ONCE);
    const ids = group.flatMap(([file, { blob }]) => (known.has(file) ? [] : [blob]));
    const texts = ids.length === 0 ? undefined : await objects.readMany(ids);
    for (const [file, { blob }] of group) {
      const feature = known.get(file);
      const isAdded = feature
        ? addRecorded(found, feature, gone)
        : addLocked(found, { file, text: texts?.get(blob)?.toString('utf8') ?? '', gone });
      if (!isAdded) return undefined;
    }
  }
  return found;
}

/** The clone's record may be of a later build of some targets. */
async function areInTree(
  objects: Session['objects'],
  tree: ObjectId,
  kept: readonly KeptEntry[],
): Promise<boolean> {
  if (kept.length === 0) return true;
  const inTree = await listSome(objects, tree, { paths: kept.map(([file]) => file), folders: [] });
  return kept.every(([file, { blob }]) => inTree.get(file)?.id === blob);
}

/** False where a task has other content recorded than what is gone. */
function addRecorded(found: FoundTasks, { feature, tasks }: RecordedFeature, gone: Files): boolean {
  for (const { id, key, result, outputs } of tasks) {
    const missing: string[] = [];
    for (let i = 0; i < outputs.length; i += 2) {
      const path = outputs[i] as string;
      const entry = gone.get(path);
      if (!entry) continue;
      if (outputs[i + 1] !== encodeEntry(entry)) return false;
      missing.push(path);
    }
    found.owned += missing.length;
    found.tasks.push({ label: `${feature}/${id}`, key, result, missing, agents: undefined });
  }
  return true;
}

interface LockText {
  readonly file: string;
  readonly text: string;
  readonly gone: Files;
}

/** False where it is damaged, or a file that is gone is not simply a task's. */
function addLocked(found: FoundTasks, { file, text, gone }: LockText): boolean {
  const lock = parseLock(text, file);
  if (!lock.ok || lock.value.hasMarkers) return false;
  for (const [id, locked] of Object.entries(lock.value.tasks)) {
    const missing = Object.keys(locked.outputs).filter((path) => gone.has(path));
    if (!isSimple(locked, missing, gone)) return false;
    found.owned += missing.length;
    const isAgents = locked.recipe === 'agent' || locked.observed !== undefined;
    found.tasks.push({
      label: `${lock.value.feature}/${id}`,
      key: resultKeyOf(locked),
      result: locked.result,
      missing,
      agents: isAgents ? locked : undefined,
    });
  }
  return true;
}

/** Whether nothing but its recorded outputs is gone for a task, and these are a recipe's. */
function isSimple(locked: LockedTask, missing: readonly string[], gone: Files): boolean {
  if (locked.unmerged) return false;
  const others = [...Object.keys(locked.edits ?? {}), ...Object.keys(locked.observed ?? {})];
  if (others.some((path) => gone.has(path))) return false;
  if (missing.length > 0 && (locked.recipe === 'accepted' || locked.adopted)) return false;
  return missing.every((path) => ownValue(locked.outputs, path) === encodeEntry(gone.get(path) as Entry));
}
