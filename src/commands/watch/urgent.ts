/** Which tasks a change has probably made stale, to be looked at first. A guess: every task is looked at. */

import { patternSet } from '../../model/paths/pattern-set.js';
import type { Label } from '../../model/task.js';
import type { Project } from '../../project/project.js';

/** More changes than these say nothing about single tasks. */
const MOST_PATHS = 20;

export function urgentTasks(project: Project, changed: readonly string[]): ReadonlySet<Label> {
  const urgent = new Set<Label>();
  if (changed.length > MOST_PATHS) return urgent;
  for (const path of changed) {
    const owner = project.ownership.ownerOf(path);
    if (owner !== undefined) urgent.add(owner);
  }
  for (const feature of project.features.values()) {
    const folder = feature.file.endsWith('/BACKLOG.yaml')
      ? feature.file.slice(0, -'BACKLOG.yaml'.length)
      : '';
    const isOwn = (path: string) => path === feature.file || (folder !== '' && path.startsWith(folder));
    if (changed.some(isOwn)) for (const task of feature.tasks) urgent.add(task.label);
  }
  const others = changed.filter((path) => !path.startsWith(`${project.config.specs}/`));
  if (others.length === 0) return urgent;
  for (const task of project.graph.tasks.values()) {
    const inputs = patternSet(task.inputs ?? []);
    if (others.some((path) => inputs.matches(path) || task.edits.includes(path))) urgent.add(task.label);
  }
  return urgent;
}
