/** Makes a tree with changes from another one: reads and writes only the folders that lead to a change. Knows no store. */

import { mapBounded } from '../../../base/bounded.js';
import type { ObjectId } from '../../../model/tree.js';
import { ObjectDamaged } from '../damaged.js';
import { type Changes, type FolderChanges, groupChanges, parseRawTree, type TreeEntry } from '../raw-tree.js';
import { findEntries, type PlacedEntry } from '../reading/raw-entries.js';
import { treeBytes } from './object-bytes.js';

/** Where trees come from and go to. */
export interface Trees {
  read(id: ObjectId): Promise<Buffer | undefined>;
  write(type: 'tree', content: Buffer): Promise<ObjectId>;
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
  const idBytes = (base?.length ?? 0) / 2;
  const found =
    raw && findEntries(raw, idBytes, new Set([...changes.files.keys(), ...changes.folders.keys()]));
  // A tree of old modes is written anew as a whole.
  const all = raw && !found ? parseRawTree(raw, idBytes) : undefined;
  const before = (name: string) => (found ?? all)?.get(name);
  const news = new Map<string, TreeEntry | undefined>();
  for (const [name, entry] of changes.files) {
    // A deletion of a file says nothing of a folder that has its name.
    if (entry || before(name)?.mode !== '40000') news.set(name, entry);
  }
  const folderOf = (name: string) => {
    const entry = news.has(name) ? news.get(name) : before(name);
    return entry?.mode === '40000' ? entry.id : undefined;
  };
  // Answers for trees that are asked for one by one would each be waited for.
  const edited = await mapBounded(changes.folders, ([name, inner]) =>
    editFolder(trees, folderOf(name), inner),
  );
  for (const [at, name] of [...changes.folders.keys()].entries()) {
    const tree = edited[at];
    if (tree !== undefined) news.set(name, { mode: '40000', id: tree });
    else if (folderOf(name) !== undefined) news.set(name, undefined);
  }
  const content = (raw && found && replaced(raw, found, news)) ?? rewritten(raw, idBytes, news);
  return content.length === 0 ? undefined : trees.write('tree', content);
}

/** The tree with these entries in the place of the former ones; undefined where one is new or has another place in the order of names. */
function replaced(
  raw: Buffer,
  found: ReadonlyMap<string, PlacedEntry>,
  news: ReadonlyMap<string, TreeEntry | undefined>,
): Buffer | undefined {
  const isFolder = (entry: TreeEntry) => entry.mode === '40000';
  const places: { readonly from: number; readonly to: number; readonly bytes: Buffer }[] = [];
  for (const [name, entry] of news) {
    const was = found.get(name);
    if (entry && (!was || isFolder(was) !== isFolder(entry))) return undefined;
    if (was) places.push({ ...was, bytes: treeBytes(entry ? [[name, entry]] : []) });
  }
  places.sort((a, b) => a.from - b.from);
  const parts: Buffer[] = [];
  let at = 0;
  for (const { from, to, bytes } of places) {
    parts.push(raw.subarray(at, from), bytes);
    at = to;
  }
  return Buffer.concat([...parts, raw.subarray(at)]);
}

function rewritten(
  raw: Buffer | undefined,
  idBytes: number,
  news: ReadonlyMap<string, TreeEntry | undefined>,
): Buffer {
  const entries = raw ? parseRawTree(raw, idBytes) : new Map<string, TreeEntry>();
  for (const [name, entry] of news) {
    if (entry) entries.set(name, entry);
    else entries.delete(name);
  }
  return treeBytes(entries);
}
