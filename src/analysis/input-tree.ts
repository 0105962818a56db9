/** The input tree of a task: hand-written files, dependency outputs, and the task's own former outputs. */

import { err, ok, type Result } from '../base/result.js';
import type { FileChange } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { Label, Task } from '../model/task.js';
import type { EditSides, TaskRun } from '../model/task-run.js';
import { type Entry, encodeEntry, type Files, type ObjectId, sameEntry } from '../model/tree.js';
import type { Project } from '../project/project.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import { seenFile, wholeFile } from './patches.js';
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
  /** Those of them that hold more than its patch is made on. */
  readonly editSides: TaskRun['editSides'];
  /** The task's own former patches that are in it. */
  readonly formerEdits: readonly FileChange[];
}

/** What a task that evolves goes on from. */
export interface FormerWork {
  /** Absent: its outputs on disk. */
  readonly files?: Files | undefined;
  /** Absent: none. */
  readonly edits?: readonly FileChange[] | undefined;
}

const NO_FILES: Files = new Map();

/**
 * What the task goes on from is in it where the task evolves. Fails with `patch-conflict` when the patches of its
 * dependencies do not fit on each other.
 */
export async function buildInputTree(
  project: Project,
  { task, facts, gates }: Pick<Check, 'task' | 'facts' | 'gates'>,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  former: FormerWork = {},
): Promise<Result<InputTree, Failure>> {
  const reader: Reader = { project, task, inputs: facts.facts.inputs, dependencyOutputs };
  // A template reads no tree: its gates alone do.
  const isRendered = task.recipe.kind === 'render';
  const seen = await (isRendered ? filesForGates(reader) : filesForRecipe(reader));
  if (!seen.ok) return seen;
  const forGates = isRendered || gates.length === 0 ? seen : await filesForGates(reader);
  if (!forGates.ok) return forGates;
  const outputs = mayEvolve(task) ? (former.files ?? formerOutputs(project, task)) : NO_FILES;
  const edited = await editedSides(reader, mayEvolve(task) ? (former.edits ?? []) : []);
  if (!edited.ok) return edited;
  const { shown, sides, edits } = edited.value;
  const goesOn = outputs.size + edits.length > 0;
  const files = goesOn ? new Map([...seen.value.files, ...shown, ...outputs]) : seen.value.files;
  const tree = await treeOf(project, { ...seen.value, files });
  const isSame = forGates === seen || isSameView(seen.value, forGates.value);
  const editBases = Object.fromEntries(
    task.edits.map((path) => [path, wordOf(project.edited.get(path)?.base)]),
  );
  return ok({
    tree,
    gates: isSame ? undefined : await treeOf(project, forGates.value),
    evolves: goesOn,
    editBases,
    editSides: sides,
    formerEdits: edits,
  });
}

function wordOf(entry: Entry | undefined): string {
  return entry ? encodeEntry(entry) : '';
}

/** Those of the task's former patches that its workspace would show. */
export async function placedPatches(
  reader: Reader,
  former: readonly FileChange[],
): Promise<Result<readonly FileChange[], Failure>> {
  const edited = await editedSides(reader, mayEvolve(reader.task) ? former : []);
  return edited.ok ? ok(edited.value.edits) : edited;
}

/** The edited files with the task's own former patches where these still fit, and what its new patches are made on. */
async function editedSides(
  { project, task, dependencyOutputs }: Reader,
  former: readonly FileChange[],
): Promise<
  Result<{ shown: Map<string, Entry | undefined>; sides: TaskRun['editSides']; edits: FileChange[] }, Failure>
> {
  const shown = new Map<string, Entry | undefined>();
  const sides: [string, EditSides][] = [];
  const edits: FileChange[] = [];
  for (const path of task.edits) {
    const own = former.find((edit) => edit.path === path);
    const seen = await seenFile(project, task, path, dependencyOutputs);
    if (!seen.ok) return seen;
    const { plain, beside } = seen.value;
    const whole = own ? await wholeFile(project, task, own, dependencyOutputs) : undefined;
    if (whole && !whole.ok) return whole;
    const file = whole?.value.fits ? whole.value.file : beside;
    if (own && !sameEntry(file, beside)) {
      shown.set(path, file);
      edits.push(own);
    }
    if (!sameEntry(plain, file) || !sameEntry(plain, beside))
      sides.push([path, { plain: wordOf(plain), beside: wordOf(beside), shown: wordOf(file) }]);
  }
  return ok({ shown, sides: Object.fromEntries(sides), edits });
}

function treeOf(project: Project, { whole, files }: VisibleFiles): Promise<ObjectId> {
  return shownTree(project, whole ? project.handWrittenTree : undefined, files);
}

function shownTree(
  { objects }: Project,
  base: ObjectId | undefined,
  files: ReadonlyMap<string, Entry | undefined>,
): Promise<ObjectId> {
  return objects.unwritten.editedTree(objects, base, files);
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

export function mayEvolve({ recipe }: Pick<Task, 'recipe'>): boolean {
  return recipe.kind === 'agent' && recipe.strategy === 'evolve';
}

/** What gates see of an existing result: the files `below` it (default: theirs), the files of the result, and its patches. */
export async function keptTree(
  project: Project,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  below: (reader: Reader) => Promise<Result<VisibleFiles, Failure>> = (reader) => filesForGates(reader),
): Promise<Result<ObjectId, Failure>> {
  const reader: Reader = { project, task: check.task, inputs: check.facts.facts.inputs, dependencyOutputs };
  const seen = await below(reader);
  if (!seen.ok) return seen;
  const content = new Map<string, Entry | undefined>(
    check.candidate?.outputs ?? check.dependencyOutputs?.outputs,
  );
  for (const own of check.candidate?.edits ?? check.dependencyOutputs?.edits ?? []) {
    const { path } = own;
    const whole = await wholeFile(project, check.task, own, dependencyOutputs);
    if (!whole.ok) return whole;
    if (!whole.value.fits) return err({ kind: 'patch-conflict', path });
    content.set(path, whole.value.file);
  }
  return ok(await shownTree(project, await treeOf(project, seen.value), content));
}
