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
import { filesForGates, filesForRecipe, type Reader, type VisibleFiles } from './visible-files.js';

export interface InputTree {
  readonly tree: ObjectId;
  /** The tree below the task's files for its gates; undefined where the recipe sees the same. */
  readonly gates: ObjectId | undefined;
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
  { task, facts, gates }: Pick<Check, 'task' | 'facts' | 'gates'>,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  former: Files = formerOutputs(project, task),
): Promise<Result<InputTree, Failure>> {
  const reader: Reader = { project, task, inputs: facts.facts.inputs, dependencyOutputs };
  // A template reads no tree: its gates alone do.
  const isRendered = task.recipe.kind === 'render';
  const seen = await (isRendered ? filesForGates(reader) : filesForRecipe(reader));
  if (!seen.ok) return seen;
  const forGates = isRendered || gates.length === 0 ? seen : await filesForGates(reader);
  if (!forGates.ok) return forGates;
  const goesOn = former.size > 0 && mayEvolve(task);
  const files = goesOn ? new Map([...seen.value.files, ...former]) : seen.value.files;
  const tree = await treeOf(project, { ...seen.value, files });
  const isSame = forGates === seen || isSameView(seen.value, forGates.value);
  const editBases = Object.fromEntries(
    task.edits.map((path) => {
      const base = project.edited.get(path)?.base;
      return [path, base ? encodeEntry(base) : ''];
    }),
  );
  return ok({
    tree,
    gates: isSame ? undefined : await treeOf(project, forGates.value),
    evolves: goesOn,
    editBases,
  });
}

function treeOf(project: Project, { whole, files }: VisibleFiles): Promise<ObjectId> {
  return project.objects.editTree(whole ? project.handWrittenTree : undefined, files);
}

/** The same paths from the same snapshot and the same dependencies have the same content. */
function isSameView(a: VisibleFiles, b: VisibleFiles): boolean {
  return (
    a.whole === b.whole &&
    a.files.size === b.files.size &&
    [...a.files.keys()].every((path) => b.files.has(path))
  );
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

/** What gates see of an existing result: their files below it, the files of the result, and its patches. */
export async function keptTree(
  project: Project,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<ObjectId, Failure>> {
  const reader: Reader = { project, task: check.task, inputs: check.facts.facts.inputs, dependencyOutputs };
  const seen = await filesForGates(reader);
  if (!seen.ok) return seen;
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
  return ok(await project.objects.editTree(await treeOf(project, seen.value), content));
}
