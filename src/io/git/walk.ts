/** Every file in a small tree, read object by object without starting a process. Knows no results. */

import { mapBounded } from '../../base/bounded.js';
import { type Entry, Listing, type ObjectId } from '../../model/tree.js';
import { codeOf } from '../errors.js';
import { ObjectDamaged } from './damaged.js';
import { FATAL, GitError } from './git-process.js';
import type { GitObjects } from './objects.js';
import { byteName, entryPath, parseRawTree, type TreeEntry } from './raw-tree.js';
import { differingEntries, findEntries } from './reading/raw-entries.js';

/** For trees of a few folders; `GitObjects.list` is quicker for a whole project. Rejects when a folder is missing. */
export async function walkTree(objects: GitObjects, tree: ObjectId): Promise<Map<string, Entry>> {
  const files = new Map<string, Entry>();
  await byLevels<Folder>([{ id: tree, prefix: '' }], (folder) => entriesOf(objects, folder, files));
  return files;
}

/** Folders up to which a tree is read object by object; beyond them a process for the whole is quicker. */
const FEW_FOLDERS = 50;

/** The files of a tree of any size: no process is started for a small one. Rejects when a folder is missing. */
export async function listTree(objects: Pick<GitObjects, 'read' | 'list'>, tree: ObjectId): Promise<Listing> {
  return (await listSmallTree(objects, tree)) ?? objects.list(tree);
}

/** As `listTree`; undefined where the tree is gone or damaged. */
export async function listOrNothing(
  objects: Pick<GitObjects, 'read' | 'list'>,
  tree: ObjectId,
): Promise<Listing | undefined> {
  try {
    return await listTree(objects, tree);
  } catch (error) {
    // git ran and refused the tree. An error of the system, or a git that was killed, says nothing about the tree.
    const isOfTree =
      codeOf(error) === 'EDAMAGED' ||
      (error instanceof GitError && error.code === 'EGIT' && error.exit.code === FATAL);
    if (isOfTree) return undefined;
    throw error;
  }
}

/** As `listTree`; undefined for a tree of more files or of many folders, without reading all of it. */
export async function listSmallTree(
  objects: Pick<GitObjects, 'read'>,
  tree: ObjectId,
  maxFiles = Number.POSITIVE_INFINITY,
): Promise<Listing | undefined> {
  const files = new Map<string, Entry>();
  let level: readonly Folder[] = [{ id: tree, prefix: '' }];
  for (let folders = 1; level.length > 0; folders += level.length) {
    if (folders > FEW_FOLDERS) return undefined;
    level = (await mapBounded(level, (folder) => entriesOf(objects, folder, files))).flat();
    if (files.size > maxFiles) return undefined;
  }
  return new Listing(files);
}

/** Adds the files of one folder, and returns the folders in it. `names`: those that are looked at, as bytes; absent: all. */
async function entriesOf(
  objects: Pick<GitObjects, 'read'>,
  { id, prefix }: Folder,
  files: Map<string, Entry>,
  names?: ReadonlySet<string>,
): Promise<Folder[]> {
  const raw = await objects.read(id);
  if (!raw) throw new ObjectDamaged('tree', id);
  const idBytes = id.length / 2;
  const folders: Folder[] = [];
  for (const [name, { mode, id: inner }] of (names && findEntries(raw, idBytes, names)) ??
    parseRawTree(raw, idBytes)) {
    const path = entryPath(prefix, name, id);
    if (mode === '40000') folders.push({ id: inner, prefix: `${path}/` });
    else files.set(path, { mode, id: inner });
  }
  return folders;
}

