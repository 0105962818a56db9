/** What people changed in a task's files since they were recorded. Decides nothing and writes no file. */

import { ownValue } from '../base/records/own-value.js';
import { diffTrees, type FileDifference } from '../io/git/tree-diff.js';
import type { Label, Task } from '../model/task.js';
import { decodeEntry, type Entry, sameEntry } from '../model/tree.js';
import type { ChangedPatch } from '../model/verdict.js';
import { lockedTask, type Project } from '../project/project.js';
import { isOwn } from './locked-task.js';

export interface Drift {
  readonly label: Label;
  /** Owned and patched files that differ from the record; all of them are new where nothing is recorded. */
  readonly files: readonly DriftedFile[];
  /** Files that differ although their recorded text is in no store any more. */
  readonly lost: readonly string[];
}

export interface DriftedFile extends FileDifference {
  /** Of a file that the task only patches: what was changed in patches; empty where people changed only their own text. */
  readonly patches?: readonly ChangedPatch[];
}

/** The task's files on disk against those of its record in the lock file. */
export async function driftOf(project: Project, task: Task): Promise<Drift> {
  const before = new Map<string, Entry>();
  const after = new Map<string, Entry>(project.owned.get(task.label));
  const locked = lockedTask(project, task);
  for (const [path, word] of Object.entries(locked?.outputs ?? {}))
    if (isOwn(project, task, path)) before.set(path, decodeEntry(word));
  for (const [path, { merged }] of Object.entries(locked?.edits ?? {})) {
    const onDisk = project.listing.get(path);
    if (merged !== '') before.set(path, { mode: onDisk?.mode ?? '100644', id: merged });
    if (onDisk) after.set(path, onDisk);
  }
  const lost: string[] = [];
  for (const [path, entry] of before) {
    if (sameEntry(entry, after.get(path))) {
      before.delete(path);
      after.delete(path);
    } else if (entry.mode !== '160000' && (await project.objects.read(entry.id)) === undefined) {
      if (after.has(path)) lost.push(path);
      before.delete(path);
      after.delete(path);
    }
  }
  const [from, to] = [
    await project.objects.editTree(undefined, before),
    await project.objects.editTree(undefined, after),
  ];
  const files = (await diffTrees(project.objects.store, from, to)).map((file) => {
    const patches = ownValue(locked?.edits, file.path) && changedPatches(project, file.path);
    return patches ? { ...file, patches } : file;
  });
  return { label: task.label, files, lost };
}

/** What people changed in the patches of a file that nobody owns. */
export function changedPatches({ edited }: Project, path: string): ChangedPatch[] {
  const file = edited.get(path);
  if (!file?.contested) return [];
  const lines = file.touched.length > 0 ? file.touched : [{ tasks: [], was: [], now: [] }];
  return lines.map((one) => ({ path, ...one }));
}

/**
 * Files that a person edited and that putting others in their place would lose. What people wrote in a patched file is
 * not among them as long as it can be told from the patches: it is kept apart.
 */
export async function editedByHand(project: Project, task: Task): Promise<string[]> {
  const { files, lost } = await driftOf(project, task);
  const there = [...files.filter(({ change }) => change !== 'removed').map(({ path }) => path), ...lost];
  return there.filter((path) => {
    const patched = project.edited.get(path);
    return !patched || patched.contested || patched.isDiscarded;
  });
}
