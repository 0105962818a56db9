/** Recorded outputs that no task owns any more: what the next complete build removes, and what it leaves. Decides for all. */

import type { Label } from '../model/task.js';
import { encodeEntry } from '../model/tree.js';
import type { Project } from '../project/project.js';

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
  const outputs = project.locks.get(task.feature)?.tasks[task.id]?.outputs ?? {};
  return orphans.removed.filter((path) => outputs[path] !== undefined);
}
