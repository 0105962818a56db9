/** The clone's own records after a build: which outputs and patches of conductor are on disk. Writes nothing. */

import { type FeatureLock, isAdopted } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import { type Entry, encodeEntry } from '../../model/tree.js';
import type { PatchedFile } from '../../project/clone-records.js';
import { lockedTask, type Project } from '../../project/project.js';
import { acceptedWord } from '../../project/recorded-outputs.js';
import type { FinishedTask } from './publish-plan.js';

/**
 * Outputs that are on disk as they are recorded, after this build. An edited one is the person's from now on; accepted
 * content of a person is marked as such while a task owns it.
 */
export function publishedOutputs(
  project: Project,
  finished: Iterable<Pick<FinishedTask, 'result'>>,
  changes: ReadonlyMap<string, Entry | undefined>,
): Record<string, string> {
  const published: Record<string, string> = {};
  const isBuilt = (path: string, word: string) => project.built.get(path)?.has(word) === true;
  for (const [path, words] of project.recorded) {
    const onDisk = changes.has(path) ? changes.get(path) : project.listing.get(path);
    const word = onDisk && encodeEntry(onDisk);
    if (word === undefined || !words.has(word)) continue;
    if (isBuilt(path, word)) published[path] = word;
    else if (project.ownership.ownerOf(path) !== undefined) published[path] = acceptedWord(word);
  }
  for (const { result } of finished) {
    const { label, recipe } = result.provenance;
    const task = project.graph.tasks.get(label);
    const isAccepted = recipe === 'accepted' || isAdopted(task && lockedTask(project, task), recipe);
    for (const [path, entry] of result.outputs) {
      const word = encodeEntry(entry);
      published[path] = isAccepted && !isBuilt(path, word) ? acceptedWord(word) : word;
    }
  }
  return published;
}

/**
 * The published outputs of a project that was read in part, where they differ from the clone's record; null: there is none any more.
 * Lock files do not tell what the record has: it has nothing of an output that was edited then, or of a feature that had gone.
 */
export function changedOutputs(
  { recorded }: Project,
  published: Readonly<Record<string, string>>,
  former: Readonly<Record<string, string>>,
): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  for (const path of new Set([...recorded.keys(), ...Object.keys(published)])) {
    const word = published[path] ?? null;
    if (word !== (former[path] ?? null)) changes[path] = word;
  }
  return changes;
}

/** Files with patches after a build, by its lock files. */
export class PatchedFiles {
  private readonly patched: Record<string, PatchedFile> = {};

  add(lock: FeatureLock): void {
    for (const [id, task] of Object.entries(lock.tasks)) {
      for (const [path, edit] of Object.entries(task.edits ?? {}))
        this.note(path, edit, [`${lock.feature}/${id}`]);
    }
  }

  /** `others`: files that stay as they are recorded, because tasks that were not looked at may patch them. */
  all(others: Iterable<readonly [string, PatchedFile]>): Record<string, PatchedFile> {
    for (const [path, file] of others) this.note(path, file, file.by);
    return this.patched;
  }

  private note(path: string, { base, merged }: Omit<PatchedFile, 'by'>, by: readonly Label[]): void {
    const known = this.patched[path] ?? { base, merged, by: [] };
    this.patched[path] = { ...known, by: [...new Set([...known.by, ...by])] };
  }
}
