/** What records tell of a task's files: as recorded, and as conductor built them below a person's edits. Changes nothing. */

import { recordedDigest } from '../../analysis/pinned-results.js';
import type { Prepared } from '../../analysis/prepare.js';
import type { ActionKey, StoredResult } from '../../model/action.js';
import { resultKeyOf, type TaskRecord } from '../../model/feature-lock.js';
import type { Task } from '../../model/task.js';
import { decodeEntry, type Entry } from '../../model/tree.js';
import { lockedTask, type Project } from '../../project/project.js';
import { contentDigest } from '../../store/arrival.js';
import type { TaskFiles } from './files-on-disk.js';

/** The files that a record tells of: from the store, else from git, where outputs are committed. */
export async function recordedFiles(
  { store, project }: Prepared,
  record: TaskRecord,
): Promise<TaskFiles | undefined> {
  const found = await store.find(resultKeyOf(record));
  if (found.ok && found.value && contentDigest(found.value) === recordedDigest(record)) return found.value;
  const outputs = new Map(Object.entries(record.outputs).map(([path, word]) => [path, decodeEntry(word)]));
  const isPatching = Object.keys(record.edits ?? {}).length > 0;
  const missing = await project.objects.missing([...outputs.values()].map((entry) => entry.id));
  return isPatching || missing.length > 0 ? undefined : { outputs, edits: [] };
}

/** What conductor had built before a person's accepted edit; undefined where the store has it no more. */
export async function builtBefore(
  { store }: Pick<Prepared, 'store'>,
  record: TaskRecord,
): Promise<StoredResult | undefined> {
  const key = await keyBelow({ store }, record);
  const found = key === undefined ? undefined : await store.find(key);
  return found?.ok && found.value?.provenance.recipe !== 'accepted' ? found.value : undefined;
}

/** The key of what conductor built last for the task, below all accepted edits; undefined where nothing tells. */
export async function builtKey(
  { project, store }: Pick<Prepared, 'project' | 'store'>,
  task: Task,
): Promise<ActionKey | undefined> {
  const locked = lockedTask(project, task);
  return locked && keyBelow({ store }, locked);
}

async function keyBelow(
  { store }: Pick<Prepared, 'store'>,
  record: TaskRecord,
): Promise<ActionKey | undefined> {
  if (record.recipe !== 'accepted') return resultKeyOf(record);
  const accepted = await store.find(resultKeyOf(record));
  const over = accepted.ok ? accepted.value?.provenance.over : undefined;
  if (over !== undefined || record.resultKey === undefined) return over;
  // Results of before `over` was recorded: the edit got a key of its own where the spec's had a result. That of adopted code is
  // no result that conductor built.
  const first = await store.find(record.key);
  return first.ok && first.value?.provenance.recipe === 'accepted' ? undefined : record.key;
}

/** Outputs as the lock file has them. */
export function recordedOutputs(project: Project, task: Task): Map<string, Entry> {
  const words = Object.entries(lockedTask(project, task)?.outputs ?? {});
  return new Map(words.map(([path, word]) => [path, decodeEntry(word)]));
}
