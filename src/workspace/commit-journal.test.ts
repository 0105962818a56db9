/** Locks of a commit that was killed, while a git still ends. */

import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { openRepository } from '../io/git/open-repository.js';
import { createRig } from '../test/rig/rig.js';
import { recoverCommit, writeCommitJournal } from './commit-journal.js';

let looks = 0;
vi.mock('../io/open-files.js', async (original) => {
  const real = await original<typeof import('../io/open-files.js')>();
  const isOpen = (path: string) => {
    looks++;
    return real.isOpen(path);
  };
  return { ...real, isOpen };
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
