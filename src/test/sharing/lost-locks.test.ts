/** A lock file that is gone from disk, and a project that was moved, lose no accepted edit and patch no file twice. */

import { cpSync, renameSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { collect } from '../../commands/gc.js';
import { createRig, type Rig } from '../rig/rig.js';
import { gitCommandsOf } from '../rig/scratch-repository.js';

const LOCK = 'specs/f/.metadata.json';
const lines = (last: string) => `one\ntwo\nthree\nfour\nfive\nsix\n${last}\n`;
const writes = (last: string) => ({
  inputs: [],
  outputs: ['out.txt'],
  run: ['node', '-e', `require('fs').writeFileSync('out.txt', ${JSON.stringify(lines(last))})`],
});
const EDITED = lines('a').replace('one', 'ONE');

/** An accepted edit whose key has another result: only the lock file names it. */
async function accepted(rig: Rig): Promise<void> {
  rig.backlog('f', { T1: writes('a') });
  await rig.build();
  rig.write({ 'out.txt': EDITED });
  expect((await rig.build({ accept: true, targets: ['f/T1'] })).outcomes()).toEqual({ 'f/T1': 'accepted' });
}

/** Two tasks that each add a line to a file of a person. */
async function patched(rig: Rig): Promise<void> {
  rig.write({ 'routes.txt': 'head\n\n\n\ntail\n' });
  const adds = (line: string) => ({
    inputs: [],
    edits: ['routes.txt'],
    run: ['node', '-e', `require('fs').appendFileSync('routes.txt', '${line}\\n')`],
  });
  rig.backlog('f', { T1: adds('first'), T2: adds('second') });
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('routes.txt')).toBe(PATCHED);
}
const PATCHED = 'head\n\n\n\ntail\nfirst\nsecond\n';

/** Moves the project; the rig goes on in the new place. */
function move(rig: Rig, how: typeof renameSync | typeof cpSync = renameSync): void {
  const to = `${rig.dir}-moved`;
  if (how === renameSync) renameSync(rig.dir, to);
  else cpSync(rig.dir, to, { recursive: true });
  rig.dir = to;
}

describe('an accepted edit', () => {
  test('stays when its lock was never committed and is deleted, also with its files', async () => {
    await using rig = await createRig();
    await accepted(rig);
    const lock = rig.read(LOCK);
    rig.remove(LOCK);
    expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
    expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(1);
    expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'fresh' });
    expect([rig.read('out.txt'), rig.read(LOCK)]).toEqual([EDITED, lock]);
    rig.remove(LOCK, 'out.txt');
    await rig.buildWithoutAgent();
    expect([rig.read('out.txt'), rig.read(LOCK)]).toEqual([EDITED, lock]);
    // It is given up where a person says so.
    rig.remove(LOCK);
    await rig.build({ discardEdits: true, targets: ['f/T1'], force: true });
    expect(rig.read('out.txt')).toBe(lines('a'));
  });

  test('stays in the store while its lock is gone', async () => {
    await using rig = await createRig();
    await accepted(rig);
    rig.remove(LOCK, 'out.txt');
    rig.time += 100 * 24 * 60 * 60_000;
    const { signal } = new AbortController();
    const options = { dryRun: false, keepDays: 1, maxBytes: undefined, wait: true, signal };
    expect((await collect(rig.host(new ScriptedAgent({ tripwire: true })), options)).ok).toBe(true);
    await rig.buildWithoutAgent();
    expect(rig.read('out.txt')).toBe(EDITED);
  });

  test('is merged with a further edit when its lock is gone', async () => {
    await using rig = await createRig();
    await accepted(rig);
    rig.remove(LOCK);
    const further = EDITED.replace('three', 'THREE');
    rig.write({ 'out.txt': further });
    expect(await rig.inspect()).toEqual({ 'f/T1': 'drifted' });
    rig.backlog('f', { T1: writes('b') });
    await rig.build({ keepEdits: true });
    expect(rig.read('out.txt')).toBe(further.replace('\na\n', '\nb\n'));
  });

  test('goes with the project when that is moved, also without the lock', async () => {
    await using rig = await createRig({ folder: 'sub' });
    await accepted(rig);
    move(rig);
    expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
    rig.remove(LOCK);
    rig.backlog('f', { T1: writes('b') });
    await rig.build();
    expect(rig.read('out.txt')).toBe(lines('b').replace('one', 'ONE'));
  });

  test('stays on its branch', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: writes('a') });
    rig.commit();
    rig.git('branch', 'other');
    await accepted(rig);
    rig.commit();
    rig.git('checkout', '-q', 'other');
    await rig.buildWithoutAgent();
    expect(rig.read('out.txt')).toBe(lines('a'));
  });

  test('that was discarded does not come back from history', async () => {
    await using rig = await createRig();
    await accepted(rig);
    rig.commit();
    await rig.build({ discardEdits: true, targets: ['f/T1'], force: true });
    expect(rig.read('out.txt')).toBe(lines('a'));
    rig.remove(LOCK);
    await rig.buildWithoutAgent();
    expect(rig.read('out.txt')).toBe(lines('a'));
  });
});

