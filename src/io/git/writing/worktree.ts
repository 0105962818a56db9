/**
 * The files that make a folder a worktree of a repository: those that `git worktree add --detach --no-checkout` would write,
 * without a process of git.
 */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ObjectId } from '../../../model/tree.js';
import { lookSync, readTextSync } from '../../files.js';
import { indexBytes } from './index-bytes.js';
import type { HashName } from './object-bytes.js';

export interface NewWorktree {
  /** The bare repository. */
  readonly store: string;
  /** Where its files will be: without a `.git`, and made if it is missing. */
  readonly dir: string;
  /** Below the repository's `worktrees`; nothing is there. */
  readonly gitDir: string;
  /** The place of an index that is not git's own; it will have no file. */
  readonly index: string;
  readonly head: ObjectId;
  readonly hash: HashName;
}

/**
 * A worktree without a file: git has no index for it yet. No other process sees a part of it, and what a killed process left of
 * one with this name is replaced.
 */
export function makeWorktree({ store, dir, gitDir, index, head, hash }: NewWorktree): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, '.git'), `gitdir: ${gitDir}\n`, { flag: 'wx' });
  // Moved to its place as a whole: `git worktree prune` of another process would remove one that is not complete.
  const made = join(store, `new-${basename(gitDir)}`);
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made);
  writeFileSync(join(made, 'gitdir'), `${dir}/.git\n`);
  writeFileSync(join(made, 'commondir'), '../..\n');
  writeFileSync(join(made, 'HEAD'), `${head}\n`);
  mkdirSync(dirname(gitDir), { recursive: true });
  renameSync(made, gitDir);
  writeFileSync(index, indexBytes([], hash));
}

/** Whether `git worktree prune` would find one whose folder is gone. */
export function hasLostWorktrees(store: string): boolean {
  const folder = join(store, 'worktrees');
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((name) => {
    const place = readTextSync(join(folder, name, 'gitdir'))?.trim();
    return place === undefined || lookSync(place) === undefined;
  });
}
