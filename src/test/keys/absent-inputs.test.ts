/** A file that a task names exactly, that git ignores and that was nowhere at the last complete build, is noticed when it comes. */

import { expect, test } from 'vitest';
import { quickCheck } from '../../build/quick-check.js';
import { readOutputs } from '../../project/outputs/clone-outputs.js';
import { createRig, type Rig } from '../rig/rig.js';
import { buildOf, stateOf } from './part-walk.js';

const task = (word: string, more: object = {}) => ({
  inputs: [],
  outputs: [`out/${word}.txt`],
  run: `mkdir -p out && echo ${word} > out/${word}.txt`,
  ...more,
});
const reading = (word: string, path: string) =>
  task(word, { inputs: [path], run: `mkdir -p out && (cat ${path} || echo none) > out/${word}.txt` });

/** `a` reads a file that is not there. */
async function built(path: string): Promise<Rig> {
  const rig = await createRig();
  rig.write({ '.gitignore': 'local*\n/ignored/\n' });
  for (const name of ['b', 'c', 'd', 'e']) rig.backlog(name, { [name]: task(name) });
  rig.backlog('a', { a: reading('a', path) });
  expect((await rig.build()).summary.outcome).toBe('built');
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
  expect(rig.read('out/a.txt')).toBe('none\n');
  return rig;
}

test.each(['local.txt', 'ignored/sub/file.txt', 'sub/local/file.txt'])(
  '%s is read when it comes',
  async (path) => {
    await using rig = await built(path);
    // In a folder of this name there is nothing that a task names.
    rig.write({ [`${path}/nothing.txt`]: 'no\n' });
    expect((await rig.build()).summary.outcome).toBe('up-to-date');
    rig.remove(path);
    rig.write({ [path]: 'here\n' });
    expect((await rig.build()).outcomes()).toMatchObject({ 'a/a': 'built', 'b/b': 'fresh' });
    expect(rig.read('out/a.txt')).toBe('here\n');
    rig.write({ [path]: 'other\n' });
    expect((await rig.build()).outcomes()).toMatchObject({ 'a/a': 'built' });
    rig.remove(path);
    expect((await rig.build()).outcomes()).toMatchObject({ 'a/a': 'cached' });
    expect((await rig.build()).summary.outcome).toBe('up-to-date');
    rig.link(path, 'nowhere');
    expect((await rig.build()).outcomes()).not.toMatchObject({ 'a/a': 'fresh' });
  },
);

test('a build that would read a part or write outputs again notices it, too', async () => {
  await using rig = await built('local.txt');
  rig.backlog('b', { b: task('b', { run: 'mkdir -p out && echo other > out/b.txt' }) });
  expect((await buildOf(rig)).isPart).toBe(true);
  rig.backlog('b', { b: task('b') });
  rig.write({ 'local.txt': 'here\n' });
  const { story, isPart } = await buildOf(rig);
  expect([story.outcomes()['a/a'], isPart]).toEqual(['built', false]);
  expect(rig.read('out/a.txt')).toBe('here\n');
  rig.remove('local.txt');
  await rig.build();
  rig.write({ 'local.txt': 'again\n' });
  rig.remove('out/b.txt', 'out/c.txt');
  expect((await rig.build()).outcomes()).toMatchObject({ 'a/a': 'built', 'b/b': 'cached' });
  expect(rig.read('out/a.txt')).toBe('again\n');
});

test('after an ignored file that a task may edit has come, the task is looked at', async () => {
  await using rig = await createRig();
  rig.write({ '.gitignore': 'local*\n' });
  const run = 'mkdir -p out && echo a > out/a.txt && if [ -f local.txt ]; then echo patch >> local.txt; fi';
  rig.backlog('a', { a: task('a', { edits: ['local.txt'], run }) });
  await rig.build();
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
  rig.write({ 'local.txt': 'mine\n' });
  // Where there is nothing to do, no task is told of. What people wrote in an edited file makes no task stale.
  expect((await rig.build()).outcomes()).toEqual({ 'a/a': 'fresh' });
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
});

test('the check of the command line, which loads no build, notices both', async () => {
  await using rig = await built('local.txt');
  const host = { directory: rig.dir, env: rig.env, version: rig.version, pid: process.pid, now: Date.now };
  const check = () => quickCheck({ ...host, configDigest: async () => '' }, 'conductor build');
  expect(await check()).toBe(5);
  rig.write({ 'local.txt': 'here\n' });
  expect(await check()).toBeUndefined();
  rig.remove('local.txt');
  expect(await check()).toBe(5);
  // As an incomplete build, or one that a kill kept from its end.
  await (await readOutputs(stateOf(rig))).change(new Map([['out/a.txt', null]]));
  expect(await check()).toBeUndefined();
});