/** Of a tree the files at these paths and below these folders (with `/` at the end); no other folder is read. */
export async function listSome(
  objects: GitObjects,
  tree: ObjectId,
  { paths, folders }: { readonly paths: Iterable<string>; readonly folders: Iterable<string> },
): Promise<Map<string, Entry>> {
  const files = new Set(paths);
  const whole = new Set(folders);
  // By folder above one of them (with `/` at the end): the names in it that lead there, as bytes.
  const above = new Map<string, Set<string>>();
  for (const path of [...files, ...whole]) {
    for (let to = path.endsWith('/') ? path.length - 1 : path.length; to > 0; ) {
      const begin = path.lastIndexOf('/', to - 1) + 1;
      const folder = path.slice(0, begin);
      const name = byteName(path.slice(begin, to));
      const names = above.get(folder);
      if (names) names.add(name);
      else above.set(folder, new Set([name]));
      // Then its parents are known, too.
      if (names) break;
      to = begin - 1;
    }
  }
  const found = new Map<string, Entry>();
  await byLevels<Folder & { readonly isWhole: boolean }>(
    [{ id: tree, prefix: '', isWhole: whole.has('') }],
    async ({ id, prefix, isWhole }) => {
      const read = new Map<string, Entry>();
      const inner = await entriesOf(
        objects,
        { id, prefix },
        read,
        isWhole ? undefined : (above.get(prefix) ?? NONE),
      );
      for (const [path, entry] of read) if (isWhole || files.has(path)) found.set(path, entry);
      return inner
        .map((folder) => ({ ...folder, isWhole: isWhole || whole.has(folder.prefix) }))
        .filter((folder) => folder.isWhole || above.has(folder.prefix));
    },
  );
  return found;
}

/** Every file in which two trees differ, with its entry in the second; undefined where it has none. */
export async function changedFiles(
  objects: GitObjects,
  from: ObjectId,
  to: ObjectId,
): Promise<Map<string, Entry | undefined>> {
  const changes = new Map<string, Entry | undefined>();
  await byLevels<FolderPair>([{ before: from, after: to, prefix: '' }], async ({ before, after, prefix }) => {
    if (before === after) return [];
    const trees = await Promise.all([folderOf(objects, before), folderOf(objects, after)]);
    const [old, now] = differingEntries(...trees, ((after ?? before) as ObjectId).length / 2);
    const inner: FolderPair[] = [];
    for (const name of new Set([...old.keys(), ...now.keys()])) {
      const [was, is] = [old.get(name), now.get(name)];
      if (was?.id === is?.id && was?.mode === is?.mode) continue;
      const path = entryPath(prefix, name, (now.has(name) ? after : before) as ObjectId);
      if (was?.mode === '40000' || is?.mode === '40000') {
        const id = (entry: TreeEntry | undefined) => (entry?.mode === '40000' ? entry.id : undefined);
        inner.push({ before: id(was), after: id(is), prefix: `${path}/` });
      }
      if (is && is.mode !== '40000') changes.set(path, { mode: is.mode, id: is.id });
      else if (was && was.mode !== '40000') changes.set(path, undefined);
    }
    return inner;
  });
  return changes;
}

/** As `changedFiles`; undefined where one of the trees is gone or damaged. */
export async function changedOrNothing(
  objects: GitObjects,
  from: ObjectId,
  to: ObjectId,
): Promise<Map<string, Entry | undefined> | undefined> {
  try {
    return await changedFiles(objects, from, to);
  } catch (error) {
    if (error instanceof ObjectDamaged) return undefined;
    throw error;
  }
}

interface Folder {
  readonly id: ObjectId;
  readonly prefix: string;
}

interface FolderPair {
  readonly before: ObjectId | undefined;
  readonly after: ObjectId | undefined;
  readonly prefix: string;
}

/** Visits folders level by level, a bounded number at once; each visit says which folders follow. */
async function byLevels<T>(first: readonly T[], visit: (folder: T) => Promise<readonly T[]>): Promise<void> {
  for (let level = first; level.length > 0; ) level = (await mapBounded(level, visit)).flat();
}

async function folderOf(objects: GitObjects, tree: ObjectId | undefined): Promise<Buffer> {
  if (tree === undefined) return NOTHING;
  const raw = await objects.read(tree);
  if (!raw) throw new ObjectDamaged('tree', tree);
  return raw;
}

const NOTHING = Buffer.alloc(0);
const NONE: ReadonlySet<string> = new Set();
