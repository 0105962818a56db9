/** What one attempt left in its workspace, and whether that is work at all. Captures nothing itself. */

import type { MadeBy, ObservedInputs } from '../model/action.js';
import type { TaskRun } from '../model/run.js';
import { type Entry, type Files, type ObjectId, sameEntry } from '../model/tree.js';

/** What one attempt left behind, judged by nobody but the capture. */
export interface Captured {
  readonly tree: ObjectId;
  readonly outputs: Files;
  readonly edits: readonly {
    readonly path: string;
    readonly before: Entry | undefined;
    readonly after: Entry | undefined;
  }[];
  readonly observed?: ObservedInputs;
  readonly made?: MadeBy;
}

/** Work that leaves everything as the view showed it is no work, whatever the agent says. */
export function isUnchanged(run: TaskRun, captured: Captured): boolean {
  if (captured.edits.some((edit) => !sameEntry(edit.before, edit.after))) return false;
  if (run.recipe.kind !== 'agent') return captured.outputs.size === 0;
  return captured.tree === run.inputTree;
}

/**
 * A task that evolves may be right as it is (its description was reworded, a dependency changed harmlessly). An agent
 * that was told that it changed nothing, and again finds nothing to change, is believed if gates bear it out.
 */
export function mayStand(run: TaskRun, attempt: number): boolean {
  return run.evolves && run.recipe.kind === 'agent' && attempt > 1 && run.gates.length > 0;
}
