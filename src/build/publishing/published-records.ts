/** The clone's own records after a build: which outputs and patches of conductor are on disk. Writes nothing. */

import { type FeatureLock, isAdopted } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import { type Entry, encodeEntry } from '../../model/tree.js';
import type { KeptLock, PatchedFile } from '../../project/clone-records.js';
import type { OutputChanges, OutputWords } from '../../project/outputs/clone-outputs.js';
import { acceptedWord } from '../../project/outputs/recorded-outputs.js';
import { lockedTask, type Project } from '../../project/project.js';
import type { FinishedTask, MergedTree } from './publish-plan.js';

/**
 * Outputs that are on disk as they are recorded, after this build. Accepted content of a person is marked as such while a task owns it.
 */
export function publishedOutputs(
  project: Project,
  finished: Iterable<Pick<FinishedTask, 'result'>>,
  changes: ReadonlyMap<string, Entry | undefined>,
): OutputWords {
  const published = new Map<string, string>();
  const isBuilt = (path: string, word: string) => project.built.get(path)?.has(word) === true;
  for (const [path, words] of project.recorded) {
    const onDisk = changes.has(path) ? changes.get(path) : project.listing.get(path);
    const word = onDisk && encodeEntry(onDisk);
    if (word === undefined || !words.has(word)) continue;
    if (isBuilt(path, word)) published.set(path, word);
    else if (project.ownership.ownerOf(path) !== undefined) published.set(path, acceptedWord(word));
  }
  for (const { result } of finished) {
    const { label, recipe } = result.provenance;
    const task = project.graph.tasks.get(label);
    const isAccepted = recipe === 'accepted' || isAdopted(task && lockedTask(project, task), recipe);
    for (const [path, entry] of result.outputs) {
      const word = encodeEntry(entry);
      published.set(path, isAccepted && !isBuilt(path, word) ? acceptedWord(word) : word);
    }
  }
  return published;
}

/**
 * With what the clone's record has of other outputs of tasks that are not `done`: they were not looked at, failed or are edited, and
 * their files may only be away for a while.
 */
export function withFormer(
  { ownership }: Pick<Project, 'ownership'>,
  { published, done }: Pick<MergedTree, 'published' | 'done'>,
  former: OutputWords,
): OutputWords {
  const kept = [...former].filter(([path]) => {
    const owner = published.has(path) ? undefined : ownership.ownerOf(path);
    return owner !== undefined && !done.has(owner);
  });
  return kept.length === 0 ? published : new Map([...published, ...kept]);
}

/** With the lock files of features that were not read, and of those that have none for the moment. */
export function withFormerLocks(
  { features, rest }: Pick<Project, 'features' | 'rest'>,
  { kept }: Pick<MergedTree, 'kept'>,
  former: Readonly<Record<string, KeptLock>>,
): Readonly<Record<string, KeptLock>> {
  const own = new Set([...features.values()].map(({ lockFile }) => lockFile));
  const gone = new Set(rest?.removed.values());
  const stays = (file: string) => own.has(file) || (rest !== undefined && !gone.has(file));
  // Nearly always all of them stay. There are as many as features, so they are not gone through as pairs.
  const all = { ...former, ...kept };
  for (const file of Object.keys(former)) if (!stays(file) && !Object.hasOwn(kept, file)) delete all[file];
  return all;
}

/** Lock files that are kept with another content than before: no outputs, but a change for a build that reads a part. */
export function lockChanges(
  before: Readonly<Record<string, KeptLock>>,
  after: Readonly<Record<string, KeptLock>>,
): OutputChanges {
  const files = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...files].filter((file) => before[file]?.blob !== after[file]?.blob);
  return new Map(changed.map((file) => [file, null]));
}

/** Files with patches after a build, by its lock files. */
export class PatchedFiles {
  private readonly patched = new Map<string, PatchedFile>();

  add(lock: FeatureLock): void {
    for (const [id, task] of Object.entries(lock.tasks)) {
      for (const [path, edit] of Object.entries(task.edits ?? {}))
        this.note(path, edit, [`${lock.feature}/${id}`]);
    }
  }

  /** `others`: files that stay as they are recorded, because tasks that were not looked at may patch them. */
  all(others: Iterable<readonly [string, PatchedFile]>): Record<string, PatchedFile> {
    for (const [path, file] of others) this.note(path, file, file.by);
    return Object.fromEntries(this.patched);
  }

  private note(path: string, { base, merged }: Omit<PatchedFile, 'by'>, by: readonly Label[]): void {
    const known = this.patched.get(path) ?? { base, merged, by: [] };
    this.patched.set(path, { ...known, by: [...new Set([...known.by, ...by])] });
  }
}
