/** The lock file of a feature under other names and paths: ids and paths that it had before stay in it. Pure. */

import { newRecord } from '../../base/records/own-value.js';
import type { FeatureLock, LockedTask, TaskRecord } from '../../model/feature-lock.js';
import type { Feature } from '../../model/task.js';
import type { Project } from '../../project/project.js';
import { idOf, type Renaming } from './renaming.js';

/** Undefined where there is none, or nothing of it changes. */
export function rewrittenLock(
  project: Project,
  { name: old, lockFile }: Feature,
  name: string,
  renaming: Renaming,
): FeatureLock | undefined {
  const lock = project.locks.get(old);
  if (!lock) return undefined;
  const tasks = newRecord<LockedTask>();
  let isChanged = name !== old;
  for (const [id, task] of Object.entries(lock.tasks)) {
    const label = renaming.label(`${old}/${id}`);
    const now = label && withPaths(task, renaming);
    if (now !== task || idOf(label ?? '') !== id) isChanged = true;
    if (!label || !now) continue;
    const newId = idOf(label);
    tasks[newId] = newId === id ? now : { ...now, formerly: [...(now.formerly ?? []), id] };
  }
  if (!isChanged) return undefined;
  const formerly = name === old ? lock.formerly : [...(lock.formerly ?? []), lockFile];
  return { feature: name, ...(formerly ? { formerly } : {}), tasks };
}

function withPaths(task: LockedTask, renaming: Renaming): LockedTask {
  const { unmerged } = task;
  const all = unmerged ? [task, ...unmerged.sides, ...unmerged.bases] : [task];
  const isMoved = all.some(({ outputs, observed = {} }) =>
    [...Object.keys(outputs), ...Object.keys(observed)].some((path) => renaming.path(path) !== path),
  );
  if (!isMoved) return task;
  const movedKeys = (words: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(words).map(([path, word]) => [renaming.path(path), word]));
  const moved = <T extends TaskRecord>(record: T): T => ({
    ...record,
    outputs: movedKeys(record.outputs),
    ...(record.observed && { observed: movedKeys(record.observed) }),
  });
  return {
    ...moved(task),
    ...(unmerged && { unmerged: { sides: unmerged.sides.map(moved), bases: unmerged.bases.map(moved) } }),
  };
}
