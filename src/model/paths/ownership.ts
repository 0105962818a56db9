/**
 * Finds the owner of a path: exact outputs by a map, globs by their first folder, so that no lookup walks all tasks.
 */

import type { Label, Task } from '../task.js';
import type { PathPattern } from './pattern.js';
import { type PatternSet, patternSet } from './pattern-set.js';

export class Ownership {
  private readonly exact = new Map<string, Label>();
  private readonly globs = new Map<string, { pattern: PathPattern; set: PatternSet; label: Label }[]>();

  constructor(tasks: Iterable<Pick<Task, 'label' | 'outputs'>>) {
    for (const task of tasks) {
      const set = patternSet(task.outputs);
      for (const path of set.plainPaths()) this.exact.set(path, task.label);
      for (const pattern of set.includes) {
        if (!pattern.isGlob) continue;
        const sameFolder = this.globs.get(pattern.prefix) ?? [];
        sameFolder.push({ pattern, set, label: task.label });
        this.globs.set(pattern.prefix, sameFolder);
      }
    }
  }

  /** The task that owns the path, or undefined for a file of the people's. */
  ownerOf(path: string): Label | undefined {
    const exact = this.exact.get(path);
    if (exact !== undefined || this.globs.size === 0) return exact;
    for (let end = path.lastIndexOf('/'); ; end = path.lastIndexOf('/', end - 1)) {
      const inFolder = this.globs.get(path.slice(0, end + 1));
      const owner = inFolder?.find(({ pattern, set }) => pattern.matches(path) && set.keeps(path));
      if (owner) return owner.label;
      if (end <= 0) break;
    }
    return this.globs.get('')?.find(({ pattern, set }) => pattern.matches(path) && set.keeps(path))?.label;
  }
}
