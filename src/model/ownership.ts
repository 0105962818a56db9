/** Who owns a path: exact outputs by a map, globs by the folder they start in, so that no look-up walks all tasks. */

import { type PathPattern, parsePattern } from './pattern.js';
import type { Label, Task } from './task.js';

export class Ownership {
  private readonly exact = new Map<string, Label>();
  private readonly globs = new Map<string, { pattern: PathPattern; label: Label }[]>();

  constructor(tasks: Iterable<Pick<Task, 'label' | 'outputs'>>) {
    for (const task of tasks) {
      for (const text of task.outputs) {
        const pattern = parsePattern(text);
        if (!pattern.isGlob) {
          this.exact.set(pattern.prefix, task.label);
          continue;
        }
        const sameFolder = this.globs.get(pattern.prefix) ?? [];
        sameFolder.push({ pattern, label: task.label });
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
      const owner = inFolder?.find(({ pattern }) => pattern.matches(path));
      if (owner) return owner.label;
      if (end <= 0) break;
    }
    return this.globs.get('')?.find(({ pattern }) => pattern.matches(path))?.label;
  }
}
