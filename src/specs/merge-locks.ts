/**
 * Merges lock files of two branches task by task. Where both branches built a task, all records are kept: which one counts
 * is known only to a build, which has the merged spec. Knows no git.
 */

import { compareBytes } from '../base/order.js';
import { newRecord, ownValue } from '../base/records/own-value.js';
import { canonicalJson } from '../model/digest.js';
import type { FeatureLock, LockedTask, TaskRecord } from '../model/feature-lock.js';

export interface LockSides {
  readonly ours: FeatureLock;
  readonly theirs: FeatureLock;
  /** What both started from; undefined where that is not known. */
  readonly base: FeatureLock | undefined;
}

/** A merge in either direction gives the same. */
export function mergeLocks({ ours, theirs, base }: LockSides): FeatureLock {
  const ids = new Set([...Object.keys(ours.tasks), ...Object.keys(theirs.tasks)]);
  const tasks = newRecord<LockedTask>();
  for (const id of [...ids].sort(compareBytes)) {
    const merged = mergeTask(ownValue(ours.tasks, id), ownValue(theirs.tasks, id), ownValue(base?.tasks, id));
    if (merged) tasks[id] = merged;
  }
  const formerly = [...new Set([...(ours.formerly ?? []), ...(theirs.formerly ?? [])])];
  return { feature: ours.feature, ...(formerly.length === 0 ? {} : { formerly }), tasks };
}

function mergeTask(
  ours: LockedTask | undefined,
  theirs: LockedTask | undefined,
  base: LockedTask | undefined,
): LockedTask | undefined {
  if (isSame(ours, theirs) || isSame(theirs, base)) return ours;
  if (isSame(ours, base)) return theirs;
  // Removed on one branch, built on the other: whether there is such a task is for the spec to say.
  if (!ours || !theirs) return ours ?? theirs;
  const sides = distinct([...sidesOf(ours), ...sidesOf(theirs)]);
  const [first, ...others] = sides;
  if (!first) return undefined;
  if (others.length === 0) return first;
  const bases = distinct([
    ...(ours.unmerged?.bases ?? []),
    ...(theirs.unmerged?.bases ?? []),
    ...(base ? [...sidesOf(base), ...(base.unmerged?.bases ?? [])] : []),
  ]).filter((one) => !sides.some((side) => hasSameContent(side, one)));
  return { ...first, unmerged: { sides: others, bases } };
}

function sidesOf(task: LockedTask): TaskRecord[] {
  const { unmerged, ...own } = task;
  return [own, ...(unmerged?.sides ?? [])];
}

/** One record for each content, in an order that does not depend on who merges; accepted edits first. */
function distinct(records: readonly TaskRecord[]): TaskRecord[] {
  const order = (one: TaskRecord) =>
    `${one.recipe === 'accepted' ? 0 : 1} ${one.result} ${canonicalJson(one)}`;
  const kept: TaskRecord[] = [];
  for (const record of [...records].sort((a, b) => compareBytes(order(a), order(b))))
    if (!kept.some((one) => hasSameContent(one, record))) kept.push(record);
  return kept;
}

/** Whether two records name the same files under the same key; their authors do not count. */
export function hasSameContent(a: TaskRecord, b: TaskRecord): boolean {
  return canonicalJson(contentOf(a)) === canonicalJson(contentOf(b));
}

function contentOf({ key, resultKey, outputs, edits, interface: shown }: TaskRecord): object {
  // The state of a patched file belongs to all tasks that patch it.
  const after = Object.fromEntries(Object.entries(edits ?? {}).map(([path, edit]) => [path, edit.after]));
  return { key, resultKey, outputs, after, shown };
}

function isSame(a: LockedTask | undefined, b: LockedTask | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));
}
