/**
 * Which of several records of a task counts, after branches were merged that both built it. Changes nothing but the
 * project's list of choices.
 */

import { ownValue } from '../base/records/own-value.js';
import { type LockedTask, resultKeyOf, type TaskRecord } from '../model/feature-lock.js';
import type { Task } from '../model/task.js';
import type { Project, RecordChoice } from '../project/project.js';
import { hasSameContent } from '../specs/merge-locks.js';
import type { ResultStore } from '../store/result-store.js';
import type { Keys } from './interfaces/former-keys.js';

/**
 * The record whose key is today's; of several the one that the first remote has, else the same one on every machine. An
 * accepted edit comes before all: what fits today's key is then merged with it.
 */
export async function chooseRecord(
  project: Project,
  store: ResultStore,
  task: Task,
  keys: Keys,
): Promise<RecordChoice | undefined> {
  const all = ownValue(project.locks.get(task.feature)?.tasks, task.id);
  if (!all?.unmerged) return undefined;
  const known = project.choices.get(task.label);
  if (known) return known;
  const choice = await choose(all, store, keys);
  project.choices.set(task.label, choice);
  return choice;
}

async function choose(all: LockedTask, store: ResultStore, keys: Keys): Promise<RecordChoice> {
  const { unmerged, ...own } = all;
  const sides: TaskRecord[] = [own, ...(unmerged?.sides ?? [])];
  const records = [...sides, ...(unmerged?.bases ?? [])];
  const hasToday = records.some((one) => one.key === keys.key);
  const formers = hasToday ? [] : ((await keys.formers?.()) ?? []);
  const key = formers.find((former) => records.some((one) => one.key === former)) ?? keys.key;
  const fitting = sides.filter((one) => one.key === key);
  const bases = unmerged?.bases.filter((one) => one.key === key) ?? [];
  const fit = (await standing(store, fitting)) ?? fitting[0] ?? bases[0];
  const accepted = sides.filter((one) => one.recipe === 'accepted');
  const locked = accepted.find((one) => one === fit) ?? accepted[0] ?? fit ?? own;
  return { locked, fit, accepted: accepted.filter((one) => !hasSameContent(one, locked)) };
}

/** The one of them that the first remote has. */
async function standing(store: ResultStore, records: readonly TaskRecord[]): Promise<TaskRecord | undefined> {
  if (records.length < 2 || !store.standing) return undefined;
  for (const key of new Set(records.map(resultKeyOf))) {
    const commit = await store.standing(key);
    const found = records.find((one) => one.result === commit);
    if (found) return found;
  }
  return undefined;
}
