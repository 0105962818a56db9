/** Makes a tree with changes from another one: reads and writes only the folders that lead to a change. Knows no store. */

import type { ObjectId } from '../../../model/tree.js';
import { ObjectDamaged } from '../damaged.js';
import { type Changes, type FolderChanges, groupChanges, parseRawTree, type TreeEntry } from '../raw-tree.js';

/** Where trees come from and go to. */
export interface Trees {
  read(id: ObjectId): Promise<Buffer | undefined>;
  writeTree(entries: Iterable<readonly [string, TreeEntry]>): Promise<ObjectId>;
}

/** Undefined when nothing is left in it. */
export function editedTree(
  trees: Trees,
  base: ObjectId | undefined,
  changes: Changes,
): Promise<ObjectId | undefined> {
  return editFolder(trees, base, groupChanges(changes));
}

async function editFolder(
  trees: Trees,
  base: ObjectId | undefined,
  changes: FolderChanges,
): Promise<ObjectId | undefined> {
  const raw = base === undefined ? undefined : await trees.read(base);
  if (base !== undefined && !raw) throw new ObjectDamaged('tree', base);
  const entries = raw && base ? parseRawTree(raw, base.length / 2) : new Map<string, TreeEntry>();
  for (const [name, entry] of changes.files) {
    // A deletion of a file says nothing of a folder that has its name.
    if (entry) entries.set(name, entry);
    else if (entries.get(name)?.mode !== '40000') entries.delete(name);
  }
  for (const [name, inner] of changes.folders) {
    const old = entries.get(name);
    const tree = await editFolder(trees, old?.mode === '40000' ? old.id : undefined, inner);
    if (tree !== undefined) entries.set(name, { mode: '40000', id: tree });
    else if (old?.mode === '40000') entries.delete(name);
  }
  return entries.size === 0 ? undefined : trees.writeTree(entries);
}
