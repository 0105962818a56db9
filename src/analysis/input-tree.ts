/** The input tree of a task: hand-written files, dependency outputs, and the task's own former outputs. */

import { err, ok, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type { Label, Task } from '../model/task.js';
import { type Entry, encodeEntry, type Files, type ObjectId } from '../model/tree.js';
import type { Project } from '../project/project.js';
import { applyPatch } from '../workspace/patch.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import { foldPatches } from './patches.js';
import type { Check } from './verdict.js';

export interface InputTree {
  readonly tree: ObjectId;
  /** Whether the task's former outputs are in it. */
  readonly evolves: boolean;
  /** The files that the task may patch, as people wrote them: path to entry word, empty for no file. */
  readonly editBases: Readonly<Record<string, string>>;
}

const NO_FILES: Files = new Map();

/**
 * `former` are the outputs that the task goes on from where it evolves: those on disk unless the caller has others.
 * Fails with `patch-conflict` when the patches of its dependencies do not fit on each other.
 */
export async function buildInputTree(
  project: Project,
  { task, facts }: Pick<Check, 'task' | 'facts'>,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  former: Files = formerOutputs(project, task),
): Promise<Result<InputTree, Failure>> {
  const needs = project.graph.transitiveDependencies(task.label);
  const files = new Map<string, Entry | undefined>();
  for (const input of facts.facts.inputs) for (const [path, entry] of input.files) files.set(path, entry);
  for (const need of project.graph.inOrder(needs)) {
    for (const [path, entry] of dependencyOutputs.get(need)?.outputs ?? []) files.set(path, entry);
  }
  const showsAll = task.inputs === undefined;
  for (const path of project.edited.keys()) {
    if (!showsAll && !files.has(path) && !task.edits.includes(path)) continue;
    const folded = await foldPatches(project, path, needs, dependencyOutputs);
    if (!folded.ok) return folded;
    files.set(path, folded.value);
  }
  const goesOn = former.size > 0 && mayEvolve(task);
  if (goesOn) for (const [path, entry] of former) files.set(path, entry);
  const tree = await project.objects.editTree(showsAll ? project.handWrittenTree : undefined, files);
  const editBases = Object.fromEntries(
    task.edits.map((path) => {
      const base = project.edited.get(path)?.base;
      return [path, base ? encodeEntry(base) : ''];
    }),
  );
  return ok({ tree, evolves: goesOn, editBases });
}

/** The task's outputs on disk. A file that conductor never wrote is a person's, whatever pattern it matches. */
function formerOutputs(project: Project, task: Task): Files {
  const owned = project.owned.get(task.label) ?? NO_FILES;
  return new Map([...owned].filter(([path]) => project.recorded.has(path)));
}

/** Whether an agent would find the task's former outputs. */
export function evolves(project: Project, task: Task): boolean {
  return mayEvolve(task) && formerOutputs(project, task).size > 0;
}

function mayEvolve({ recipe }: Task): boolean {
  return recipe.kind === 'agent' && recipe.strategy === 'evolve';
}

/** Exactly what would be kept of an existing result: the input tree without former outputs, its files, and its patches. */
export async function keptTree(
  project: Project,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<ObjectId, Failure>> {
  const inputTree = await buildInputTree(project, check, dependencyOutputs, NO_FILES);
  if (!inputTree.ok) return inputTree;
  const content = new Map<string, Entry | undefined>(
    check.candidate?.outputs ?? check.dependencyOutputs?.outputs,
  );
  const needs = project.graph.transitiveDependencies(check.task.label);
  for (const edit of check.candidate?.edits ?? []) {
    const shown = await foldPatches(project, edit.path, needs, dependencyOutputs);
    if (!shown.ok) return shown;
    const applied = await applyPatch(project.objects, shown.value, edit.before, edit.after);
    if (!applied.ok) return err({ kind: 'patch-conflict', path: edit.path });
    content.set(edit.path, applied.value);
  }
  return ok(await project.objects.editTree(inputTree.value.tree, content));
}
