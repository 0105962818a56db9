/** The last step before a ref is written: reads back, hashes and syncs to disk every object that a commit needs. */

import { dirname, join } from 'node:path';
import { mapBounded } from '../../../base/bounded.js';
import type { ObjectId } from '../../../model/tree.js';
import { syncFiles, syncFolder } from '../../durable.js';
import { loosePath, ObjectDamaged } from '../damaged.js';
import type { GitObjects } from '../objects.js';
import { commitTree, parseRawTree } from '../raw-tree.js';
import { differingEntries } from '../reading/raw-entries.js';

const NONE: ReadonlySet<ObjectId> = new Set();
const NOTHING = Buffer.alloc(0);

/** A ref to a commit with unreadable objects would be a result that does not exist. */
export class DurableRefs {
  private readonly objects: GitObjects;
  /** Of this process: most folders and many files of a result are those of the one before. */
  private readonly done = new Set<ObjectId>();
  private readonly folders = new Set<string>();

  constructor(objects: GitObjects) {
    this.objects = objects;
  }

  /**
   * Ids of what cannot be read back as it was written; none when all of it is on disk. What lies in a pack was brought
   * there by the git that wrote the pack.
   */
  async makeDurable(commit: ObjectId): Promise<ObjectId[]> {
    const wanted = new Set<ObjectId>();
    const bad: ObjectId[] = [];
    const visit = async (id: ObjectId): Promise<readonly ObjectId[]> => {
      if (this.done.has(id) || wanted.has(id)) return [];
      wanted.add(id);
      const object = await this.objects.readVerified(id);
      if (object === undefined) bad.push(id);
      else if (object.type === 'tree') return treeEntries(object.content, id);
      else if (object.type === 'commit') return [commitTree(object.content) ?? []].flat();
      return [];
    };
    for (let level: readonly ObjectId[] = [commit]; level.length > 0; )
      level = (await mapBounded(level, visit)).flat();
    if (bad.length > 0) return bad;
    await this.sync(wanted);
    return [];
  }

  /**
   * What a tree holds and another one, which is on disk, does not. `stored`: files that are on disk as well. Rejects when something of
   * it cannot be read.
   */
  async makeTreeDurable(from: ObjectId, to: ObjectId, stored: ReadonlySet<ObjectId> = NONE): Promise<void> {
    const wanted = new Set<ObjectId>();
    const visit = async (before: ObjectId | undefined, after: ObjectId): Promise<void> => {
      if (before === after || this.done.has(after)) return;
      wanted.add(after);
      const trees = await Promise.all([
        before === undefined ? NOTHING : this.folder(before),
        this.folder(after),
      ]);
      const [old, now] = differingEntries(...trees, after.length / 2);
      for (const [name, entry] of now) {
        const was = old.get(name);
        if (was?.id === entry.id || entry.mode === '160000') continue;
        if (entry.mode === '40000') await visit(was?.mode === '40000' ? was.id : undefined, entry.id);
        else if (!stored.has(entry.id)) wanted.add(entry.id);
      }
    };
    await visit(from, to);
    await this.sync(wanted);
  }

  private async folder(id: ObjectId): Promise<Buffer> {
    // As it is on disk, not as this process remembers it.
    const tree = await this.objects.readVerified(id);
    if (tree?.type !== 'tree') throw new ObjectDamaged('tree', id);
    return tree.content;
  }

  /** Objects that this process has written, each as a file of its own, or that are in a pack. */
  async sync(wanted: ReadonlySet<ObjectId>): Promise<void> {
    const missing = await syncFiles([...wanted].map((id) => loosePath(this.objects.store, id)));
    // Objects of the person's repository that are loose there: theirs, and needed all the same.
    if (missing.length > 0) {
      const theirs = join(this.objects.store, '..', '..');
      const here = new Set(missing);
      const ids = [...wanted].filter((id) => here.has(loosePath(this.objects.store, id)));
      await syncFiles(ids.map((id) => loosePath(theirs, id)));
    }
    await this.syncNew(join(this.objects.store, 'objects'));
    for (const id of wanted) this.done.add(id);
  }

  /** The entry of a ref that git has just written. */
  async refWritten(name: string): Promise<void> {
    const folder = dirname(join(this.objects.store, name));
    // Packed in the meantime by another command: then git has brought it to disk.
    if (!(await syncFolder(folder))) return;
    for (let above = dirname(folder); above.length >= this.objects.store.length; above = dirname(above)) {
      await this.syncNew(above);
    }
  }

  /** Once a process: its entries are folders, of which there are few. */
  private async syncNew(folder: string): Promise<void> {
    if (this.folders.has(folder)) return;
    await syncFolder(folder);
    this.folders.add(folder);
  }
}

/** Gitlinks name commits of other repositories. */
function treeEntries(content: Buffer, id: ObjectId): ObjectId[] {
  const entries = [...parseRawTree(content, id.length / 2).values()];
  return entries.filter((entry) => entry.mode !== '160000').map((entry) => entry.id);
}
