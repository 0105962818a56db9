/** Clones, linked worktrees, links, filters: builds in working trees that are not the plain one. */

import { chmodSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

async function builtAndCommitted(rig: Rig): Promise<void> {
  rig.write({ 'routes.ts': 'a\nb\nc\n' });
  rig.backlog('f', { T1: task('out/one.txt', { edits: ['routes.ts'], verify: ['true'] }) });
  rig.answer('f/T1', { 'out/one.txt': '1', 'routes.ts': 'a\nb\nc\none\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  rig.commit();
}

test('a fresh clone with what was built in it has nothing to do', async () => {
  await using rig = await createRig();
  await builtAndCommitted(rig);
  const clone = join(rig.temporary.root, 'clone');
  rig.git('clone', '-q', rig.dir, clone);
  rig.dir = clone;
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'f/T1': 'fresh' });
  expect(built.gates()).toEqual([]);
  expect(built.summary).toMatchObject({ outcome: 'up-to-date', published: 0 });
});

test("in a fresh clone a person's edit of a patched file reruns nothing and loses nothing", async () => {
  await using rig = await createRig();
  await builtAndCommitted(rig);
  const clone = join(rig.temporary.root, 'clone');
  rig.git('clone', '-q', rig.dir, clone);
  rig.dir = clone;
  rig.write({ 'routes.ts': 'top\na\nb\nc\none\n' });
  const built = await rig.buildWithoutAgent();
  expect(built.ran()).toEqual([]);
  expect(rig.read('routes.ts')).toBe('top\na\nb\nc\none\n');
});

test('linked worktrees share what was built', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('out/one.txt') });
  rig.commit();
  rig.answer('f/T1', { 'out/one.txt': '1' });
  await rig.build();
  const linked = join(rig.temporary.root, 'linked');
  rig.git('worktree', 'add', '-q', '-b', 'other', linked);
  rig.dir = linked;
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out/one.txt')).toBe('1');
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('nothing is published through a link that leaves the project', async () => {
  await using rig = await createRig();
  const outside = join(rig.temporary.root, 'outside');
  mkdirSync(outside);
  symlinkSync(outside, rig.path('out'));
  rig.backlog('f', { T1: task('out/one.txt') });
  rig.answer('f/T1', { 'out/one.txt': '1' });
  const built = await rig.build();
  expect(readdirSync(outside)).toEqual([]);
  expect(built.summary.exitCode).toBe(1);
  expect(lstatSync(rig.path('out')).isSymbolicLink()).toBe(true);
});

test.each(['.conductor', '.conductor/logs'])(
  'nothing is logged or removed through a link at %s',
  async (place) => {
    await using rig = await createRig();
    const outside = join(rig.temporary.root, 'outside');
    // More than the builds whose logs are kept.
    for (let index = 0; index < 40; index++)
      mkdirSync(join(outside, 'logs', `${index}`), { recursive: true });
    mkdirSync(join(rig.path(place), '..'), { recursive: true });
    symlinkSync(place === '.conductor' ? outside : join(outside, 'logs'), rig.path(place));
    rig.backlog('f', { T1: task('out/one.txt') });
    const built = await rig.buildWithoutAgent();
    expect(built.summary.exitCode).toBe(2);
    expect(built.of('build.failure')).toMatchObject([
      { failure: { kind: 'unsupported-repository', reason: expect.stringContaining(`${place} is a link`) } },
    ]);
    expect(readdirSync(outside)).toEqual(['logs']);
    expect(readdirSync(join(outside, 'logs'))).toHaveLength(40);
  },
);

test('nothing is published through an ignored link either', async () => {
  await using rig = await createRig();
  const outside = join(rig.temporary.root, 'outside');
  mkdirSync(outside);
  rig.write({ '.gitignore': '.conductor/\nout\n' });
  symlinkSync(outside, rig.path('out'));
  rig.backlog('f', { T1: task('out/one.txt') });
  rig.answer('f/T1', { 'out/one.txt': '1' });
  const built = await rig.build();
  expect(readdirSync(outside)).toEqual([]);
  expect(built.summary.exitCode).toBe(1);
  expect(lstatSync(rig.path('out')).isSymbolicLink()).toBe(true);
});

