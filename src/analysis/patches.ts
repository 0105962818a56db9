/** Applies the patches of several tasks to one file that none of them owns. Knows no keys and no verdicts. */

import { err, ok, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { Entry } from '../model/tree.js';
import type { Project } from '../project/project.js';
import { applyPatch } from '../workspace/patch.js';
import type { DependencyOutputs } from './dependency-outputs.js';

/**
 * The file as people wrote it with the patches of the given tasks on it, in the order of the graph.
 * Fails with `patch-conflict` naming the task whose patch does not fit on those before it.
 */
export async function foldPatches(
  project: Project,
  path: string,
  labels: Iterable<Label>,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<Entry | undefined, Failure>> {
  // No base means that people wrote no such file: what is on disk is then a patch alone.
  const edited = project.edited.get(path);
  let file = edited ? edited.base : project.listing.get(path);
  const patching = [...labels].filter((label) => project.graph.task(label).edits.includes(path));
  for (const label of project.graph.inOrder(patching)) {
    const edit = dependencyOutputs.get(label)?.edits.find((one) => one.path === path);
    if (!edit) continue;
    const applied = await applyPatch(project.objects, file, edit.before, edit.after);
    if (!applied.ok) return err({ kind: 'patch-conflict', path, with: label });
    file = applied.value;
  }
  return ok(file);
}
