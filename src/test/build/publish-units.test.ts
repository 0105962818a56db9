/** Results are published by feature: what waits is kept, named, and costs nothing the next time. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { applyAbsorption } from '../../commands/absorb/absorb.js';
import { createRig, type Rig } from '../rig/rig.js';
import type { Story } from '../rig/rig-story.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const task = (output: string, more: object = {}) => ({
  description: `${output} v1`,
  inputs: [],
  outputs: [output],
  ...more,
});

const FAILS = task('two.txt', { verify: ['grep -q good two.txt'] });

/** `f` has two tasks, of which the second fails; `g` depends on the first; `h` stands alone. */
async function halfMade(config: object = {}): Promise<Rig> {
  const rig = await createRig({ config: { attempts: 1, ...config } });
  rig.backlog('f', { T1: task('one.txt'), T2: FAILS });
  rig.backlog('g', { T1: task('g.txt', { depends_on: ['f/T1'] }) });
  rig.backlog('h', { T1: task('h.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': 'bad' });
  rig.answer('g/T1', { 'g.txt': 'g' });
  rig.answer('h/T1', { 'h.txt': 'h' });
  return rig;
}

const waits = (story: Story) =>
  story
    .of('task.waiting')
    .map(({ task: label, outcome, because, on }) => [label, outcome, because, ...(on ?? [])]);

test('a failed task keeps the results of its feature and what was built on them; the next build pays for nothing', async () => {
  await using rig = await halfMade();
  const first = await rig.build();
  expect(first.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'failed', 'g/T1': 'built', 'h/T1': 'built' });
  expect(waits(first)).toEqual([
    ['f/T1', 'built', 'tasks', 'f/T2'],
    ['g/T1', 'built', 'tasks', 'f/T2'],
  ]);
  expect(first.summary).toMatchObject({ outcome: 'failed', exitCode: 1, published: 1, waiting: 2 });
  expect([rig.read('one.txt'), rig.read('g.txt'), rig.read('h.txt')]).toEqual([undefined, undefined, 'h']);
  expect(rig.read('specs/f/.metadata.json')).toBeUndefined();
  expect(rig.read('specs/h/.metadata.json')).toContain('h.txt');
  expect(await rig.waiting()).toEqual({ 'f/T1': ['f/T2'], 'g/T1': ['f/T2'] });

  rig.answer('f/T2', { 'two.txt': 'good' });
  const second = await rig.build();
  expect(second.ran()).toEqual(['f/T2']);
  expect(waits(second)).toEqual([]);
  expect(second.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  expect([rig.read('one.txt'), rig.read('two.txt'), rig.read('g.txt')]).toEqual(['1', 'good', 'g']);
  expect(await rig.waiting()).toEqual({});
});

test('a feature keeps its former files and their record while its new results wait', async () => {
  await using rig = await halfMade();
  rig.answer('f/T2', { 'two.txt': 'good' });
  await rig.build();
  rig.backlog('f', {
    T1: task('one.txt', { description: 'one.txt v2' }),
    T2: { ...FAILS, description: 'v2' },
  });
  rig.answer('f/T1', { 'one.txt': '2' });
  rig.answer('f/T2', { 'two.txt': 'bad' });
  rig.answer('g/T1', { 'g.txt': 'g2' });
  const lock = rig.read('specs/f/.metadata.json');
  const built = await rig.build();
  expect(waits(built).map(([label]) => label)).toEqual(['f/T1', 'g/T1']);
  expect([rig.read('one.txt'), rig.read('g.txt')]).toEqual(['1', 'g']);
  expect(rig.read('specs/f/.metadata.json')).toBe(lock);
});

test('a dependent with older files in the checkout keeps back what they were built against', async () => {
  await using rig = await halfMade();
  rig.answer('f/T2', { 'two.txt': 'good' });
  await rig.build();
  rig.backlog('f', { T1: task('one.txt', { description: 'one.txt v2' }), T2: FAILS });
  rig.answer('f/T1', { 'one.txt': '2' });
  rig.answer('g/T1', { kind: 'agent-error', detail: 'no', output: { tail: '' } });
  const built = await rig.build();
  expect(waits(built)).toEqual([['f/T1', 'built', 'tasks', 'g/T1']]);
  expect(rig.read('one.txt')).toBe('1');
});

test('a part of a feature is published when nothing more was asked for', async () => {
  await using rig = await halfMade();
  const built = await rig.build({ targets: ['f/T1'] });
  expect(built.summary).toMatchObject({ exitCode: 0, outcome: 'built' });
  expect(rig.read('one.txt')).toBe('1');
  expect(rig.read('specs/f/.metadata.json')).not.toContain('two.txt');
});

test('by task each result is published, by build all of them or none', async () => {
  await using byTask = await halfMade({ publish: 'task' });
  expect(waits(await byTask.build())).toEqual([]);
  expect([byTask.read('one.txt'), byTask.read('g.txt'), byTask.read('h.txt')]).toEqual(['1', 'g', 'h']);
  await using byBuild = await halfMade({ publish: 'build' });
  expect(waits(await byBuild.build()).map(([label]) => label)).toEqual(['f/T1', 'h/T1', 'g/T1']);
  expect(byBuild.read('h.txt')).toBeUndefined();
});

test('why nothing is published is said also where the store cannot be packed', async () => {
  await using rig = await halfMade({ gates: { build: ['test ! -e h.txt'] } });
  await rig.build();
  const store = rig.path('.git/conductor/repo');
  const [[, commit] = []] = readFileSync(join(store, 'packed-refs'), 'utf8').matchAll(/^(\w+) refs/gm);
  // One that may borrow objects is packed at the end of each build.
  rig.git(`--git-dir=${store}`, 'update-ref', 'refs/conductor/other', commit as string);
  const bin = rig.path('.git/bin');
  mkdirSync(bin);
  const full = `case "$*" in *pack-refs*) echo 'No space left on device' >&2; exit 128 ;; esac`;
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  writeFileSync(join(bin, 'git'), `#!/bin/sh\n${full}\nexec '${real}' "$@"\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  const second = await rig.build();
  expect(second.of('build.failure').map(({ failure }) => failure.kind)).toEqual(['gate-failed']);
  expect(second.summary).toMatchObject({ exitCode: 1, waiting: 3 });
  rig.config = { ...rig.config, gates: {} };
  expect((await rig.build()).buildFailure()).toMatchObject({ kind: 'disk-full' });
  expect(rig.read('h.txt')).toBe('h');
});

test('what is published although another feature failed has passed the build gates as it stands', async () => {
  await using rig = await halfMade({ gates: { build: ['test ! -e h.txt || grep -q fine h.txt'] } });
  const first = await rig.build();
  expect(first.buildFailure()).toMatchObject({ kind: 'gate-failed' });
  expect(waits(first)).toEqual([
    ['f/T1', 'built', 'tasks', 'f/T2'],
    ['g/T1', 'built', 'tasks', 'f/T2'],
    ['h/T1', 'built', 'gates'],
  ]);
  expect(first.summary).toMatchObject({ outcome: 'failed', exitCode: 1, published: 0, waiting: 3 });
  expect(rig.read('h.txt')).toBeUndefined();
  rig.backlog('h', { T1: task('h.txt', { description: 'h.txt v2' }) });
  rig.answer('h/T1', { 'h.txt': 'fine' });
  const second = await rig.build();
  expect(second.ran().sort()).toEqual(['f/T2', 'h/T1']);
  expect(rig.read('h.txt')).toBe('fine');
});

test('a file that changes its owner or its name within a feature that waits stays as it is', async () => {
  await using rig = await halfMade();
  rig.answer('f/T2', { 'two.txt': 'good' });
  await rig.build();
  rig.backlog('f', { T1: task('uno.txt'), T2: { ...FAILS, description: 'v2' } });
  rig.answer('f/T1', { 'uno.txt': '1' });
  rig.answer('g/T1', { 'g.txt': 'g2' });
  rig.answer('f/T2', { 'two.txt': 'bad' });
  const held = await rig.build();
  expect(waits(held).map(([label]) => label)).toContain('f/T1');
  expect([rig.read('one.txt'), rig.read('uno.txt')]).toEqual(['1', undefined]);
  rig.answer('f/T2', { 'two.txt': 'good again' });
  await rig.build();
  expect([rig.read('one.txt'), rig.read('uno.txt')]).toEqual([undefined, '1']);
});

test('what was built on a withdrawn patch waits or is withdrawn too', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.write({ 'app.txt': 'a\nb\nc\n' });
  const patch = { description: 'x', inputs: [], edits: ['app.txt'] };
  rig.backlog('f', { T1: { ...patch, outputs: ['1.txt'] } });
  rig.backlog('g', {
    T1: { ...patch, outputs: ['2.txt'] },
    T2: task('late.txt', { depends_on: ['T1'] }),
    T3: task('3.txt'),
  });
  rig.answer('f/T1', { 'app.txt': 'a\nfirst\nc\n', '1.txt': '1' });
  // Asked again on the first patch, it makes nothing.
  rig.answer('g/T1', ({ cwd }) =>
    readFileSync(join(cwd, 'app.txt'), 'utf8') === 'a\nb\nc\n'
      ? { 'app.txt': 'a\nsecond\nc\n', '2.txt': '2' }
      : {},
  );
  rig.answer('g/T2', { 'late.txt': 'late' });
  rig.answer('g/T3', { '3.txt': '3' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'g/T1': 'failed', 'g/T2': 'skipped', 'g/T3': 'built' });
  expect(waits(built)).toEqual([['g/T3', 'built', 'tasks', 'g/T1', 'g/T2']]);
  expect([rig.read('1.txt'), rig.read('late.txt'), rig.read('3.txt')]).toEqual(['1', undefined, undefined]);
  expect(rig.read('app.txt')).toBe('a\nfirst\nc\n');
});

/** f/T1 and g/T1 are built again and wait for f/T2, which fails; a person has edited the file of f/T3. */
async function editedWhileWaiting(): Promise<Rig> {
  const rig = await halfMade();
  const three = task('three.txt', { depends_on: ['T1'] });
  rig.backlog('f', { T1: task('one.txt'), T2: FAILS, T3: three });
  rig.answer('f/T2', { 'two.txt': 'good' });
  rig.answer('f/T3', { 'three.txt': '3' });
  await rig.build();
  rig.backlog('f', {
    T1: task('one.txt', { description: 'one.txt v2' }),
    T2: { ...FAILS, description: 'v2' },
    T3: three,
  });
  rig.answer('f/T1', { 'one.txt': '2' });
  rig.answer('f/T2', { 'two.txt': 'bad' });
  rig.answer('g/T1', { 'g.txt': 'g2' });
  rig.answer('f/T3', { 'three.txt': '3, made again' });
  await rig.build();
  rig.write({ 'three.txt': 'mine' });
  return rig;
}

/** What was accepted stands, what waited still does, and the next build pays for the failed task alone. */
async function goesOn(rig: Rig): Promise<void> {
  expect([rig.read('one.txt'), rig.read('three.txt')]).toEqual(['1', 'mine']);
  expect((await rig.inspect())['f/T3']).toBe('fresh');
  rig.answer('f/T2', { 'two.txt': 'good again' });
  const last = await rig.build();
  expect(last.ran()).toEqual(['f/T2']);
  expect(last.summary).toMatchObject({ exitCode: 0 });
  expect([rig.read('one.txt'), rig.read('three.txt')]).toEqual(['2', 'mine']);
}

test('an edit is accepted while results of its feature wait, and these stay back', async () => {
  await using rig = await editedWhileWaiting();
  const accepted = await rig.buildWithoutAgent({ accept: true, targets: ['f/T3'] });
  expect(accepted.outcomes()).toMatchObject({ 'f/T3': 'accepted' });
  expect(accepted.summary).toMatchObject({ outcome: 'built', exitCode: 0, waiting: 1 });
  await goesOn(rig);
});

test('so is one that is absorbed into the spec', async () => {
  await using rig = await editedWhileWaiting();
  const file = 'specs/f/BACKLOG.yaml';
  const before = rig.read(file) ?? '';
  const after = before.replace('three.txt v1', 'three.txt is mine');
  expect(after).not.toBe(before);
  const done = await applyAbsorption(
    rig.host(new ScriptedAgent({ tripwire: true })),
    { label: 'f/T3', file, before, after, summary: '' },
    { wait: false, signal: new AbortController().signal, on: () => {} },
  );
  expect(done).toMatchObject({ ok: true, value: { exitCode: 0, waiting: 1 } });
  expect(rig.read(file)).toBe(after);
  expect([rig.read('one.txt'), rig.read('three.txt')]).toEqual(['1', 'mine']);
});

test('a revised task that waits is in the spec already, so that its result is found', async () => {
  await using rig = await createRig({
    config: { attempts: 1, rebase: 'apply', gates: { build: ['test ! -e one.txt || test -e ok'] } },
  });
  rig.backlog('f', { T1: task('one.txt', { acceptance: ['x'], verify: ['grep -q green one.txt'] }) });
  rig.answer('f/T1', ({ prompt }) => ({ 'one.txt': prompt.includes('It is green') ? 'green' : 'red' }));
  rig.answer('f/T1@rebase', {
    'REBASE.json': JSON.stringify({
      task: { acceptance: ['x', 'It is green'] },
      reasoning: 'green',
      confidence: 0.9,
    }),
  });
  const first = await rig.build();
  expect(waits(first)).toEqual([['f/T1', 'built', 'gates']]);
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('It is green');
  expect(rig.read('one.txt')).toBeUndefined();
  rig.write({ ok: '' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('one.txt')).toBe('green');
});
