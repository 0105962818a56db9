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

test('a lock whose files are not those of its result fails', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('one') });
  await rig.build();
  const forged = 'something else\n';
  rig.write({ 'forged.txt': forged });
  const id = rig.git('hash-object', '-w', 'forged.txt').trim();
  const word = rig.git('hash-object', 'out.txt').trim();
  rig.remove('forged.txt');
  rig.write({ 'out.txt': forged, [LOCK]: (rig.read(LOCK) ?? '').replace(word, id) });
  const looked = await frozen(rig);
  expect(looked.buildFailure()).toMatchObject({
    kind: 'not-up-to-date',
    tasks: [{ label: 'f/T1', verdict: 'its lock file names files that are not those of its result' }],
  });
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
