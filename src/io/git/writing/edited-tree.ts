/** Makes a tree with changes from another one: reads and writes only the folders that lead to a change. Knows no store. */

import { mapBounded } from '../../../base/bounded.js';
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
  const folderOf = (name: string) => {
    const entry = entries.get(name);
    return entry?.mode === '40000' ? entry.id : undefined;
  };
  // Answers for trees that are asked for one by one would each be waited for.
  const edited = await mapBounded(changes.folders, ([name, inner]) =>
    editFolder(trees, folderOf(name), inner),
  );
  for (const [at, name] of [...changes.folders.keys()].entries()) {
    const tree = edited[at];
    if (tree !== undefined) entries.set(name, { mode: '40000', id: tree });
    else if (folderOf(name) !== undefined) entries.delete(name);
  }
  return entries.size === 0 ? undefined : trees.writeTree(entries);
}
