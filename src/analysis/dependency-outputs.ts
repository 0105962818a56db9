/** What dependents get from a finished task, and which part of it they are keyed on. Knows no verdict. */

import type { ActionKey, FileChange, StoredResult } from '../model/action.js';
import { type Digest, digestFields } from '../model/digest.js';
import type { LockedTask } from '../model/feature-lock.js';
import type { Label, Task } from '../model/task.js';
import { compactFiles, decodeEntry, type Entry, encodeEntry, type Files } from '../model/tree.js';
import { interfaceDigest } from '../store/manifest.js';
import { interfacePaths } from './interfaces/interface-files.js';

/** What a finished dependency looks like to its dependents. */
export interface DependencyOutputs {
  readonly label: Label;
  /** Key of the result that it is of; absent: what is recorded. */
  readonly result?: ActionKey;
  readonly outputs: Files;
  /** Of the bytes of its interface and its patches. */
  readonly interface: Digest;
  /** The files that it patched, as it left them. */
  readonly patches: Patches;
  /** Files that it patched: the file as the task found it and as it left it. */
  readonly edits: readonly FileChange[];
}

/** Path to the file as it was left; undefined: deleted. */
export type Patches = readonly (readonly [path: string, after: Entry | undefined])[];

/** What dependents see of a task. `edits` are those that are known with the file as it was before. */
export function asDependency(
  task: Task,
  outputs: Files,
  patches: Patches,
  edits: DependencyOutputs['edits'] = NO_CHANGES,
): DependencyOutputs {
  return new CountedOutputs(task, outputs, patches, { edits });
}

const NO_CHANGES: readonly never[] = [];

/** What dependents see of one task. A build keeps one for each task, so the digest is computed only when it is asked for. */
class CountedOutputs implements DependencyOutputs {
  readonly outputs: Files;
  readonly patches: Patches;
  readonly edits: DependencyOutputs['edits'];
  readonly result?: ActionKey;
  private readonly task: Task;
  private digest: Digest | undefined;

  constructor(
    task: Task,
    outputs: Files,
    patches: Patches,
    { edits, result }: Pick<DependencyOutputs, 'edits' | 'result'>,
  ) {
    this.task = task;
    this.outputs = outputs;
    this.patches = patches;
    this.edits = edits;
    this.digest = undefined;
    if (result !== undefined) this.result = result;
  }

  get label(): Label {
    return this.task.label;
  }

  get interface(): Digest {
    this.digest ??= bytesInterface(this.task, this.outputs, this.patches);
    return this.digest;
  }
}

/** What dependents see of a stored result. */
export function resultAsDependency(
  task: Task,
  { key, outputs, edits }: Pick<StoredResult, 'key' | 'outputs' | 'edits'>,
): DependencyOutputs {
  const files = compactFiles(outputs);
  if (edits.length === 0)
    return new CountedOutputs(task, files, NO_CHANGES, { edits: NO_CHANGES, result: key });
  const patches = edits.map(({ path, after }) => [path, after] as const);
  return new CountedOutputs(task, files, patches, { edits, result: key });
}

/** The digest in the keys of dependents that count bytes. */
export function bytesInterface(task: Task, outputs: Files, patches: Patches): Digest {
  const shown = interfacePaths(task, outputs).map((path) => [path, outputs.get(path) as Entry] as const);
  return interfaceDigest(
    shown,
    patches.map(([path, entry]) => [path, entry ? encodeEntry(entry) : 'deleted'] as const),
  );
}

export function lockedPatches(locked: LockedTask): (readonly [string, Entry | undefined])[] {
  return Object.entries(locked.edits ?? {}).map(([path, edit]) => [
    path,
    edit.after === '' ? undefined : decodeEntry(edit.after),
  ]);
}

/** A short digest of an acceptance criterion, for the feature's version. */
export function criterionDigest(text: string): string {
  return digestFields('criterion', [text.trim().replace(/\s+/g, ' ')]).slice(0, 16);
}

/** What a task looks like to its dependents if it comes out as its lock file has it; empty where nothing is recorded. */
export function foreseenOutputs(task: Task, locked: LockedTask | undefined): DependencyOutputs {
  const recorded = Object.entries(locked?.outputs ?? {});
  const outputs: Files = new Map(recorded.map(([path, word]) => [path, decodeEntry(word)]));
  const patches = locked ? lockedPatches(locked) : [];
  return asDependency(task, outputs, patches);
}
