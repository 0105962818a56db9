/** Whether two sets of tasks have the same structure, whatever else their specs say. Pure. */

import type { Task } from './task.js';

/**
 * The same labels in the same order, with the same dependencies, paths and kinds of recipe: what holds between the tasks
 * of the one holds between those of the other.
 */
export function sameShape(before: readonly Task[], after: readonly Task[]): boolean {
  return before.length === after.length && before.every((task, i) => hasShapeOf(task, after[i] as Task));
}

function hasShapeOf(a: Task, b: Task): boolean {
  if (a === b) return true;
  return (
    a.label === b.label &&
    a.recipe.kind === b.recipe.kind &&
    sameTexts(a.dependsOn, b.dependsOn) &&
    sameTexts(a.outputs, b.outputs) &&
    sameTexts(a.edits, b.edits) &&
    sameTexts(a.inputs, b.inputs)
  );
}

function sameTexts(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
