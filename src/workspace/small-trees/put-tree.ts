/** Puts a workspace to a small tree without git: removes what does not belong there, and writes what is missing or differs. */

import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { GitObjects } from '../../io/git/objects.js';
import { indexBytes } from '../../io/git/writing/index-bytes.js';
import { hashObject } from '../../io/git/writing/object-bytes.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import { AT_A_TIME, type FoundEntry, restoreFolder, type Seen } from '../restore.js';
import { beside } from '../tools/copies.js';
import type { SmallTree, Workspace } from '../workspace.js';
import { MAX_BYTES, smallTree } from './small-tree.js';

/** False where only git can do it: nothing has been changed then but modes. */
export async function putTree(objects: GitObjects, workspace: Workspace, tree: ObjectId): Promise<boolean> {
  const small = await smallTree(objects, workspace, tree);
  return small !== undefined && (await putListing(objects, workspace, small));
}

/** Puts a workspace to the small tree that it showed at first once more; false where only git can do it. */
export async function putAgain(objects: GitObjects, workspace: Workspace): Promise<boolean> {
  const { small } = workspace.shown;
  return small !== undefined && (await putListing(objects, workspace, small));
}

async function putListing(objects: GitObjects, workspace: Workspace, small: SmallTree): Promise<boolean> {
  const { dir, kept, shown } = workspace;
  const seen: Seen = { files: new Map(), folders: [], hasStrangeName: false };
  await restoreFolder(dir, kept, seen);
  if (seen.hasStrangeName) return false;
  // From here on git's index says nothing: when git takes over again it begins with no file.
  rmSync(beside(workspace, 'rules'), { force: true });
  shown.small = undefined;
  const { files, paths } = small.listing;
  const missing = new Map<string, Entry>();
  for (const [path, entry] of files) {
    const found = seen.files.get(path);
    if (found === undefined || !isSame(objects, dir, found, entry)) missing.set(path, entry);
  }
  const removed = [...seen.files.keys()].filter((path) => !files.has(path) || missing.has(path));
  const stay = new Set([...foldersOf(paths), ...foldersOf(kept)]);
  const emptied = seen.folders.filter((folder) => !stay.has(folder)).reverse();
  const contents = await objects.readMany([...missing.values()].map(({ id }) => id));
  await changeFiles(dir, { removed, emptied, folders: seen.folders, missing, contents });
  shown.small = small;
  return true;
}

/** What has to change in a folder so that it holds the files of a tree. */
interface FileChanges {
  /** Files and links. */
  readonly removed: readonly string[];
  /** Folders that hold nothing else then, each before those that it is in. */
  readonly emptied: readonly string[];
  /** The folders that are there now. */
  readonly folders: Iterable<string>;
  readonly missing: ReadonlyMap<string, Entry>;
  /** Of the missing files, by id. */
  readonly contents: ReadonlyMap<ObjectId, Buffer>;
}

/** Returns the folders that are there afterwards. */
export async function changeFiles(
  dir: string,
  { removed, emptied, folders, missing, contents }: FileChanges,
): Promise<ReadonlySet<string>> {
  const isTurn = countedTurns();
  for (const path of removed) {
    unlinkSync(join(dir, path));
    if (isTurn()) await setImmediate();
  }
  const there = new Set(folders);
  for (const folder of emptied) {
    rmdirSync(join(dir, folder));
    there.delete(folder);
    if (isTurn()) await setImmediate();
  }
  for (const folder of foldersOf(missing.keys())) {
    if (there.has(folder)) continue;
    mkdirSync(join(dir, folder));
    there.add(folder);
  }
  for (const [path, { id, mode }] of missing) {
    writeEntry(join(dir, path), mode, contents.get(id) as Buffer);
    if (isTurn()) await setImmediate();
  }
  return there;
}

/** Counts files: true where others may go on. */
export function countedTurns(): () => boolean {
  let count = 0;
  return () => ++count % AT_A_TIME === 0;
}

/** Whether a file on disk is what the entry says. One with a second name is not: it may be written through the other. */
export function isSame({ hash }: GitObjects, dir: string, { path, stat }: FoundEntry, entry: Entry): boolean {
  const place = join(dir, path);
  if (stat === undefined) {
    if (entry.mode !== '120000') return false;
    return hashObject('blob', readlinkSync(place, { encoding: 'buffer' }), hash) === entry.id;
  }
  if (entry.mode !== modeOf(stat) || stat.nlink > 1 || stat.size > MAX_BYTES) return false;
  return hashObject('blob', readFileSync(place), hash) === entry.id;
}

export function modeOf({ mode }: { readonly mode: number }): '100755' | '100644' {
  return mode & 0o100 ? '100755' : '100644';
}

function writeEntry(place: string, mode: Entry['mode'], content: Buffer): void {
  if (mode === '120000') symlinkSync(content, place);
  else writeFileSync(place, content, { flag: 'wx', mode: mode === '100755' ? 0o777 : 0o666 });
}

/** Every folder on the way to one of the paths, each after those that it is in. */
export function foldersOf(paths: Iterable<string>): Set<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    const above: string[] = [];
    for (let folder = dirname(path); folder !== '.' && !folders.has(folder); folder = dirname(folder))
      above.push(folder);
    for (const folder of above.reverse()) folders.add(folder);
  }
  return folders;
}

/** The index that an agent's git finds in the workspace: as git would have written it. */
export function indexOf({ hash }: GitObjects, { dir }: Workspace, { listing }: SmallTree): Buffer {
  const entries = listing.paths.map((path) => ({
    path,
    entry: listing.get(path) as Entry,
    stat: lstatSync(join(dir, path), { bigint: true }),
  }));
  return indexBytes(entries, hash);
}
