/** Whatever a program or a power cut leaves of a workspace's git folder, a git in the workspace works for the next task. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { removeGitFolders } from '../../io/git/upkeep/compact.js';
import { WorkspaceRig } from '../../test/workspaces/workspace-rig.js';
import type { Workspace } from '../workspace-pool.js';

const rigs: WorkspaceRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

const git = ({ dir }: Pick<Workspace, 'dir'>, ...args: string[]) => {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
  return execFileSync('git', [...who, ...args], { cwd: dir, encoding: 'utf8', stdio: 'pipe' }).trim();
};

async function open() {
  const rig = await WorkspaceRig.open();
  rigs.push(rig);
  const blob = await rig.objects.writeBlob(Buffer.from('text\n'));
  const shown = (path: string) =>
    rig.objects.unwritten.editedTree(
      rig.objects,
      undefined,
      new Map([[path, { mode: '100644' as const, id: blob }]]),
    );
  const pool = rig.pool();
  return { rig, pool, shown };
}

const DAMAGE: Record<string, (gitDir: string) => void> = {
  'is gone': (gitDir) => rmSync(gitDir, { recursive: true }),
  'is a file': (gitDir) => {
    rmSync(gitDir, { recursive: true });
    writeFileSync(gitDir, 'x');
  },
  'has no packs': (gitDir) => rmSync(join(gitDir, 'objects/pack'), { recursive: true }),
  'has no refs': (gitDir) => rmSync(join(gitDir, 'refs'), { recursive: true }),
  'borrows nothing, because a power cut emptied a file': (gitDir) =>
    writeFileSync(join(gitDir, 'objects/info/alternates'), ''),
  'has other settings': (gitDir) =>
    writeFileSync(join(gitDir, 'config'), '[core]\n\tbare = true\n[status]\n\tshort = maybe\n'),
};
for (const when of ['while a task has it', 'between two tasks'] as const) {
  test.each(Object.keys(DAMAGE))(`a git folder that %s ${when}`, async (name) => {
    const { rig, pool, shown } = await open();
    let workspace = await rig.acquire(pool, await shown('a.txt'));
    mkdirSync(join(workspace.dir, 'kept'));
    DAMAGE[name]?.(workspace.gitDir);
    if (when === 'while a task has it') await pool.show(workspace, await shown('b.txt'));
    else {
      await pool.release(workspace);
      workspace = await rig.acquire(pool, await shown('b.txt'));
    }
    expect(git(workspace, 'ls-tree', '-r', '--name-only', 'HEAD')).toBe('b.txt');
    expect(git(workspace, 'show', 'HEAD:b.txt')).toBe('text');
    expect(git(workspace, 'status', '--porcelain')).toBe('');
    await pool.release(workspace);
  });
}

test('what a program has committed in a workspace goes when the store is compacted, and its files need not be written again', async () => {
  const { rig, pool, shown } = await open();
  const workspace = await rig.acquire(pool, await shown('a.txt'));
  writeFileSync(join(workspace.dir, 'b.txt'), 'new\n');
  git(workspace, 'add', '-A');
  git(workspace, 'commit', '-qm', 'work');
  git(workspace, 'branch', 'mine');
  await pool.release(workspace);
  await removeGitFolders(rig.repository.store);
  const next = await rig.acquire(pool, await shown('a.txt'));
  expect(readdirSync(join(next.gitDir, 'objects')).sort()).toEqual(['info', 'pack']);
  expect(git(next, 'for-each-ref')).toBe('');
  expect(git(next, 'ls-tree', '-r', '--name-only', 'HEAD')).toBe('a.txt');
});

test('what a program has linked to files of the git folder keeps its content', async () => {
  const { rig, pool, shown } = await open();
  const workspace = await rig.acquire(pool, await shown('a.txt'));
  const elsewhere = join(rig.scratch.cache, 'elsewhere');
  git(workspace, 'clone', '-q', '.', elsewhere);
  expect(statSync(join(workspace.gitDir, 'objects/pack/pack-shown.pack')).nlink).toBe(2);
  const own = join(rig.scratch.cache, 'own');
  writeFileSync(own, 'of a person\n');
  rmSync(join(workspace.gitDir, 'index'));
  symlinkSync(own, join(workspace.gitDir, 'index'));
  chmodSync(join(workspace.gitDir, 'HEAD'), 0o400);
  await pool.show(workspace, await shown('b.txt'));
  expect(git(workspace, 'ls-tree', '-r', '--name-only', 'HEAD')).toBe('b.txt');
  expect(git({ dir: elsewhere }, 'ls-tree', '-r', '--name-only', 'HEAD')).toBe('a.txt');
  expect(readFileSync(own, 'utf8')).toBe('of a person\n');
});
