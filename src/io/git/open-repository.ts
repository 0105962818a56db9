/** Finds the repository around a directory, without starting git unless conductor's own one is missing. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import { GitMissing } from './git-process.js';
import type { Repository } from './repository.js';
import { prepareStore } from './store.js';

/** Finds the repository that `directory` is in and makes conductor's own one when it is missing. */
export async function openRepository(directory: string): Promise<Result<Repository, Failure>> {
  let project: string;
  try {
    project = await realpath(directory);
  } catch {
    return err({ kind: 'not-a-repository', directory });
  }
  const found = await findGitDir(project);
  if (found === undefined) return err({ kind: 'not-a-repository', directory: project });
  if (found === 'bare') {
    return err({
      kind: 'unsupported-repository',
      reason: 'it is bare: it has no working tree',
      hint: 'Clone it, and build in the clone.',
    });
  }
  const { top, gitDir } = found;
  const commonDir = await commonDirOf(gitDir);
  const config = await readText(join(commonDir, 'config'));
  if (await isSparse(gitDir, config)) {
    return err({
      kind: 'unsupported-repository',
      reason: 'it is a sparse checkout: files that are not on disk would look deleted',
      hint: 'git sparse-checkout disable',
    });
  }
  const inside = relative(top, project).split(sep).join('/');
  const home = join(commonDir, 'conductor');
  const hash = createHash('sha256').update(project).digest('hex').slice(0, 16);
  const repository: Repository = {
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
  };
  try {
    const prepared = await prepareStore(repository);
    return prepared.ok ? ok(repository) : prepared;
  } catch (error) {
    if (error instanceof GitMissing) return err({ kind: 'git-missing', detail: error.message });
    throw error;
  }
}

async function findGitDir(start: string): Promise<{ top: string; gitDir: string } | 'bare' | undefined> {
  for (let folder = start; ; folder = dirname(folder)) {
    const gitDir = await gitDirIn(folder);
    if (gitDir !== undefined) return { top: folder, gitDir };
    if (looksLikeGitDir(folder)) return 'bare';
    if (dirname(folder) === folder) return undefined;
  }
}

async function gitDirIn(folder: string): Promise<string | undefined> {
  const dotGit = join(folder, '.git');
  const found = await stat(dotGit).catch(() => undefined);
  if (found?.isDirectory()) return looksLikeGitDir(dotGit) ? await realpath(dotGit) : undefined;
  if (!found?.isFile()) return undefined;
  const pointer = /^gitdir: (.+?)\r?\n?$/s.exec(await readText(dotGit))?.[1];
  if (pointer === undefined) return undefined;
  const target = resolve(folder, pointer);
  return existsSync(join(target, 'HEAD')) ? await realpath(target) : undefined;
}

function looksLikeGitDir(folder: string): boolean {
  return ['HEAD', 'objects', 'refs'].every((name) => existsSync(join(folder, name)));
}

/** A linked worktree's own directory points at the one that it shares with the others. */
async function commonDirOf(gitDir: string): Promise<string> {
  const pointer = (await readText(join(gitDir, 'commondir'))).replace(/\r?\n$/, '');
  return pointer === '' ? gitDir : await realpath(resolve(gitDir, pointer));
}

async function isSparse(gitDir: string, config: string): Promise<boolean> {
  if (!existsSync(join(gitDir, 'info', 'sparse-checkout'))) return false;
  const own = await readText(join(gitDir, 'config.worktree'));
  const last = [
    ...`${config}\n${own}`.matchAll(/^\s*sparsecheckout(?![a-z])[ \t]*(?:=[ \t]*"?(\w+))?/gim),
  ].pop();
  return last !== undefined && !/^(false|no|off|0)$/i.test(last[1] ?? 'true');
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
