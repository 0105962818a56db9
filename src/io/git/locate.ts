/**
 * Finds the repository around a directory with a few reads of the disk and without git, so that a build starts at
 * once.
 */

import { existsSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { sha256 } from '../../base/sha256.js';
import type { Failure } from '../../model/failure.js';
import type { Repository } from './repository.js';

/** The repository that `directory` is in. Whether conductor's own one is there is not looked at. */
export function locateRepository(directory: string): Result<Repository, Failure> {
  let project: string;
  try {
    project = realpathSync.native(directory);
  } catch {
    return err({ kind: 'not-a-repository', directory });
  }
  const found = findGitDir(project);
  if (found === undefined) return err({ kind: 'not-a-repository', directory: project });
  if (found === 'bare') {
    return err({
      kind: 'unsupported-repository',
      reason: 'it is bare: it has no working tree',
      hint: 'Clone it, and build in the clone.',
    });
  }
  const { top, gitDir } = found;
  const commonDir = commonDirOf(gitDir);
  const config = readText(join(commonDir, 'config'));
  if (isSparse(gitDir, config)) {
    return err({
      kind: 'unsupported-repository',
      reason: 'it is a sparse checkout: files that are not on disk would count as deleted',
      hint: 'git sparse-checkout disable',
    });
  }
  const inside = relative(top, project).split(sep).join('/');
  const home = join(commonDir, 'conductor');
  const hash = sha256(project).slice(0, 16);
  return ok({
    project,
    top,
    prefix: inside === '' ? '' : `${inside}/`,
    gitDir,
    commonDir,
    objectFormat: /^\s*objectformat\s*=\s*"?sha256/im.test(config) ? 'sha256' : 'sha1',
    home,
    store: join(home, 'repo'),
    state: join(home, 'projects', hash),
    hash,
  });
}

function findGitDir(start: string): { top: string; gitDir: string } | 'bare' | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const gitDir = gitDirIn(folder);
    if (gitDir !== undefined) return { top: folder, gitDir };
    if (looksLikeGitDir(folder)) return 'bare';
    if (dirname(folder) === folder) return undefined;
  }
}

function gitDirIn(folder: string): string | undefined {
  const dotGit = join(folder, '.git');
  const found = statOf(dotGit);
  if (found?.isDirectory()) return looksLikeGitDir(dotGit) ? realpathSync.native(dotGit) : undefined;
  if (!found?.isFile()) return undefined;
  const pointer = /^gitdir: (.+?)\r?\n?$/s.exec(readText(dotGit))?.[1];
  if (pointer === undefined) return undefined;
  const target = resolve(folder, pointer);
  return existsSync(join(target, 'HEAD')) ? realpathSync.native(target) : undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function looksLikeGitDir(folder: string): boolean {
  return ['HEAD', 'objects', 'refs'].every((name) => existsSync(join(folder, name)));
}

/**
 * What the next commit is made of: for `git commit -a` and `git commit <paths>`, git gives its hooks another index than the
 * one of the repository, in the same folder. One in another folder is not of this repository.
 */
export function indexOfCommit({ top, gitDir }: Repository, env = process.env): string {
  const own = join(gitDir, 'index');
  const { GIT_INDEX_FILE = '' } = env;
  if (GIT_INDEX_FILE === '') return own;
  const told = resolve(top, GIT_INDEX_FILE);
  try {
    return realpathSync.native(dirname(told)) === realpathSync.native(gitDir) ? told : own;
  } catch {
    return own;
  }
}

/** A linked worktree's own directory points at the one that it shares with the others. */
function commonDirOf(gitDir: string): string {
  const pointer = readText(join(gitDir, 'commondir')).replace(/\r?\n$/, '');
  return pointer === '' ? gitDir : realpathSync.native(resolve(gitDir, pointer));
}

function isSparse(gitDir: string, config: string): boolean {
  if (!existsSync(join(gitDir, 'info', 'sparse-checkout'))) return false;
  const own = readText(join(gitDir, 'config.worktree'));
  const last = [
    ...`${config}\n${own}`.matchAll(/^\s*sparsecheckout(?![a-z])[ \t]*(?:=[ \t]*"?(\w+))?/gim),
  ].pop();
  return last !== undefined && !/^(false|no|off|0)$/i.test(last[1] ?? 'true');
}

function readText(path: string): string {
  // An error that is thrown takes longer than the question.
  if (!existsSync(path)) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
