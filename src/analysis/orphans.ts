/** Recorded outputs that no task owns any more: what the next complete build removes, and what it leaves. Decides for all. */

import { ownValue } from '../base/records/own-value.js';
import { historicalBlobs } from '../io/git/commit-history.js';
import { LOCK_ENDING } from '../model/feature-lock.js';
import type { Label } from '../model/task.js';
import { encodeEntry } from '../model/tree.js';
import type { Project } from '../project/project.js';
import { parseLock } from '../specs/lock-file.js';

export interface Orphans {
  /** On disk exactly as conductor built them: the next complete build removes them. */
  readonly removed: readonly string[];
  /** Written, edited or accepted by a person: left in place. */
  readonly kept: readonly string[];
}

export function findOrphans(project: Project): Orphans {
  const removed: string[] = [];
  const kept: string[] = [];
  for (const path of project.recorded.keys()) {
    const onDisk = project.listing.get(path);
    if (!onDisk || project.ownership.ownerOf(path) !== undefined) continue;
    const isBuilt = project.built.get(path)?.has(encodeEntry(onDisk)) === true;
    (isBuilt ? removed : kept).push(path);
  }
  return { removed: removed.sort(), kept: kept.sort() };
}

/** Those of the orphans that the lock file records for this task. */
export function orphansOf(project: Project, label: Label, orphans: Orphans): readonly string[] {
  const task = project.graph.task(label);
  const outputs = ownValue(project.locks.get(task.feature)?.tasks, task.id)?.outputs ?? {};
  return orphans.removed.filter((path) => ownValue(outputs, path) !== undefined);
}

/**
 * Files on disk that are exactly what a lock file of git's history says that conductor built, and that no task owns: for
 * clones whose own record does not know of a feature that was removed. In the order of their names.
 */
export async function historicalOrphans(project: Project): Promise<readonly string[]> {
  const { repository, objects, config } = project;
  const blobs = await historicalBlobs(repository, config.specs, LOCK_ENDING);
  const orphans = new Set<string>();
  for (const text of (await objects.readMany([...blobs])).values()) {
    const lock = parseLock(text?.toString('utf8') ?? '', LOCK_ENDING);
    if (!lock.ok) continue;
    for (const task of Object.values(lock.value.tasks)) {
      if (task.recipe === 'accepted' || task.adopted) continue;
      for (const [path, word] of Object.entries(task.outputs)) {
        const onDisk = project.listing.get(path);
        const isBuilt = onDisk !== undefined && encodeEntry(onDisk) === word;
        if (isBuilt && project.ownership.ownerOf(path) === undefined) orphans.add(path);
      }
    }
  }
  return [...orphans].sort();
}

/** Everything that is provably conductor's and that no task owns: by this clone's record, and by git's history. */
export async function provenOrphans(project: Project): Promise<readonly string[]> {
  const { removed, kept } = findOrphans(project);
  const past = await historicalOrphans(project);
  return [...new Set([...removed, ...past.filter((path) => !kept.includes(path))])].sort();
}
