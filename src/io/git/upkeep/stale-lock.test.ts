/** Locks of dead gits go; one that a live process may hold stays, however old it is. */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchObjects } from '../../../test/rig/scratch-repository.js';
import { gitOk } from '../git-process.js';
import { removeStaleLock, removeStaleLocks } from './stale-lock.js';

test('what a killed fetch, pack-refs and gc left does not stop the next command', async () => {
  const { store } = await scratchObjects();
  const incoming = join(store, 'refs/conductor/incoming/1-a/refs/conductor/results/aa');
  mkdirSync(incoming, { recursive: true });
  const left = [
    join(incoming, 'x.lock'),
    join(store, 'packed-refs.lock'),
    join(store, 'config.lock'),
    join(store, 'packed-refs.new'),
  ];
  for (const path of left) writeFileSync(path, '');
  await removeStaleLocks(store);
  expect(left.filter((path) => existsSync(path))).toEqual([]);
});

test('git itself goes on where a dead one left its lock', async () => {
  const objects = await scratchObjects();
  const commit = await objects.writeCommit({ tree: await objects.empty(), message: 'x\n' });
  await objects.createRef('refs/conductor/results/aa/one', commit);
  writeFileSync(join(objects.store, 'packed-refs.lock'), '');
  await gitOk(['pack-refs', '--all'], { gitDir: objects.store, dir: objects.store });
  mkdirSync(join(objects.store, 'refs/conductor/results/aa'), { recursive: true });
  writeFileSync(join(objects.store, 'refs/conductor/results/aa/one.lock'), '');
  await objects.deleteRef('refs/conductor/results/aa/one');
  expect(await objects.resolve('refs/conductor/results/aa/one')).toBeUndefined();
});

test.runIf(process.platform === 'linux')('a lock that a process has open stays', async () => {
  const { store } = await scratchObjects();
  const lock = join(store, 'packed-refs.lock');
  const held = openSync(lock, 'w');
  utimesSync(lock, 1, 1);
  expect(await removeStaleLock(lock, store)).toBe(false);
  expect(existsSync(lock)).toBe(true);
  closeSync(held);
  expect(await removeStaleLock(lock, store)).toBe(true);
});

test.runIf(process.platform === 'linux')('a lock stays while a git that holds it is alive', async () => {
  const objects = await scratchObjects();
  const { store } = objects;
  const commit = await objects.writeCommit({ tree: await objects.empty(), message: 'x\n' });
  const lock = join(store, 'refs/conductor/results/aa/one.lock');
  // A transaction of another command, prepared and not yet committed: git has closed the file, and holds the lock.
  const other = spawn('sh', ['-c', 'git --git-dir="$1" update-ref --stdin; true', 'sh', store], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const said = new Promise<void>((resolve) => {
    let text = '';
    other.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('prepare: ok')) resolve();
    });
  });
  other.stdin.write(`start\ncreate refs/conductor/results/aa/one ${commit}\nprepare\n`);
  await said;
  expect(await removeStaleLock(lock, store)).toBe(false);
  expect(existsSync(lock)).toBe(true);
  other.stdin.end('commit\n');
  await new Promise((resolve) => other.once('close', resolve));
  expect(await objects.resolve('refs/conductor/results/aa/one')).toBe(commit);
});
