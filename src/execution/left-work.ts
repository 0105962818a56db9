/** What an attempt left for the next one: its files on top of an input tree. Runs nothing. */

import { compareBytes } from '../base/order.js';
import type { GitObjects } from '../io/git/objects.js';
import { changedFiles } from '../io/git/walk.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { TaskRun } from '../model/task-run.js';
import type { Entry, ObjectId } from '../model/tree.js';

/** A captured tree that did not become the result. */
export interface LeftWork {
  readonly tree: ObjectId;
  /** Why gates or a reviewer rejected exactly this tree: the same tree again would fail again. Absent: nothing judged it. */
  readonly rejection?: Failure;
}

/** From this number of attempts on, the last one starts clean: a wrong start is not carried on to the end. */
const CLEAN_LAST = 3;

/** Whether an attempt starts without the files of earlier ones. `last`: the number of the last attempt of the run. */
export function startsClean({ recipe }: TaskRun, attempt: number, last: number): boolean {
  return recipe.kind === 'agent' && recipe.attempts >= CLEAN_LAST && attempt === last;
}

/** Failures of a session that ended before its work was done: what it wrote until then is worth keeping. */
export function leavesWork(failure: Failure): boolean {
  switch (failure.kind) {
    case 'agent-error':
    case 'agent-blocked':
    case 'timed-out':
    case 'stalled':
    case 'step-limit':
      return true;
    default:
      return false;
  }
}

/** Paths that differ between two trees, with what the second one has there. */
export async function changesBetween(
  objects: GitObjects,
  from: ObjectId,
  to: ObjectId,
): Promise<Map<string, Entry | undefined>> {
  const changes = await changedFiles(objects, from, to);
  return new Map([...changes].sort(([a], [b]) => compareBytes(a, b)));
}

/** An input tree with earlier changes, as far as the task may make them. Undefined: none of them is left. */
export async function onInputTree(
  objects: GitObjects,
  { inputTree, outputs, edits }: Pick<TaskRun, 'inputTree' | 'outputs' | 'edits'>,
  changes: ReadonlyMap<string, Entry | undefined>,
): Promise<ObjectId | undefined> {
  const set = patternSet(outputs);
  const allowed = [...changes].filter(([path]) => edits.includes(path) || set.matches(path));
  if (allowed.length === 0) return undefined;
  const tree = await objects.editTree(inputTree, new Map(allowed));
  return tree === inputTree ? undefined : tree;
}
