/** Locks of a commit that was killed, while a git still ends. */

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openRepository } from '../../io/git/open-repository.js';
import { createRig } from '../../test/rig/rig.js';
import { recoverCommit, writeCommitJournal } from './commit-journal.js';

let looks = 0;
vi.mock('../../io/open-files.js', async (original) => {
  const real = await original<typeof import('../../io/open-files.js')>();
  const isOpen = (path: string) => {
    looks++;
    return real.isOpen(path);
  };
  return { ...real, isOpen };
});

test.each([
  ['before', 1],
  ['after', 0],
])('a git that is killed %s it has moved the branch leaves no lock in the way', async (when, exitCode) => {
  await using rig = await createRig();
  rig.write({ 'a.txt': 'a' });
  rig.commit();
  rig.backlog('f', { T1: { description: 'x', outputs: ['one.txt'] } });
  rig.answer('f/T1', { 'one.txt': '1' });
  const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const move = when === 'after' ? `${git} "$@"; ` : '';
  const locks = ['HEAD.lock', 'refs/heads/main.lock'].map((path) => rig.path(`.git/${path}`));
  const leave = locks.map((lock) => `: > '${lock}'`).join('; ');
  const script = `case "$*" in *'update-ref -m '*) ${move}${leave}; kill -9 $$;; esac\nexec ${git} "$@"`;
  rig.write({ '.git/killing/git': `#!/bin/sh\n${script}\n` });
  chmodSync(rig.path('.git/killing/git'), 0o755);
  vi.stubEnv('PATH', `${rig.path('.git/killing')}${delimiter}${process.env.PATH}`);
  const built = await rig.build({ commit: true });
  vi.unstubAllEnvs();
  expect(locks.filter((lock) => existsSync(lock))).toEqual([]);
  expect(built.summary.exitCode).toBe(exitCode);
  expect((await rig.build({ commit: true })).summary.exitCode).toBe(0);
  expect(rig.git('status', '--porcelain')).toBe('');
  expect(rig.git('ls-tree', '-r', '--name-only', 'HEAD').split('\n')).toContain('one.txt');
});

test.runIf(process.platform === 'linux')(
  'locks of a killed commit go once the git that may hold them has ended',
  async () => {
    await using rig = await createRig();
    rig.write({ 'a.txt': 'a' });
    rig.commit();
    const opened = await openRepository(rig.dir);
    if (!opened.ok) throw new Error('no repository');
    const commit = rig.git('rev-parse', 'HEAD').trim();
    // A process of its own, as one that a killed conductor leaves: not a child of this one.
    const ending = spawn('sh', ['-c', 'git cat-file --batch; true'], { cwd: rig.dir, stdio: 'pipe' });
    ending.stdin.write(`${commit}\n`);
    await new Promise((resolve) => ending.stdout.once('data', resolve));
    await writeCommitJournal(opened.value, { commit, entries: new Map() });
    const locks = ['.git/HEAD.lock', '.git/refs/heads/main.lock'].map((path) => rig.path(path));
    for (const lock of locks) writeFileSync(lock, '');
    const recovering = recoverCommit(opened.value);
    await vi.waitUntil(() => looks >= 2, { timeout: 20_000 });
    expect(locks.filter((lock) => existsSync(lock))).toEqual(locks);
    ending.stdin.end();
    expect(await recovering).toBe('completed');
    expect(locks.filter((lock) => existsSync(lock))).toEqual([]);
  },
);
