/** Whose a file is: conductor's while nobody touched it, a person's once they did. */

import { expect, test } from 'vitest';
import { createRig } from '../rig/rig.js';

const say = (word: string, to: string) => ({
  inputs: [],
  outputs: [to],
  run: [
    'node',
    '-e',
    `fs.mkdirSync(require('path').dirname('${to}'), {recursive: true}); fs.writeFileSync('${to}', '${word}')`,
  ],
});

test('outputs of a task that was removed are deleted', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt'), T2: say('b', 'out/deep/b.txt') });
  await rig.build();
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  const second = await rig.build();
  expect(second.ran()).toEqual([]);
  expect(rig.read('out/deep/b.txt')).toBeUndefined();
  expect(rig.read('out/a.txt')).toBe('a');
  expect(second.of('build.published')[0]?.removed).toEqual(['out/deep/b.txt']);
  expect(rig.read('specs/f/.metadata.json')).not.toContain('T2');
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
});

test('outputs of a feature that was removed with its folder are deleted', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  rig.backlog('g', { T1: say('b', 'out/b.txt') });
  await rig.build();
  rig.remove('specs/g');
  const second = await rig.build();
  expect(second.summary.exitCode).toBe(0);
  expect(rig.read('out/b.txt')).toBeUndefined();
  expect(rig.read('out/a.txt')).toBe('a');
});

test('outputs under a former path are deleted', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  await rig.build();
  rig.backlog('f', { T1: say('a', 'out/renamed.txt') });
  expect((await rig.build()).ran()).toEqual(['f/T1']);
  expect(rig.read('out/a.txt')).toBeUndefined();
  expect(rig.read('out/renamed.txt')).toBe('a');
});

test('an output that nobody owns any more and that a person edited is left and reported', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt'), T2: say('b', 'out/b.txt') });
  await rig.build();
  rig.write({ 'out/b.txt': 'mine' });
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  const second = await rig.build();
  expect(rig.read('out/b.txt')).toBe('mine');
  expect(second.warnings()).toEqual([expect.stringContaining('out/b.txt')]);
  const third = await rig.build();
  expect(rig.read('out/b.txt')).toBe('mine');
  // From now on it is the person's.
  expect(third.warnings()).toEqual([]);
});

test('a build of one target deletes nothing of others', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  rig.backlog('g', { T1: say('b', 'out/b.txt') });
  await rig.build();
  rig.remove('specs/g');
  rig.backlog('h', { T1: say('c', 'out/c.txt') });
  await rig.build({ targets: ['f'] });
  expect(rig.read('out/b.txt')).toBe('b');
  await rig.build();
  expect(rig.read('out/b.txt')).toBeUndefined();
});

test('a hand-written file at the path of an output is not overwritten, until it is moved away', async () => {
  await using rig = await createRig();
  rig.write({ 'out/a.txt': 'by hand' });
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  const first = await rig.build();
  expect(first.failure('f/T1')).toEqual({ kind: 'foreign-files', paths: ['out/a.txt'] });
  expect(first.ran()).toEqual([]);
  expect(first.summary.exitCode).toBe(1);
  expect(rig.read('out/a.txt')).toBe('by hand');
  const second = await rig.build({ discardEdits: true });
  expect(second.failure('f/T1')).toEqual({ kind: 'foreign-files', paths: ['out/a.txt'] });
  expect(rig.read('out/a.txt')).toBe('by hand');
  rig.remove('out/a.txt');
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('out/a.txt')).toBe('a');
});

test('an edited output is kept and reported, and dependents go on seeing what was recorded', async () => {
  await using rig = await createRig();
  rig.backlog('f', {
    T1: say('a', 'out/a.txt'),
    T2: { depends_on: ['T1'], inputs: [], outputs: ['out/b.txt'], run: 'cp out/a.txt out/b.txt' },
  });
  await rig.build();
  rig.write({ 'out/a.txt': 'mine' });
  for (let i = 0; i < 2; i++) {
    const again = await rig.build();
    expect(again.ran()).toEqual([]);
    expect(again.outcomes()).toEqual({ 'f/T1': 'drifted', 'f/T2': 'fresh' });
    expect(again.verdict('f/T1')).toEqual({ kind: 'drifted', paths: ['out/a.txt'] });
    expect(again.summary.exitCode).toBe(0);
    expect(rig.read('out/a.txt')).toBe('mine');
    expect(rig.read('out/b.txt')).toBe('a');
  }
  rig.write({ 'out/a.txt': 'a' });
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
});

test('a stale task whose output was edited fails and nothing is overwritten', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  await rig.build();
  rig.write({ 'out/a.txt': 'mine' });
  rig.backlog('f', { T1: say('b', 'out/a.txt') });
  const second = await rig.build();
  expect(second.failure('f/T1')).toEqual({ kind: 'drifted-outputs', paths: ['out/a.txt'] });
  expect(second.ran()).toEqual([]);
  expect(rig.read('out/a.txt')).toBe('mine');
  expect(second.summary).toMatchObject({ outcome: 'failed', exitCode: 1, published: 0 });

  const third = await rig.build({ discardEdits: true });
  expect(third.ran()).toEqual(['f/T1']);
  expect(rig.read('out/a.txt')).toBe('b');
  expect((await rig.build()).ran()).toEqual([]);
});

test('discarding edits restores an edited output from the store', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  await rig.build();
  rig.write({ 'out/a.txt': 'mine' });
  const restored = await rig.build({ discardEdits: true });
  expect(restored.ran()).toEqual([]);
  expect(restored.outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out/a.txt')).toBe('a');
});

test('an output that moves to another task is not deleted with its first owner', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  await rig.build();
  rig.backlog('f', { T9: say('z', 'out/a.txt') });
  const second = await rig.build();
  expect(second.outcomes()).toEqual({ 'f/T9': 'built' });
  expect(rig.read('out/a.txt')).toBe('z');
});

test('two tasks cannot own one file', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt'), T2: say('b', 'out/a.txt') });
  const refused = await rig.build();
  expect(refused.buildFailure()?.kind).toBe('invalid-specs');
  expect(refused.summary.exitCode).toBe(2);
  expect(rig.read('out/a.txt')).toBeUndefined();
});