describe('a patched file is patched once', () => {
  test('when the lock is deleted', async () => {
    await using rig = await createRig();
    await patched(rig);
    const lock = rig.read(LOCK);
    rig.remove(LOCK);
    expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });
    await rig.buildWithoutAgent();
    expect([rig.read('routes.txt'), rig.read(LOCK)]).toEqual([PATCHED, lock]);
  });

  for (const [name, how] of [
    ['moved', renameSync],
    ['copied', cpSync],
  ] as const) {
    for (const withLock of [true, false]) {
      test(`when the project is ${name} ${withLock ? 'with' : 'without'} its lock`, async () => {
        await using rig = await createRig({ folder: 'sub' });
        await patched(rig);
        rig.commit();
        move(rig, how);
        if (!withLock) rig.remove(LOCK);
        expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });
        const further = PATCHED.replace('head', 'HEAD');
        rig.write({ 'routes.txt': further });
        await rig.build();
        expect(rig.read('routes.txt')).toBe(further);
        expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
        expect(rig.read('routes.txt')).toBe(further);
      });
    }
  }

  test('when all records of the clone are lost, and only the store proves it', async () => {
    await using rig = await createRig();
    await patched(rig);
    const lock = rig.read(LOCK);
    rig.remove(LOCK, '.git/conductor/projects');
    const further = PATCHED.replace('head', 'HEAD');
    rig.write({ 'routes.txt': further });
    await rig.buildWithoutAgent();
    expect(rig.read('routes.txt')).toBe(further);
    expect(rig.read(LOCK)).not.toBe(lock);
    expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
    // A file that never had the patches gets them.
    rig.remove(LOCK, '.git/conductor/projects');
    rig.write({ 'routes.txt': 'another\n' });
    await rig.buildWithoutAgent();
    expect(rig.read('routes.txt')).toBe('another\nfirst\nsecond\n');
  });

  // Whichever of the two comes first in the store: the other one is in the file of one of these tests.
  for (const inFile of ['one way', 'another way']) {
    test(`when the task has two results on one text, and ${inFile} is in the file`, async () => {
      await using rig = await createRig();
      const text = (way: string) => `head\n\n\n\ntail\n${way}\n`;
      rig.write({ 'routes.txt': 'head\n\n\n\ntail\n' });
      rig.backlog('f', { T1: { description: 'Add a route', inputs: [], edits: ['routes.txt'] } });
      for (const way of ['one way', 'another way']) {
        rig.answer('f/T1', { 'routes.txt': text(way) });
        const built = await rig.build({ force: true, targets: ['f/T1'] });
        expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
        expect(rig.read('routes.txt')).toBe(text(way));
      }
      rig.remove(LOCK, '.git/conductor/projects');
      rig.write({ 'routes.txt': text(inFile).replace('head', 'HEAD') });
      await rig.buildWithoutAgent();
      // Its patch gives way to that of the result which the key names.
      expect(rig.read('routes.txt')).toBe(text('one way').replace('head', 'HEAD'));
      expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
    });
  }

  test('in a worktree that has the patch, and in one that has it not', async () => {
    await using rig = await createRig();
    rig.write({ 'routes.txt': 'head\n\n\n\ntail\n', '.gitignore': '.conductor/\n.metadata.json\n' });
    rig.commit();
    const old = rig.git('rev-parse', 'HEAD').trim();
    await patched(rig);
    rig.commit();
    const { dir } = rig;
    rig.git('worktree', 'add', '-q', `${dir}-new`, 'HEAD');
    rig.git('worktree', 'add', '-q', `${dir}-old`, old);
    rig.dir = `${dir}-new`;
    await rig.buildWithoutAgent();
    expect(rig.read('routes.txt')).toBe(PATCHED);
    const backlog = rig.read('specs/f/BACKLOG.yaml') as string;
    rig.dir = `${dir}-old`;
    rig.write({ 'specs/f/BACKLOG.yaml': backlog });
    await rig.buildWithoutAgent();
    expect(rig.read('routes.txt')).toBe(PATCHED);
  });
});

test('commands that only read search the history once for each HEAD', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.txt': 'a\n' });
  rig.backlog('f', { T1: { inputs: [], edits: ['routes.txt'], run: 'echo >> routes.txt' } });
  rig.commit();
  const searches = async () => {
    const commands = await gitCommandsOf(() => rig.inspect());
    return commands.filter((command) => command === 'log').length;
  };
  expect([await searches(), await searches()]).toEqual([1, 0]);
});
