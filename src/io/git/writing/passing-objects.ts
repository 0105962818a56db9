/**
 * Objects that only this process has, on their way to another machine or from one: read as those of the repository, and
 * written only when a caller asks for it. Each belongs to the commits with which it travels.
 */

import type { ObjectId } from '../../../model/tree.js';
import type { GitObject } from './object-bytes.js';

export class PassingObjects {
  private readonly all = new Map<ObjectId, { readonly object: GitObject; uses: number }>();
  private readonly groups = new Map<ObjectId, readonly ObjectId[]>();

  get(id: string): GitObject | undefined {
    return this.all.get(id)?.object;
  }

  /** Until the commit is dropped. */
  add(commit: ObjectId, objects: ReadonlyMap<ObjectId, GitObject>): void {
    if (this.groups.has(commit)) return;
    this.groups.set(commit, [...objects.keys()]);
    for (const [id, object] of objects) {
      const known = this.all.get(id);
      if (known) known.uses++;
      else this.all.set(id, { object, uses: 1 });
    }
  }

  /** What travels with the commit; empty when it is none of these. */
  of(commit: ObjectId): Map<ObjectId, GitObject> {
    const found = new Map<ObjectId, GitObject>();
    for (const id of this.groups.get(commit) ?? []) {
      const object = this.get(id);
      if (object) found.set(id, object);
    }
    return found;
  }

  drop(commits: readonly ObjectId[]): void {
    for (const commit of commits) {
      for (const id of this.groups.get(commit) ?? []) {
        const known = this.all.get(id);
        if (known && --known.uses === 0) this.all.delete(id);
      }
      this.groups.delete(commit);
    }
  }
}
