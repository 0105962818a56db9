/** git takes a worktree that is written here for one that it has made itself. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { HashName } from './object-bytes.js';
import { makeWorktree } from './worktree.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function rig(hash: HashName) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-worktree-')));
  folders.push(folder);
  const store = join(folder, 'store');
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  git(folder, 'init', '-q', '--bare', `--object-format=${hash}`, store);
  const tree = git(store, 'hash-object', '-t', 'tree', '-w', '/dev/null');
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
  const head = git(store, ...who, 'commit-tree', '-m', 'empty', tree);
  const worktree = (name: string) => ({
    ...{ store, head, hash },
    dir: join(folder, name, 'inside'),
    gitDir: join(store, 'worktrees', name),
    index: join(folder, `${name}.index`),
  });
  return { folder, store, git, head, worktree };
}

for (const hash of ['sha1', 'sha256'] as const) {
  test(`git lists, uses and keeps it, with ${hash}`, () => {
    const { folder, store, git, head, worktree } = rig(hash);
    const made = worktree('w0');
    makeWorktree(made);
    git(store, 'worktree', 'add', '--quiet', '--detach', '--no-checkout', join(folder, 'gits'), head);
    const listed = git(store, 'worktree', 'list', '--porcelain').split('\n\n');
    const described = (dir: string) =>
      listed
        .find((one) => one.startsWith(`worktree ${dir}\n`))
        ?.split('\n')
        .slice(1);
    expect(described(made.dir)).toEqual([`HEAD ${head}`, 'detached']);
    expect(described(made.dir)).toEqual(described(join(folder, 'gits')));
    git(store, 'worktree', 'prune', '--expire=now');
    expect(existsSync(made.gitDir)).toBe(true);
    writeFileSync(join(made.dir, 'new.txt'), 'new\n');
    expect(git(made.dir, 'status', '--porcelain')).toBe('?? new.txt');
    expect(git(made.dir, 'rev-parse', 'HEAD', '--absolute-git-dir')).toBe(`${head}\n${made.gitDir}`);
    const index = execFileSync('git', ['ls-files', '--stage'], {
      cwd: made.dir,
      env: { ...process.env, GIT_INDEX_FILE: made.index },
      encoding: 'utf8',
    });
    expect(index).toBe('');
  });
}

test('what a killed process left of one is replaced', () => {
  const { store, git, worktree } = rig('sha1');
  const made = worktree('w1');
  writeFileSync(join(store, 'new-w1'), 'left');
  makeWorktree(made);
  expect(git(made.dir, 'rev-parse', '--absolute-git-dir')).toBe(made.gitDir);
  expect(existsSync(join(store, 'new-w1'))).toBe(false);
});
