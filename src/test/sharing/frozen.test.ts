/** `--frozen` and `verify`: green only for a commit that is exactly as a build would leave it, and nothing is written. */

import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';

const LOCK = 'specs/f/.metadata.json';
const say = (word: string) => ({ inputs: [], outputs: ['out.txt'], run: `echo ${word} > out.txt` });
const frozen = (rig: Rig, more: object = {}) => rig.buildWithoutAgent({ frozen: true, ...more });

/** The specs of `two` beside the lock and output of `one`; the store has the results of both. */
async function stale(rig: Rig): Promise<void> {
  rig.backlog('f', { T1: say('two') });
  await rig.build();
  rig.backlog('f', { T1: say('one') });
  await rig.build();
  rig.commit();
  expect((await frozen(rig)).summary.exitCode).toBe(0);
  rig.backlog('f', { T1: say('two') });
}

test('a stale commit fails although the store has its results, and nothing is written', async () => {
  await using rig = await createRig();
  await stale(rig);
  const before = rig.files();
  const looked = await frozen(rig);
  expect(looked.summary.exitCode).toBe(1);
  expect(looked.buildFailure()).toEqual({ kind: 'not-up-to-date', tasks: [], files: ['out.txt', LOCK] });
  expect(rig.files()).toEqual(before);
  const restored = await rig.buildWithoutAgent({ restoreOnly: true });
  expect(restored.outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out.txt')).toBe('two\n');
});

test('of a commit in preparation the index counts, not the working tree', async () => {
  await using rig = await createRig();
  await stale(rig);
  rig.git('add', 'specs/f/BACKLOG.yaml');
  await rig.build();
  expect((await frozen(rig)).summary.exitCode).toBe(0);
  expect((await frozen(rig, { staged: true })).buildFailure()).toMatchObject({ files: ['out.txt', LOCK] });
  rig.git('add', '-A');
  expect((await frozen(rig, { staged: true })).summary.exitCode).toBe(0);
  rig.write({ 'out.txt': 'only on disk\n' });
  expect((await frozen(rig, { staged: true })).summary.exitCode).toBe(0);
  expect((await frozen(rig)).summary.exitCode).toBe(1);
});

test('locks whose files are not those of their results fail, task by task in their order', async () => {
  await using rig = await createRig();
  const tasks = ['T1', 'T2', 'T3'];
  const output = (id: string) => `${id}.txt`;
  const task = (id: string) => ({ inputs: [], outputs: [output(id)], run: `echo ${id} > ${output(id)}` });
  rig.backlog('f', Object.fromEntries(tasks.map((id) => [id, task(id)])));
  await rig.build();
  const forged = 'something else\n';
  rig.write({ 'forged.txt': forged });
  const id = rig.git('hash-object', '-w', 'forged.txt').trim();
  rig.remove('forged.txt');
  for (const one of ['T1', 'T3']) {
    const word = rig.git('hash-object', output(one)).trim();
    rig.write({ [output(one)]: forged, [LOCK]: (rig.read(LOCK) ?? '').replace(word, id) });
  }
  const verdict = 'its lock file names files that are not those of its result';
  // The second time after a plain build to which all of it looks up to date.
  for (const how of [{ frozen: true }, { restoreOnly: true }]) {
    expect((await rig.buildWithoutAgent(how)).buildFailure()).toEqual({
      kind: 'not-up-to-date',
      tasks: [
        { label: 'f/T1', verdict },
        { label: 'f/T3', verdict },
      ],
    });
    expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  }
});

test('outputs that git ignores may be missing, and nothing is put there', async () => {
  await using rig = await createRig();
  rig.write({ '.gitignore': '.conductor/\nout.txt\n' });
  rig.backlog('f', { T1: say('one') });
  await rig.build();
  rig.commit();
  rig.remove('out.txt');
  expect((await frozen(rig)).summary.exitCode).toBe(0);
  expect(rig.read('out.txt')).toBeUndefined();
});
