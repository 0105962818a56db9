/** Makes a folder in which a program ran usable for git again: modes, kinds of entries, planted repositories. */

import { isUtf8 } from 'node:buffer';
import {
  type BigIntStats,
  chmodSync,
  type Dirent,
  lstatSync,
  readdirSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { codeOf, lookSync, readTextSync, removeTree } from '../io/files.js';
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

/** A file or link that the walk comes by. */
export interface FoundEntry {
  /** Relative to the root. */
  readonly path: string;
  /** Absent for a link. */
  readonly stat?: Stats;
}

/** What a walk has seen beside what it put right. */
export interface Seen {
  readonly files: Map<string, FoundEntry>;
  /** Folders below the root, each after those that it is in. */
  readonly folders: string[];
  /** Something has a name that is not UTF-8: neither `files` nor `folders` has it. */
  hasStrangeName: boolean;
}

/** Folders whose content is known from a record. */
export interface KnownFolders {
  /** The names of the folders directly in a folder that has not changed; undefined: the folder has to be read. */
  inside(path: string, stat: BigIntStats): readonly string[] | undefined;
}

/** Entries between two moments in which others may go on. */
export const AT_A_TIME = 2000;

/**
 * Walks a folder without following links. Folders get the mode that a new folder has, so that git can list and empty
 * them; files the one that git knows of them. `skip` are paths below the root that are not walked. `seen` is filled with
 * what is there afterwards, but for files in `known` folders: these are not looked at. Throws when something cannot be changed.
 */
export async function restoreFolder(
  dir: string | Buffer,
  skip: readonly string[] = [],
  seen?: Seen,
  known?: KnownFolders,
): Promise<Restored> {
  const place = Buffer.from(dir as string);
  const walk = new Walk({ skip, seen, known, mode: plainFolderMode(place) });
  await walk.folder(place, '');
  return { root: walk.root, repositories: walk.repositories.sort(), special: walk.special.sort() };
}

class Walk {
  root: Restored['root'] = 'missing';
  readonly repositories: string[] = [];
  readonly special: string[] = [];
  private readonly skip: ReadonlySet<string>;
  private readonly seen: Seen | undefined;
  private readonly known: KnownFolders | undefined;
  /** Of a new folder. */
  private readonly mode: number;
  private count = 0;

  constructor({
    skip,
    seen,
    known,
    mode,
  }: {
    readonly skip: readonly string[];
    readonly seen: Seen | undefined;
    readonly known: KnownFolders | undefined;
    readonly mode: number;
  }) {
    this.skip = new Set(skip.map((path) => path.replace(/\/+$/, '')));
    this.seen = seen;
    this.known = known;
    this.mode = mode;
  }

  /**
   * Places are bytes: a name need not be UTF-8. `path` is the place relative to the root, for people. Synchronous calls: for
   * many thousand files they are several times faster.
   */
  async folder(place: Buffer, path: string): Promise<void> {
    const stat = lstatSync(place, { bigint: true });
    if ((Number(stat.mode) & 0o7777) !== this.mode) chmodSync(place, this.mode);
    const inside = this.known?.inside(path, stat);
    if (inside) {
      for (const name of inside) {
        const within = path === '' ? name : `${path}/${name}`;
        this.seen?.folders.push(within);
        await this.folder(Buffer.concat([place, SLASH, Buffer.from(name)]), within);
      }
      return;
    }
    const entries: Dirent<Buffer>[] = readdirSync(place, { withFileTypes: true, encoding: 'buffer' });
    for (const entry of entries) {
      if (++this.count % AT_A_TIME === 0) await setImmediate();
      const within = Buffer.concat([place, SLASH, entry.name]);
      const name = shownName(entry.name);
      await this.entry(entry, within, path === '' ? name : `${path}/${name}`, path);
    }
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
      if (this.isNamed(entry)) this.seen?.folders.push(path);
      await this.folder(place, path);
    } else if (entry.isFile()) {
      const stat = withPlainMode(place);
      if (this.isNamed(entry)) this.seen?.files.set(path, { path, stat });
    } else if (entry.isSymbolicLink()) {
      if (this.isNamed(entry)) this.seen?.files.set(path, { path });
    } else {
      this.special.push(path);
      await removeEntry(place);
    }
  }

  private isNamed({ name }: Dirent<Buffer>): boolean {
    if (this.seen === undefined) return false;
    if (!isUtf8(name)) this.seen.hasStrangeName = true;
    return !this.seen.hasStrangeName;
  }
}

const SLASH = Buffer.from('/');
const SET_GROUP = 0o2000;

/** The mode of a new folder at this place: some folders hand down that files in them belong to their group. */
function plainFolderMode(place: Buffer): number {
  const above = lstatSync(place.subarray(0, Math.max(1, place.lastIndexOf(SLASH))));
  return (0o777 & ~UMASK) | (above.mode & SET_GROUP);
}

/** Gives a file the mode that git knows of it. */
export function withPlainMode(file: Buffer | string): Stats {
  const stat = lstatSync(file);
  const plain = (stat.mode & 0o100 ? 0o777 : 0o666) & ~UMASK;
  if ((stat.mode & 0o7777) !== plain) chmodSync(file, plain);
  return stat;
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
 * Writes the root's `.git`, which leads a workspace's git to its folder in conductor's repository. Whatever stood there
 * is removed, and the file is made exclusively: a link in its place would lead the write out of the workspace.
 */
export async function writeGitFile(dir: string, gitDir: string): Promise<void> {
  const place = join(dir, '.git');
  const text = `gitdir: ${gitDir}\n`;
  const there = lookSync(place);
  if (there?.isFile() && there.nlink === 1 && there.size === text.length && readTextSync(place) === text)
    return;
  if (there) await removeForcibly(place);
  writeFileSync(place, text, { flag: 'wx' });
}
