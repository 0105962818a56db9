/** Stops a task from putting its patch into a file a second time, where no record of the first time is left. */

import { err, ok, type Result } from '../base/result.js';
import type { EditPatch, FileChange } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { Task } from '../model/task.js';
import type { TaskRun } from '../model/task-run.js';
import { lockedTask, type Project } from '../project/project.js';
import { patchesOf } from '../workspace/patches/own-patch.js';
import type { Blobs } from '../workspace/patches/patch.js';
import { standingLines } from '../workspace/patches/standing-lines.js';

/** The patches of a run, as long as none of them is in its file already. */
export async function ownPatches(
  objects: Blobs,
  run: TaskRun,
  captured: readonly FileChange[],
): Promise<Result<EditPatch[], Failure>> {
  const edits = await patchesOf(objects, run, captured);
  const twice = await patchTwice(objects, run, edits);
  return twice ? err(twice) : ok(edits);
}

/**
 * A clone of a repository in which the patched file is committed and the lock file is not. A command writes its lines whatever
 * the file holds, so one place is enough. An agent has seen the file: only a patch that is nothing else is no work of its own.
 */
async function patchTwice(
  objects: Blobs,
  { mayStand = [], recipe }: Pick<TaskRun, 'mayStand' | 'recipe'>,
  edits: readonly FileChange[],
): Promise<Failure | undefined> {
  for (const edit of edits) {
    if (!mayStand.includes(edit.path)) continue;
    const found = await standingLines(objects, edit);
    if (found && (found.isWhole || recipe.kind !== 'agent'))
      return { kind: 'patch-stands', path: edit.path, lines: found.lines };
  }
  return undefined;
}

/** Edited files of which no record tells that the task has patched them. */
export function unrecordedEdits(project: Project, task: Task): string[] {
  if (lockedTask(project, task)) return [];
  return task.edits.filter((path) => project.patched.get(path)?.by.includes(task.label) !== true);
}
