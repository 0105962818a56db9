/**
 * The git folders of workspaces: each is a repository of its own that borrows the objects of conductor's, so that what only this
 * workspace shows is in no other repository. Starts no git.
 */

import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ObjectId } from '../../../model/tree.js';
import { codeOf } from '../../errors.js';
import { lookSync, readTextSync } from '../../files.js';
import { indexBytes } from './index-bytes.js';
import type { GitObject, HashName } from './object-bytes.js';
import { packWithIndex } from './pack.js';

/** The folder of these folders in conductor's repository. */
export const GIT_FOLDERS = 'workspaces';
/** Written in place for each tree that is shown: a file that is created waits while the disk brings its journal up to date. */
const PACK = 'objects/pack/pack-shown';

export interface NewGitFolder {
  /** The bare repository. */
  readonly store: string;
  /** Where the files will be: without a `.git`, and made if it is missing. */
  readonly dir: string;
  /** Below the repository's `workspaces`; nothing is there. */
  readonly gitDir: string;
  /** The place of an index that is not git's own; it will have no file. */
  readonly index: string;
  readonly head: ObjectId;
  readonly hash: HashName;
}

/**
 * A working tree without a file: git has no index for it yet. No other process sees a part of it, and what a killed process left of
 * one with this name is replaced.
 */
export function makeGitFolder({ store, dir, gitDir, index, head, hash }: NewGitFolder): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, '.git'), `gitdir: ${gitDir}\n`, { flag: 'wx' });
  // Moved to its place as a whole.
  const made = join(store, `new-${basename(gitDir)}`);
  rmSync(made, { recursive: true, force: true });
  for (const folder of ['objects/info', 'objects/pack', 'refs'])
    mkdirSync(join(made, folder), { recursive: true });
  writeFileSync(join(made, 'objects/info/alternates'), '../../../objects\n');
  writeFileSync(join(made, 'config'), configOf(hash));
  symlinkSync('../../info', join(made, 'info'));
  writeFileSync(join(made, 'gitdir'), `${dir}/.git\n`);
  writeFileSync(join(made, 'HEAD'), `${head}\n`);
  mkdirSync(dirname(gitDir), { recursive: true });
  renameSync(made, gitDir);
  writeFileSync(index, indexBytes([], hash));
}

/** The settings of conductor's repository. Paths in them count from the git folder, which is deeper. */
function configOf(hash: HashName): string {
  const sha256 = hash === 'sha256';
  return `[include]
	path = ../../config
[core]
	repositoryformatversion = ${sha256 ? 1 : 0}
	bare = false
[lfs]
	storage = ../../../../lfs
[extensions]
${sha256 ? '\tobjectFormat = sha256\n' : ''}`;
}

/** Whether it is a repository of its own: a conductor of before made them as worktrees. */
export function isGitFolder(gitDir: string): boolean {
  return lookSync(join(gitDir, 'objects'))?.isDirectory() === true;
}

export interface ShownCommit {
  readonly commit: ObjectId;
  /** The commit, and what of its tree conductor's repository does not have. */
  readonly objects: ReadonlyMap<ObjectId, GitObject>;
  /** Bytes of git's index. */
  readonly index: Buffer;
}

/** Lets a git in the workspace find this commit as its HEAD. */
export function showCommit(gitDir: string, hash: HashName, { commit, objects, index }: ShownCommit): void {
  const packed = packWithIndex(objects, hash);
  overwrite(join(gitDir, `${PACK}.pack`), packed.pack);
  overwrite(join(gitDir, `${PACK}.idx`), packed.index);
  overwrite(join(gitDir, 'HEAD'), Buffer.from(`${commit}\n`));
  overwrite(join(gitDir, 'index'), index);
}

/** Without emptying the file first: some file systems bring a file that was emptied and written to disk as soon as it is closed. */
function overwrite(file: string, bytes: Buffer): void {
  let handle: number;
  try {
    handle = openSync(file, 'r+');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    // A program may have removed the folder.
    mkdirSync(dirname(file), { recursive: true });
    handle = openSync(file, 'w');
  }
  try {
    writeFileSync(handle, bytes);
    if (fstatSync(handle).size > bytes.length) ftruncateSync(handle, bytes.length);
  } finally {
    closeSync(handle);
  }
}

/** Names of those whose working tree is gone. */
export function lostGitFolders(store: string): string[] {
  const folder = join(store, GIT_FOLDERS);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => {
    const place = readTextSync(join(folder, name, 'gitdir'))?.trim();
    return place === undefined || lookSync(place) === undefined;
  });
}
