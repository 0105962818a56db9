/**
 * The git folders of workspaces: each is a repository of its own that borrows the objects of conductor's, so that what only this
 * workspace shows is in no other repository. Starts no git.
 */

import {
  closeSync,
  constants,
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
import { HEAD } from '../store-config.js';
import type { GitObject, HashName } from './object-bytes.js';
import { packWithIndex } from './pack.js';

/** The folder of these folders in conductor's repository. */
export const GIT_FOLDERS = 'workspaces';
/** Written in place for each tree that is shown: a file that is created waits while the disk brings its journal up to date. */
const PACK = 'objects/pack/pack-shown';

export interface GitFolder {
  /** The bare repository. */
  readonly store: string;
  /** Where the files are. */
  readonly dir: string;
  /** Below the repository's `workspaces`. */
  readonly gitDir: string;
  readonly hash: HashName;
}

/** Makes it, or makes it again: a program or a power cut may have left anything of it. No other process sees a part. */
export function wholeGitFolder(folder: GitFolder): void {
  if (isWhole(folder)) return;
  const { store, dir, gitDir, hash } = folder;
  const made = join(store, `new-${basename(gitDir)}`);
  for (const left of [made, gitDir]) rmSync(left, { recursive: true, force: true });
  for (const name of FOLDERS) mkdirSync(join(made, name), { recursive: true });
  for (const [name, text] of filesOf(dir, hash)) writeFileSync(join(made, name), text);
  symlinkSync('../../info', join(made, 'info'));
  writeFileSync(join(made, 'HEAD'), HEAD);
  mkdirSync(dirname(gitDir), { recursive: true });
  renameSync(made, gitDir);
}

const FOLDERS = ['objects/info', 'objects/pack', 'refs'];

/** What stays as it is. */
function filesOf(dir: string, hash: HashName): [name: string, text: string][] {
  return [
    ['objects/info/alternates', '../../../objects\n'],
    ['config', configOf(hash)],
    ['gitdir', `${dir}/.git\n`],
  ];
}

function isWhole({ dir, gitDir, hash }: GitFolder): boolean {
  return (
    FOLDERS.every((name) => lookSync(join(gitDir, name))?.isDirectory()) &&
    filesOf(dir, hash).every(([name, text]) => readTextSync(join(gitDir, name)) === text)
  );
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
  const handle = openOwn(file) ?? openSync(file, 'wx');
  try {
    writeFileSync(handle, bytes);
    if (fstatSync(handle).size > bytes.length) ftruncateSync(handle, bytes.length);
  } finally {
    closeSync(handle);
  }
}

/** Undefined where there is none now: what a program has put there, or linked to elsewhere as `git clone` does, is not written. */
function openOwn(file: string): number | undefined {
  try {
    const handle = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
    if (fstatSync(handle).nlink === 1) return handle;
    closeSync(handle);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
  }
  rmSync(file, { recursive: true, force: true });
  return undefined;
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
