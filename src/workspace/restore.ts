/** Makes a folder in which a program ran usable for git again: modes, kinds of entries, planted repositories. */

import { chmodSync, type Dirent, lstatSync } from 'node:fs';
import { chmod, lstat, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { codeOf, removeTree } from '../io/files.js';
import { shownName } from '../io/git/raw-tree.js';

const UMASK = process.umask();

export interface Restored {
  /** What stood at the root's `.git`; a file is left alone, anything else is removed. */
  readonly root: 'file' | 'missing' | 'other';
  /** Folders below the root that had a `.git` of their own, which is removed. */
  readonly repositories: readonly string[];
  /** FIFOs, sockets and devices, which are removed: git does not see them, and who opens one waits. */
  readonly special: readonly string[];
}

/**
 * Walks a folder without following links. Folders get the mode that a new folder has, so that git can list and empty
 * them; files the one that git knows of them. `skip` are paths below the root that are not walked. Throws when something cannot be changed.
 */
export async function restoreFolder(dir: string | Buffer, skip: readonly string[] = []): Promise<Restored> {
  const walk = new Walk(skip);
  await walk.folder(Buffer.from(dir as string), '');
  return { root: walk.root, repositories: walk.repositories.sort(), special: walk.special.sort() };
}

class Walk {
  root: Restored['root'] = 'missing';
  readonly repositories: string[] = [];
  readonly special: string[] = [];
  private readonly skip: ReadonlySet<string>;
  private readonly mode = 0o777 & ~UMASK;

  constructor(skip: readonly string[]) {
    this.skip = new Set(skip.map((path) => path.replace(/\/+$/, '')));
  }

  /** Places are bytes: a name need not be UTF-8. `path` is the place relative to the root, for people. */
  async folder(place: Buffer, path: string): Promise<void> {
    const { mode } = await lstat(place);
    if ((mode & 0o777) !== this.mode) await chmod(place, this.mode);
    const entries: Dirent<Buffer>[] = await readdir(place, { withFileTypes: true, encoding: 'buffer' });
    await mapBounded(entries, (entry) => {
      const inside = Buffer.concat([place, Buffer.from('/'), entry.name]);
      const name = shownName(entry.name);
      return this.entry(entry, inside, path === '' ? name : `${path}/${name}`, path);
    });
  }

  private async entry(entry: Dirent<Buffer>, place: Buffer, path: string, folder: string): Promise<void> {
    if (path === '.git') {
      this.root = entry.isFile() ? 'file' : 'other';
      if (this.root === 'other') await removeEntry(place);
    } else if (this.skip.has(path)) {
      return;
    } else if (path.endsWith('/.git')) {
      this.repositories.push(folder);
      await removeEntry(place);
    } else if (entry.isDirectory()) {
      await this.folder(place, path);
    } else if (entry.isFile()) {
      plainMode(place);
    } else if (!entry.isSymbolicLink()) {
      this.special.push(path);
      await removeEntry(place);
    }
  }
}

/**
 * Gives a file the mode that git knows of it. Synchronous: for many thousand files that is several
 * times faster.
 */
function plainMode(file: Buffer): void {
  const { mode } = lstatSync(file);
  const plain = (mode & 0o100 ? 0o777 : 0o666) & ~UMASK;
  if ((mode & 0o7777) !== plain) chmodSync(file, plain);
}

async function removeEntry(place: Buffer): Promise<void> {
  if ((await lstat(place)).isDirectory()) await removeForcibly(place);
  else await rm(place, { force: true });
}

/** Removes a folder or whatever else is at this path, folders without write permission in it as well. */
export async function removeForcibly(path: string | Buffer): Promise<void> {
  try {
    await removeTree(path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error;
    if (!(await lstat(path)).isDirectory()) throw error;
    await restoreFolder(path);
    await removeTree(path);
  }
}

/**
 * Writes the root's `.git`, which leads a worktree's git to its folder in conductor's repository. Whatever stood there
 * is removed, and the file is made exclusively: a link in its place would lead the write out of the workspace.
 */
export async function writeGitFile(dir: string, gitDir: string): Promise<void> {
  const place = join(dir, '.git');
  await removeForcibly(place);
  await writeFile(place, `gitdir: ${gitDir}\n`, { flag: 'wx' });
}
