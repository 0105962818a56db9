/** Syncs files and folder entries to disk, so that they survive a power failure. Does not know their content. */

import { closeSync, constants, fsync, lstatSync, openSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { mapBounded } from '../base/bounded.js';
import { codeOf } from './errors.js';
import { syncFileSystem } from './process/file-system-sync.js';

/** Node has four threads for the disk unless told otherwise: more at once only wait. */
const AT_ONCE = 4;

/** From here on it is quicker to sync the whole file system once. */
const MANY = 500;

/** Some file systems know no such operation, or not for folders: then there is nothing that conductor could do. */
const UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR', 'EBADF', 'EPERM']);
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** False when there is no file of this name; a link is not followed. */
export async function syncFile(path: string): Promise<boolean> {
  return sync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/** What was created, renamed or removed directly in the folder. */
export async function syncFolder(path: string): Promise<boolean> {
  return sync(path, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
}

/** What was written to an open file. */
export const syncOpen = promisify(fsync);

async function sync(path: string, flags: number): Promise<boolean> {
  let file: number;
  try {
    file = openSync(path, flags);
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (GONE.has(code)) return false;
    // A file that may be written and not read cannot be opened for this; Windows opens no folder.
    if (code === 'EACCES' || UNSUPPORTED.has(code)) return true;
    throw error;
  }
  try {
    await syncOpen(file);
  } catch (error) {
    if (!UNSUPPORTED.has(codeOf(error) ?? '')) throw error;
  } finally {
    closeSync(file);
  }
  return true;
}

/**
 * Files that exist, then the folders that they are in. Those that are not there are returned. Very many are brought to
 * disk with all else that waits for it, where the system has a command for that.
 */
export async function syncFiles(paths: Iterable<string>): Promise<string[]> {
  const all = [...paths];
  if (all.length >= MANY) {
    const missing = await syncTogether(all);
    if (missing) return missing;
  }
  const found = await mapBounded(all, syncFile, AT_ONCE);
  const folders = new Set(all.filter((_, at) => found[at]).map((path) => dirname(path)));
  await mapBounded(folders, syncFolder, AT_ONCE);
  return all.filter((_, at) => !found[at]);
}

/** Files below a folder that were written or removed, with the folders that they are in. Paths are relative, with `/`. */
export async function bringToDisk(root: string, paths: readonly string[]): Promise<void> {
  // A file is on the file system of its folder, and there are fewer folders.
  const systems = paths.length < MANY ? undefined : systemsOf(foldersOf(root, paths));
  if (!systems || !(await syncSystems(systems))) await syncFiles(paths.map((path) => join(root, path)));
}

function foldersOf(root: string, paths: readonly string[]): string[] {
  const folders = new Set(paths.map((path) => path.slice(0, Math.max(0, path.lastIndexOf('/')))));
  return [...folders].map((folder) => join(root, folder));
}

/** By device a folder that is on it. Of a folder that is gone, the nearest one above it counts. */
function systemsOf(folders: Iterable<string>): Map<number, string> {
  const systems = new Map<number, string>();
  for (const one of folders) {
    let folder = one;
    let stat = statOf(folder);
    for (; !stat && dirname(folder) !== folder; stat = statOf(folder)) folder = dirname(folder);
    if (stat && !systems.has(stat.dev)) systems.set(stat.dev, folder);
  }
  return systems;
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (GONE.has(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Undefined where the system has no such command; nothing is known then. */
async function syncTogether(paths: readonly string[]): Promise<string[] | undefined> {
  const systems = new Map<number, string>();
  const missing: string[] = [];
  for (const path of paths) {
    const stat = statOf(path);
    if (!stat) missing.push(path);
    // A link may lead to another file system; its folder is where it is.
    else if (!systems.has(stat.dev)) systems.set(stat.dev, dirname(path));
  }
  return (await syncSystems(systems)) ? missing : undefined;
}

/** False where the system has no command for that. */
async function syncSystems(systems: ReadonlyMap<number, string>): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  for (const folder of systems.values()) if (!(await syncFileSystem(folder))) return false;
  return true;
}
