/**
 * Applies the patches of several tasks to one file that none of them owns, and decides whose patches a task sees. Knows no
 * keys and no verdicts.
 */

import { ownValue } from '../base/records/own-value.js';
import { err, ok, type Result } from '../base/result.js';
import type { FileChange } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { resultKeyOf } from '../model/feature-lock.js';
import type { Label, Task } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import { type Entry, encodeEntry } from '../model/tree.js';
import { lockedTask, type Project } from '../project/project.js';
import type { ResultStore } from '../store/result-store.js';
import { foldChanges } from '../workspace/patches/patch.js';
import type { DependencyOutputs } from './dependency-outputs.js';

type Outputs = ReadonlyMap<Label, DependencyOutputs>;

/**
 * The file as people wrote it with the patches of the given tasks on it, in the order of the graph.
 * Fails with `patch-conflict` naming the task whose patch does not fit on those before it.
 */
export async function foldPatches(
  project: Project,
  path: string,
  labels: Iterable<Label>,
  dependencyOutputs: Outputs,
): Promise<Result<Entry | undefined, Failure>> {
  const { file, left } = await fold(project, path, patchesOf(project, path, labels, dependencyOutputs));
  const [first] = left;
  return first === undefined ? ok(file) : err({ kind: 'patch-conflict', path, with: first });
}

/** An edited file as one task sees it. */
export interface SeenFile {
  /** With the patches of its dependencies. */
  readonly plain: Entry | undefined;
  /** And those of other tasks that patch it too. */
  readonly beside: Entry | undefined;
}

/**
 * A file that the task edits, with the patches of its dependencies, then of all other tasks that patch it and do not
 * depend on this one, as they are finished or were recorded. A patch of another task that does not fit is left out: that
 * task is built again. Fails with `patch-conflict` when those of its dependencies do not fit on each other.
 */
export async function seenFile(
  project: Project,
  task: Task,
  path: string,
  dependencyOutputs: Outputs,
): Promise<Result<SeenFile, Failure>> {
  const needs = project.graph.transitiveDependencies(task.label);
  const plain = await foldPatches(project, path, needs, dependencyOutputs);
  if (!plain.ok) return plain;
  const seen = [...needs, ...otherEditors(project, task, path)];
  const beside = await fold(project, path, patchesOf(project, path, seen, dependencyOutputs));
  return ok({ plain: plain.value, beside: beside.file });
}

/** The file as the task sees it, with the task's own patch in its place. */
export interface WholeFile {
  readonly file: Entry | undefined;
  /** False: the patch fits nowhere, and is not in the file. */
  readonly fits: boolean;
}

/** Fails as `seenFile` does. The order is the same for all tasks of a file, so that each patch is merged once. */
export async function wholeFile(
  project: Project,
  task: Task,
  own: FileChange,
  dependencyOutputs: Outputs,
): Promise<Result<WholeFile, Failure>> {
  const { path } = own;
  const needs = project.graph.transitiveDependencies(task.label);
  const seen = [...needs, ...otherEditors(project, task, path)];
  const beside = patchesOf(project, path, seen, dependencyOutputs);
  const rank = project.graph.inOrder([...beside.map(({ label }) => label), task.label]).indexOf(task.label);
  const all = [...beside.slice(0, rank), { label: task.label, change: own }, ...beside.slice(rank)];
  const { file, left } = await fold(project, path, all);
  const need = left.find((label) => needs.has(label));
  if (need !== undefined) return err({ kind: 'patch-conflict', path, with: need });
  return ok({ file, fits: !left.includes(task.label) });
}

/**
 * Whether the recorded patches of the file are those of today: then all of them are known to fit on each other, because the
 * file was published with them.
 */
export function isAsPublished(project: Project, path: string, dependencyOutputs: Outputs): boolean {
  for (const label of recordedEditors(project, path))
    if (!project.graph.tasks.get(label)?.edits.includes(path)) return false;
  return editorsOf(project, path).every((label) => {
    const locked = ownValue(lockedTask(project, project.graph.task(label))?.edits, path)?.after;
    const made = dependencyOutputs.get(label);
    if (!made) return true;
    const edit = made.edits.find((one) => one.path === path);
    return (edit && (edit.after ? encodeEntry(edit.after) : '')) === locked;
  });
}

const recorded = new WeakMap<Project, Map<string, Set<Label>>>();

/** Tasks whose patch of the file is recorded, also of those that are gone. */
function recordedEditors(project: Project, path: string): ReadonlySet<Label> {
  let known = recorded.get(project);
  if (!known) {
    known = new Map([...project.patched].map(([file, { by }]) => [file, new Set(by)]));
    for (const [feature, { tasks }] of project.locks) {
      for (const [id, { edits = {} }] of Object.entries(tasks))
        for (const file of Object.keys(edits))
          known.set(file, (known.get(file) ?? new Set()).add(`${feature}/${id}`));
    }
    recorded.set(project, known);
  }
  return known.get(path) ?? new Set();
}

/** The other task whose patch of the file this change does not fit on; undefined: the file itself has changed. */
export async function patchInTheWay(
  project: Project,
  task: Task,
  change: FileChange,
  dependencyOutputs: Outputs,
): Promise<Label | undefined> {
  const { path } = change;
  const needs = [...project.graph.transitiveDependencies(task.label)];
  const fitsBeside = async (labels: readonly Label[]) => {
    const patches = patchesOf(project, path, labels, dependencyOutputs);
    const { left } = await fold(project, path, [...patches, { label: task.label, change }]);
    return !left.includes(task.label);
  };
  const beside = project.graph.inOrder(otherEditors(project, task, path));
  if (beside.length === 0 || !(await fitsBeside(needs))) return undefined;
  for (const label of beside) if (!(await fitsBeside([...needs, label]))) return label;
  return undefined;
}

