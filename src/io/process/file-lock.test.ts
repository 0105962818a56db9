/** The lock on a file holds where socket names do not reach, and goes with its holder. */

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canLimit, limitOwn } from '../../test/torture/own-limit.js';
import { acquireLock, prepareLock } from '../process-lock.js';
import { dismissLockOf, lockFileOf, prepareLockOf } from './file-lock.js';

const hasFlock = (() => {
  try {
    execFileSync('flock', ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux';
  } catch {
    return false;
  }
})();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const owner = { command: 'conductor build', pid: process.pid, startedAt: '2030-01-01T00:00:00Z' };

test.runIf(hasFlock)('one holder at a time, and the next one after it gave the lock back', async () => {
  const first = await lockFileOf(join(folder, 'lock'));
  expect(first.kind).toBe('taken');
  expect((await lockFileOf(join(folder, 'lock'))).kind).toBe('held');
  if (first.kind === 'taken') await first.giveBack();
  const second = await lockFileOf(join(folder, 'lock'));
  expect(second.kind).toBe('taken');
  if (second.kind === 'taken') await second.giveBack();
});

test.runIf(hasFlock)(
  'a lock that was prepared holds nothing before it is taken, and then like any other',
  async () => {
    const path = join(folder, 'lock');
    prepareLockOf(path);
    const [other, own] = [await lockFileOf(join(folder, 'other')), await lockFileOf(path)];
    expect([other.kind, own.kind, (await lockFileOf(path)).kind]).toEqual(['taken', 'taken', 'held']);
    prepareLockOf(path);
    expect((await lockFileOf(path)).kind).toBe('held');
    for (const lock of [other, own]) if (lock.kind === 'taken') await lock.giveBack();
    prepareLockOf(path);
    await dismissLockOf(path);
    const last = await lockFileOf(path);
    expect(last.kind).toBe('taken');
    if (last.kind === 'taken') await last.giveBack();
  },
);

test.runIf(hasFlock)(
  'a holder whose socket name is not seen here holds the project all the same',
  async () => {
    // As in a container with a network namespace of its own: only the file is shared.
    const other = spawn('flock', ['-n', join(folder, 'lock'), 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => other.stdout.once('data', resolve));
    const refused = await acquireLock(folder, owner, { wait: false });
    expect(refused).toMatchObject({ ok: false, error: { kind: 'locked' } });
    const waiting = acquireLock(folder, owner, { wait: true });
    other.stdin.end();
    const taken = await waiting;
    expect(taken.ok).toBe(true);
    if (taken.ok) await taken.value.release();
  },
);

test.runIf(hasFlock && canLimit)(
  'a lock that too many open files refuse can be taken as soon as they are closed',
  async () => {
    const endLimit = limitOwn('nofile', 512);
    const files: number[] = [];
    try {
      expect(() => {
        for (;;) files.push(openSync('/dev/null', 'r'));
      }).toThrow(/EMFILE/);
      // Enough for the socket name, but not for the pipes of a process.
      for (const file of files.splice(-3)) closeSync(file);
      prepareLock(folder);
      await expect(acquireLock(folder, owner, { wait: false })).rejects.toMatchObject({ code: 'EMFILE' });
    } finally {
      for (const file of files) closeSync(file);
      endLimit();
    }
    const taken = await acquireLock(folder, owner, { wait: false });
    expect(taken.ok).toBe(true);
    if (taken.ok) await taken.value.release();
  },
);
