/** What of a task's outputs and patches dependents are keyed on, from a result or a lock file. Knows no verdict. */

import { type Digest, digestFields } from '../model/digest.js';
import type { LockedTask } from '../model/lock.js';
import type { Task } from '../model/task.js';
import { type Entry, entryWord, type Files, parseEntryWord } from '../model/tree.js';
import { interfaceDigest } from '../store/manifest.js';
import { interfacePaths } from './facts.js';

/** The digest that dependents are keyed on. */
export function interfaceOf(
  task: Task,
  outputs: Files,
  patches: Iterable<readonly [string, Entry | undefined]>,
): Digest {
  const shown = interfacePaths(task, outputs).map((path) => [path, outputs.get(path) as Entry] as const);
  return interfaceDigest(
    shown,
    [...patches].map(([path, entry]) => [path, entry ? entryWord(entry) : 'deleted'] as const),
  );
}

export function lockedPatches(locked: LockedTask): (readonly [string, Entry | undefined])[] {
  return Object.entries(locked.edits ?? {}).map(([path, edit]) => [
    path,
    edit.after === '' ? undefined : parseEntryWord(edit.after),
  ]);
}

/** A short digest of an acceptance criterion, for the feature's version. */
export function criterionDigest(text: string): string {
  return digestFields('criterion', [text.trim().replace(/\s+/g, ' ')]).slice(0, 16);
}