interface Patch {
  readonly label: Label;
  readonly change: FileChange;
}

async function fold(project: Project, path: string, patches: readonly Patch[]) {
  // No base means that people wrote no such file: what is on disk is then a patch alone.
  const edited = project.edited.get(path);
  const base = edited ? edited.base : project.listing.get(path);
  if (edited?.isWhole && areAllRecorded(project, path, patches)) return { file: edited.onDisk, left: [] };
  const changes = patches.map(({ change }) => ({ ...change, order: edited?.order }));
  const { file, left } = await foldChanges(project.objects, base, changes);
  return { file, left: left.map((i) => (patches[i] as Patch).label) };
}

/** Whether these are the patches with which the file was published last, each as it was. */
function areAllRecorded(project: Project, path: string, patches: readonly Patch[]): boolean {
  const recorded = recordedEditors(project, path);
  if (recorded.size !== patches.length) return false;
  return patches.every(({ label, change }) => {
    const locked = ownValue(lockedTask(project, project.graph.task(label))?.edits, path);
    return recorded.has(label) && locked?.after === (change.after ? encodeEntry(change.after) : '');
  });
}

/** In the order of the graph: dependencies first, then by feature and id. */
function patchesOf(
  project: Project,
  path: string,
  labels: Iterable<Label>,
  dependencyOutputs: Outputs,
): Patch[] {
  const patching = [...labels].filter((label) => project.graph.task(label).edits.includes(path));
  return project.graph.inOrder(patching).flatMap((label) => {
    const edits = dependencyOutputs.get(label)?.edits ?? formerEdits(project, label);
    const change = edits?.find((one) => one.path === path);
    return change ? [{ label, change }] : [];
  });
}

/** By graph: labels by path. */
const editors = new WeakMap<TaskGraph, Map<string, readonly Label[]>>();
/** By graph: labels by task and path. */
const others = new WeakMap<TaskGraph, Map<string, readonly Label[]>>();

/** All tasks whose `edits` name the file. */
function editorsOf({ graph }: Project, path: string): readonly Label[] {
  const known = editors.get(graph) ?? new Map<string, readonly Label[]>();
  editors.set(graph, known);
  const found =
    known.get(path) ??
    [...graph.tasks.values()].filter(({ edits }) => edits.includes(path)).map(({ label }) => label);
  known.set(path, found);
  return found;
}

/** Tasks whose patches of the file this one sees although it does not depend on them. */
export function otherEditors(project: Project, task: Task, path: string): readonly Label[] {
  const { graph } = project;
  const known = others.get(graph) ?? new Map<string, readonly Label[]>();
  others.set(graph, known);
  const key = `${task.label}\0${path}`;
  const found = known.get(key);
  if (found) return found;
  const editing = editorsOf(project, path);
  const needs = editing.length > 1 ? graph.transitiveDependencies(task.label) : new Set();
  const beside = editing.filter(
    (label) =>
      label !== task.label && !needs.has(label) && !graph.transitiveDependencies(label).has(task.label),
  );
  known.set(key, beside);
  return beside;
}

/** What the other tasks leave of the edited files: a part of what the gates of this one judge. */
export function otherPatches(
  project: Project,
  task: Task,
  path: string,
  dependencyOutputs: Outputs,
): string[] {
  return project.graph.inOrder(otherEditors(project, task, path)).flatMap((label) => {
    const edit = dependencyOutputs.get(label)?.edits.find((one) => one.path === path);
    if (edit) return [label, edit.after ? encodeEntry(edit.after) : 'deleted'];
    if (dependencyOutputs.has(label)) return [];
    const locked = ownValue(lockedTask(project, project.graph.task(label))?.edits, path);
    return locked ? [label, locked.after === '' ? 'deleted' : locked.after] : [];
  });
}

/** Whether other tasks, on which it does not depend, have patched a file that the task edits. */
export function seesOtherPatches(project: Project, task: Task, dependencyOutputs: Outputs): boolean {
  return task.edits.some((path) => otherPatches(project, task, path, dependencyOutputs).length > 0);
}

const former = new WeakMap<Project, Map<Label, readonly FileChange[] | undefined>>();

/** The recorded patches of a task that is not finished in this build, once they are loaded. */
function formerEdits(project: Project, label: Label): readonly FileChange[] | undefined {
  return former.get(project)?.get(label);
}

/** Loads the recorded patches of the other tasks that patch the task's files, where they are not finished. */
export async function loadOtherPatches(
  project: Project,
  store: ResultStore,
  task: Task,
  dependencyOutputs: Outputs,
): Promise<void> {
  for (const label of new Set(task.edits.flatMap((path) => otherEditors(project, task, path)))) {
    if (!dependencyOutputs.has(label)) await ownFormerEdits(project, store, project.graph.task(label));
  }
}

/** The recorded patches of the task; undefined when there are none, or the store has lost them. */
export async function ownFormerEdits(
  project: Project,
  store: ResultStore,
  task: Task,
): Promise<readonly FileChange[] | undefined> {
  const known = former.get(project) ?? new Map<Label, readonly FileChange[] | undefined>();
  former.set(project, known);
  if (known.has(task.label)) return known.get(task.label);
  const locked = lockedTask(project, task);
  const found = locked?.edits ? await store.find(resultKeyOf(locked)) : undefined;
  const edits = found?.ok ? found.value?.edits : undefined;
  known.set(task.label, edits);
  return edits;
}
