/** A git in a workspace takes what is written here for a repository of its own. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { lostGitFolders, showCommit, wholeGitFolder } from './git-folder.js';
import { indexBytes } from './index-bytes.js';
import type { HashName } from './object-bytes.js';
import { ObjectSet } from './object-set.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A workspace without a file, and its git folder. */
function make(workspace: Parameters<typeof wholeGitFolder>[0]): void {
  mkdirSync(workspace.dir, { recursive: true });
  writeFileSync(join(workspace.dir, '.git'), `gitdir: ${workspace.gitDir}\n`);
  wholeGitFolder(workspace);
}

function rig(hash: HashName) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-git-folder-')));
  folders.push(folder);
  const store = join(folder, 'store');
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  git(folder, 'init', '-q', '--bare', `--object-format=${hash}`, store);
  const tree = git(store, 'hash-object', '-t', 'tree', '-w', '/dev/null');
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
  const head = git(store, ...who, 'commit-tree', '-m', 'empty', tree);
  const workspace = (name: string) => ({
    ...{ store, hash },
    dir: join(folder, name, 'inside'),
    gitDir: join(store, 'workspaces', name),
  });
  return { folder, store, git, head, workspace };
}

for (const hash of ['sha1', 'sha256'] as const) {
  test(`git finds what it borrows, with ${hash}`, () => {
    const { store, git, head, workspace } = rig(hash);
    const made = workspace('w0');
    make(made);
    writeFileSync(join(made.dir, 'new.txt'), 'new\n');
    expect(git(made.dir, 'status', '--porcelain')).toBe('?? new.txt');
    expect(git(made.dir, 'rev-parse', '--absolute-git-dir')).toBe(made.gitDir);
    expect(git(made.dir, 'cat-file', '-t', head)).toBe('commit');
    expect(git(store, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  test(`what is shown is a commit of the workspace alone, longer and shorter ones one after the other, with ${hash}`, () => {
    const { store, git, workspace } = rig(hash);
    const made = workspace('w0');
    make(made);
    const pack = join(made.gitDir, 'objects/pack/pack-shown.pack');
    const inodes = new Set<number>();
    for (const lines of [3, 300, 1]) {
      const set = new ObjectSet(hash);
      const content = Buffer.from(Array.from({ length: lines }, (_, i) => `${i * i}\n`).join(''));
      const blob = set.add('blob', content);
      const tree = set.tree(new Map([['in/a.txt', { mode: '100644', id: blob }]]));
      const commit = set.commit(tree, 'view\n');
      showCommit(made.gitDir, hash, { commit, objects: set.objects, index: indexBytes([], hash) });
      inodes.add(statSync(pack).ino);
      expect(git(made.dir, 'show', 'HEAD:in/a.txt')).toBe(content.toString().trim());
      expect(git(made.dir, 'diff', '--cached', '--name-status')).toBe('D\tin/a.txt');
      expect(git(made.dir, 'fsck', '--strict', '--full', '--no-dangling')).toBe('');
      expect(() => git(store, 'cat-file', '-e', commit)).toThrow();
    }
    expect(readdirSync(join(made.gitDir, 'objects/pack')).sort()).toEqual([
      'pack-shown.idx',
      'pack-shown.pack',
    ]);
    expect(inodes.size).toBe(1);
  });
}

test('what a killed process left of one is replaced', () => {
  const { store, git, workspace } = rig('sha1');
  const made = workspace('w1');
  writeFileSync(join(store, 'new-w1'), 'left');
  make(made);
  expect(git(made.dir, 'rev-parse', '--absolute-git-dir')).toBe(made.gitDir);
  expect(existsSync(join(store, 'new-w1'))).toBe(false);
});

test('one whose workspace is gone is known', () => {
  const { store, workspace } = rig('sha1');
  expect(lostGitFolders(store)).toEqual([]);
  for (const name of ['w0', 'w1']) make(workspace(name));
  expect(lostGitFolders(store)).toEqual([]);
  rmSync(workspace('w1').dir, { recursive: true });
  expect(lostGitFolders(store)).toEqual(['w1']);
});