test('an ignored file of a person at the path of an output is not overwritten', async () => {
  await using rig = await createRig();
  rig.write({ '.gitignore': '.conductor/\nout/\n', 'out/deep/one.txt': 'mine' });
  rig.backlog('f', { T1: task('out/**') });
  rig.answer('f/T1', { 'out/deep/one.txt': '1' });
  const built = await rig.build();
  expect(rig.read('out/deep/one.txt')).toBe('mine');
  expect(built.summary.exitCode).toBe(1);
});

test('an output may turn from a file into a folder and back', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('out') });
  rig.answer('f/T1', { out: 'file' });
  await rig.build();
  rig.backlog('f', { T1: task('out/one.txt') });
  rig.answer('f/T1', { 'out/one.txt': '1' });
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('out/one.txt')).toBe('1');
  rig.backlog('f', { T1: task('out') });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out')).toBe('file');
});

test('an executable bit that a person sets is an edit', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('tool.sh') });
  rig.answer('f/T1', { 'tool.sh': 'echo\n' });
  await rig.build();
  chmodSync(rig.path('tool.sh'), 0o755);
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'drifted' });
  expect((await rig.buildWithoutAgent({ discardEdits: true })).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(lstatSync(rig.path('tool.sh')).mode & 0o111).toBe(0);
});

test.each([
  ['attributes that ask for CRLF', '* text eol=crlf\n', ''],
  ['automatic line ends', '', 'true'],
])('with %s a build is up to date afterwards', async (_name, attributes, autocrlf) => {
  await using rig = await createRig();
  if (attributes) rig.write({ '.gitattributes': attributes });
  if (autocrlf) rig.git('config', 'core.autocrlf', autocrlf);
  rig.write({ 'in.txt': 'a\r\nb\r\n' });
  rig.backlog('f', { T1: task('one.txt', { inputs: ['in.txt'] }) });
  rig.answer('f/T1', { 'one.txt': 'x\ny\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  rig.write({ 'unrelated.txt': 'u\n' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'fresh' });
  rig.remove('one.txt');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('folders that a removed output leaves empty are removed with it', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('out/deep/one.txt'), T2: task('two.txt') });
  rig.answer('f/T1', { 'out/deep/one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  await rig.build();
  rig.backlog('f', { T2: task('two.txt') });
  await rig.buildWithoutAgent();
  expect(readdirSync(rig.dir)).not.toContain('out');
});

test.each([
  ['file where a folder is needed', 'out', 'out/one.txt'],
  ['folder where a file is needed', 'out/mine.txt', 'out'],
])('a %s is kept, and no agent works in vain', async (_name, theirs, output) => {
  await using rig = await createRig();
  rig.write({ [theirs]: 'mine' });
  rig.backlog('f', { T1: task(output) });
  const built = await rig.buildWithoutAgent();
  expect(built.failure('f/T1')).toEqual({ kind: 'foreign-files', paths: [theirs] });
  expect(rig.read(theirs)).toBe('mine');
});

test('a file where the results of a glob need a folder is kept', async () => {
  await using rig = await createRig();
  rig.write({ 'gen/deep': 'mine' });
  rig.backlog('f', { T1: task('gen/*/*.txt') });
  rig.answer('f/T1', { 'gen/deep/one.txt': '1' });
  const built = await rig.build();
  expect(built.failure('f/T1')).toEqual({ kind: 'foreign-files', paths: ['gen/deep'] });
  expect(rig.read('gen/deep')).toBe('mine');
});

test('an edited former output where a folder is needed now is kept', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('out') });
  rig.answer('f/T1', { out: 'file' });
  await rig.build();
  rig.write({ out: 'mine' });
  rig.backlog('f', { T1: task('out/one.txt') });
  const built = await rig.buildWithoutAgent();
  expect(built.failure('f/T1')).toEqual({ kind: 'drifted-outputs', paths: ['out'] });
  expect(rig.read('out')).toBe('mine');
});
