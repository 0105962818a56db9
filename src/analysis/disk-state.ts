/** A task's files on disk against what is recorded and what would be published. Decides no verdict. */

import { ownValue } from '../base/records/own-value.js';
import type { StoredResult } from '../model/action.js';
import type { LockedTask } from '../model/feature-lock.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { GateSpec, Label, Task } from '../model/task.js';
import { encodeEntry, type Files, sameEntry } from '../model/tree.js';
import type { ChangedPatch } from '../model/verdict.js';
import type { Project } from '../project/project.js';
import type { Candidate } from './alternative-keys.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import { changedPatches } from './drift.js';
import type { TaskFacts } from './facts.js';
import { inTheWay } from './path-conflicts.js';

/** A task with its record and the files that it owns on disk. */
export interface TaskOnDisk {
  readonly task: Task;
  readonly locked: LockedTask | undefined;
  readonly onDisk: Files;
}

/** A task with what is known of it before any result is looked for. */
export interface Subject extends TaskOnDisk {
  readonly facts: TaskFacts;
  readonly gates: readonly GateSpec[];
  /** Of its transitive dependencies at least. */
  readonly dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>;
}

/** The files of a task on disk against the recorded ones. */
export interface DiskState {
  readonly missing: readonly string[];
  readonly changed: readonly string[];
  /** Those of the changed paths that conductor never wrote. */
  readonly foreign: ReadonlySet<string>;
  /** Those of the foreign paths that the wanted files would replace: nothing overwrites them. */
  readonly blocked: string[];
}

/** A file counts as a person's when it is neither as recorded nor as the result to be published has it. */
export function compareWithDisk(
  project: Project,
  { task, locked, onDisk }: TaskOnDisk,
  wanted: Files,
): DiskState {
  const named = new Set([...patternSet(task.outputs).plainPaths(), ...wanted.keys()]);
  const changed = inTheWay(project, named);
  const isForeign = (path: string) => !project.recorded.has(path);
  const blocked = changed.filter(isForeign);
  for (const [path, entry] of onDisk) {
    const isOurs = project.recorded.get(path)?.has(encodeEntry(entry)) === true;
    if (isOurs || sameEntry(entry, wanted.get(path))) continue;
    changed.push(path);
    if (isForeign(path) && named.has(path)) blocked.push(path);
  }
  const missing = Object.keys(locked?.outputs ?? {}).filter((path) => !onDisk.has(path));
  return { missing, changed, foreign: new Set(changed.filter(isForeign)), blocked };
}

/**
 * Files with lines that patches put in and a person changed. Where they are only gone, and the patch does not fit on what the
 * person wrote, it is built again.
 */
export function contestedEdits(
  project: Project,
  { task, locked }: TaskOnDisk,
  { reasons }: Candidate,
): string[] {
  const made = task.edits.filter(
    (path) => ownValue(locked?.edits, path) && project.edited.get(path)?.contested,
  );
  const misfits = new Set(reasons.flatMap((one) => (one.kind === 'patch-conflict' ? [one.path] : [])));
  return made.filter((path) => {
    const touched = project.edited.get(path)?.touched ?? [];
    return !misfits.has(path) || touched.some(({ now }) => now.length > 0);
  });
}

/** Whether people changed text beside the task's patches since they were recorded. */
export function hasTextBeside({ edited }: Project, task: Task): boolean {
  return task.edits.some((path) => {
    const file = edited.get(path);
    return file?.isWhole === true && (file.onDisk?.id ?? '') !== file.merged;
  });
}

/** What was changed in the patches of contested files, and who is to be accepted; `isOwn`: files of the task itself too. */
export function patchDrift(
  project: Project,
  { task }: TaskOnDisk,
  contested: readonly string[],
  isOwn: boolean,
): { patches?: readonly ChangedPatch[]; accept?: readonly Label[] } {
  if (contested.length === 0) return {};
  const patches = contested.flatMap((path) => changedPatches(project, path));
  const takers = new Set(contested.flatMap((path) => project.edited.get(path)?.takers ?? []));
  if (isOwn || takers.size === 0) takers.add(task.label);
  const known = [...takers].filter((label) => project.graph.tasks.has(label));
  return { patches, accept: project.graph.inOrder(known) };
}

/**
 * Edited files that a person changed while the patch, to be put on again, is not in the store any more. A task that
 * is built again needs its former patch no more, as long as the file without it is known.
 */
export function lostPatches(
  project: Project,
  { task, locked }: TaskOnDisk,
  result: StoredResult | undefined,
  isCurrent: boolean,
): string[] {
  if (result || !locked) return [];
  return task.edits.filter((path) => {
    if (!isCurrent && project.edited.get(path)?.baseKnown) return false;
    const record = ownValue(locked.edits, path);
    return record !== undefined && (project.listing.get(path)?.id ?? '') !== record.merged;
  });
}
