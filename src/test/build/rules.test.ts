/** Promises of the design that cut across the other scenarios. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import { createRig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

test('with nothing to do no spec is looked at, and another version or environment looks again', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await rig.build();
  const second = await rig.buildWithoutAgent();
  expect(second.events.map((event) => event.type)).toEqual(['build.started', 'build.finished']);
  rig.version = '1.0.1';
  const third = await rig.buildWithoutAgent();
  expect(third.of('build.planned')).toHaveLength(1);
  expect(third.outcomes()).toEqual({ 'f/T1': 'fresh' });
  rig.env.MODEL = 'one';
  rig.environment = ['MODEL'];
  rig.write({ 'conductor.config.ts': '// reads MODEL\n' });
  await rig.buildWithoutAgent();
  expect((await rig.buildWithoutAgent()).of('build.planned')).toHaveLength(0);
  rig.env.MODEL = 'two';
  expect((await rig.buildWithoutAgent()).of('build.planned')).toHaveLength(1);
});

test('a failed task keeps what it had, and is tried again by the next build', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt', { depends_on: ['T1'] }) });
  rig.answer('f/T1', { 'one.txt': 'old' });
  rig.answer('f/T2', { 'two.txt': 'old' });
  await rig.build();
  rig.backlog('f', {
    T1: task('one.txt', { description: 'new' }),
    T2: task('two.txt', { depends_on: ['T1'] }),
  });
  rig.answer('f/T1', { 'elsewhere.txt': 'x' });
  const failed = await rig.build();
  expect(failed.outcomes()).toEqual({ 'f/T1': 'failed', 'f/T2': 'skipped' });
  expect([rig.read('one.txt'), rig.read('two.txt'), rig.read('elsewhere.txt')]).toEqual([
    'old',
    'old',
    undefined,
  ]);
  expect(await rig.inspect()).toMatchObject({ 'f/T1': 'stale' });
  rig.answer('f/T1', { 'one.txt': 'new' });
  rig.answer('f/T2', { 'two.txt': 'new' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
});

test('a failed task does not take back its patch when another task patches the same file', async () => {
  await using rig = await createRig({ config: { attempts: 1, publish: 'task' } });
  rig.write({ 'routes.ts': 'a\n\n\n\nb\n' });
  const edits = ['routes.ts'];
  rig.backlog('f', { T1: task('one.ts', { edits }), T2: task('two.ts', { edits }) });
  const look = (cwd: string) => readFileSync(join(cwd, 'routes.ts'), 'utf8');
  rig.answer('f/T1', (request) => ({ 'one.ts': '1', 'routes.ts': `one\n${look(request.cwd)}` }));
  rig.answer('f/T2', (request) => ({ 'two.ts': '2', 'routes.ts': `${look(request.cwd)}two\n` }));
  await rig.build();
  expect(rig.read('routes.ts')).toBe('one\na\n\n\n\nb\ntwo\n');
  rig.backlog('f', {
    T1: task('one.ts', { edits, description: 'y' }),
    T2: task('two.ts', { edits, description: 'y' }),
  });
  rig.answer('f/T1', {});
  rig.answer('f/T2', (request) => ({
    'two.ts': 'zwei',
    'routes.ts': look(request.cwd).replace('two\n', 'zwei\n'),
  }));
  const second = await rig.build();
  expect(second.outcomes()).toEqual({ 'f/T1': 'failed', 'f/T2': 'built' });
  expect(rig.read('routes.ts')).toBe('one\na\n\n\n\nb\nzwei\n');
});

test('a patch that contradicts another, and cannot be made again on it, does not land; everything else does', async () => {
  await using rig = await createRig({ config: { attempts: 1, publish: 'task' } });
  rig.write({ 'version.ts': 'version 1\n' });
  const edits = ['version.ts'];
  rig.backlog('f', {
    T1: task('one.ts', { edits }),
    T2: task('two.ts', { edits }),
    T3: task('three.ts'),
    T4: task('four.ts', { depends_on: ['T2'] }),
    T5: task('five.ts', { depends_on: ['T4'] }),
  });
  rig.answer('f/T1', { 'one.ts': '1', 'version.ts': 'version 2\n' });
  rig.answer('f/T2', ({ cwd }) =>
    readFileSync(join(cwd, 'version.ts'), 'utf8') === 'version 1\n'
      ? { 'two.ts': '2', 'version.ts': 'version 3\n' }
      : {},
  );
  rig.answer('f/T3', { 'three.ts': '3' });
  rig.answer('f/T4', { 'four.ts': '4' });
  rig.answer('f/T5', { 'five.ts': '5' });
  const built = await rig.build();
  const last = built
    .of('task.finished')
    .filter(({ task: label }) => label === 'f/T2')
    .at(-1);
  expect(last?.outcome).toBe('failed');
  // What depends on the withdrawn task is not published either, and the events say so.
  expect(built.outcomes()).toEqual({
    'f/T1': 'built',
    'f/T2': 'failed',
    'f/T3': 'built',
    'f/T4': 'skipped',
    'f/T5': 'skipped',
  });
  expect([rig.read('four.ts'), rig.read('five.ts')]).toEqual([undefined, undefined]);
  expect(built.summary).toMatchObject({ outcome: 'failed', exitCode: 1 });
  expect(rig.read('version.ts')).toBe('version 2\n');
  expect([rig.read('one.ts'), rig.read('two.ts'), rig.read('three.ts')]).toEqual(['1', undefined, '3']);
});

test('lines of a patch that a person changed are reported, not doubled', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': 'start\nend\n' });
  rig.backlog('f', { T1: task('one.ts', { edits: ['routes.ts'] }) });
  rig.answer('f/T1', { 'one.ts': '1', 'routes.ts': 'start\none\nend\n' });
  await rig.build();
  rig.write({ 'routes.ts': 'start\nONE // mine\nend\n' });
  const second = await rig.buildWithoutAgent();
  expect(second.outcomes()).toEqual({ 'f/T1': 'drifted' });
  expect(rig.read('routes.ts')).toBe('start\nONE // mine\nend\n');
});

test('a file that a person puts under an owned glob is theirs and is not lost', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('gen/**') });
  rig.answer('f/T1', { 'gen/a.txt': 'a' });
  await rig.build();
  rig.write({ 'gen/mine.txt': 'mine' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'drifted' });
  rig.backlog('f', { T1: task('gen/**', { description: 'y' }) });
  const stale = await rig.buildWithoutAgent();
  expect(stale.failure('f/T1')).toEqual({ kind: 'foreign-files', paths: ['gen/mine.txt'] });
  expect(rig.read('gen/mine.txt')).toBe('mine');
});

test('outputs of different runs are never mixed: a dependent is made of what its dependency is now', async () => {
  await using rig = await createRig();
  const tasks = (word: string) => ({
    T1: task('one.txt', { description: word }),
    T2: task('two.txt', { depends_on: ['T1'], description: undefined, run: 'cat one.txt one.txt > two.txt' }),
  });
  rig.backlog('f', tasks('a'));
  rig.answer('f/T1', { 'one.txt': 'first ' });
  await rig.build();
  rig.answer('f/T1', { 'one.txt': 'second ' });
  const again = await rig.build({ force: true, targets: ['f/T1'] });
  expect(again.ran()).toEqual(['f/T1']);
  const third = await rig.buildWithoutAgent();
  expect(third.ran()).toEqual(['f/T2']);
  expect(rig.read('two.txt')).toBe('second second ');
});

test('a task that evolves may stand as it is when the agent states so and its gates bear it out', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  const gate = { verify: ['grep -q hello one.txt'] };
  rig.backlog('f', { T1: task('one.txt', gate), T2: task('two.txt') });
  rig.answer('f/T1', { 'one.txt': 'hello' });
  rig.answer('f/T2', { 'two.txt': 'hello' });
  await rig.build();
  const description = 'the same in other words';
  rig.backlog('f', { T1: task('one.txt', { ...gate, description }), T2: task('two.txt', { description }) });
  // Nothing was said, or nothing was asked of a model: that is not enough.
  for (const isStated of [false, true]) {
    const silent = rig.start({ targets: ['f/T1'] });
    const run = await silent.agent.next('f/T1');
    if (isStated) run.report({ unchanged: 'it says hello' });
    run.finish();
    expect((await silent.done).failure('f/T1')).toEqual({ kind: 'nothing-done' });
  }
  const held = rig.start();
  for (const label of ['f/T1', 'f/T2']) {
    const run = await held.agent.next(label);
    run.usage({ tokensIn: 10 });
    run.report({ unchanged: 'it says hello' });
    run.finish();
  }
  const second = await held.done;
  expect(second.outcomes()).toMatchObject({ 'f/T1': 'built' });
  // Without gates there is nothing but the agent's word.
  expect(second.failure('f/T2')).toEqual({ kind: 'nothing-done' });
  expect(rig.read('one.txt')).toBe('hello');
});

test('gates see no variable of the environment but the usual ones and those that the config names', async () => {
  await using rig = await createRig({ config: { env: ['NAMED'] } });
  rig.env.SECRET_TOKEN = 'secret';
  rig.env.NAMED = 'named';
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['env.txt'], run: 'echo "$SECRET_TOKEN|$NAMED" > env.txt' },
  });
  await rig.build();
  expect(rig.read('env.txt')).toBe('|named\n');
});

test('a command in the sandbox cannot write outside its workspace, and one that must have it does not run without', async () => {
  await using rig = await createRig({ config: { sandbox: 'required' } });
  const found = await findSandbox(rig.env);
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['one.txt'], run: `touch ${rig.dir}/planted.txt; echo 1 > one.txt` },
  });
  const built = await rig.build();
  expect(rig.read('planted.txt')).toBeUndefined();
  if ('program' in found) expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  else expect(built.buildFailure()).toMatchObject({ kind: 'sandbox-required' });
});

test('a forced task whose output was edited is not overwritten either', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await rig.build();
  rig.write({ 'one.txt': 'mine' });
  const forced = await rig.buildWithoutAgent({ force: true });
  expect(forced.failure('f/T1')).toEqual({ kind: 'drifted-outputs', paths: ['one.txt'] });
  expect(rig.read('one.txt')).toBe('mine');
});

test('a damaged result is rebuilt and said to be so', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await rig.build();
  const store = join(rig.dir, '.git/conductor/repo');
  const gitDir = `--git-dir=${store}`;
  const [ref = ''] = rig
    .git(gitDir, 'for-each-ref', '--format=%(refname)', 'refs/conductor/results')
    .split('\n');
  const empty = rig.git(gitDir, 'commit-tree', '-m', 'damaged', rig.git(gitDir, 'mktree').trim()).trim();
  rig.git(gitDir, 'update-ref', ref, empty);
  rig.remove('one.txt');
  const built = await rig.build();
  expect(built.ran()).toEqual(['f/T1']);
  expect(built.warnings()).toEqual([expect.stringContaining('damaged')]);
  expect(rig.read('one.txt')).toBe('1');
  rig.remove('one.txt');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
});

test("a folder in the place of a pack's index is dropped, and what the pack holds is still found", async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await rig.build();
  const store = join(rig.dir, '.git/conductor/repo');
  rig.git(`--git-dir=${store}`, 'repack', '-adq');
  const packs = join(store, 'objects/pack');
  const name = readdirSync(packs).find((one) => one.endsWith('.idx')) as string;
  rmSync(join(packs, name), { force: true });
  mkdirSync(join(packs, name));
  rig.write({ 'mine.txt': 'new' });
  rig.remove('one.txt');
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('one.txt')).toBe('1');
  expect(existsSync(join(packs, name))).toBe(false);
});

test('files that look secret are shown when git tracks them, and hidden and named when the config says so', async () => {
  await using rig = await createRig({ config: { env: [] } });
  rig.write({
    '.env.test': 'shared',
    'test/key.pem': 'shared',
    '.env': 'mine',
    '.gitignore': '.conductor/\n',
  });
  rig.git('add', '.env.test', 'test/key.pem', '.gitignore');
  rig.git('commit', '-qm', 'fixtures');
  const run = 'ls -A . test > seen.txt 2>/dev/null; true';
  rig.backlog('f', { T1: { outputs: ['seen.txt'], run } });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('seen.txt')).toContain('.env.test');
  expect(rig.read('seen.txt')).toContain('key.pem');
  expect(rig.read('seen.txt')?.split('\n')).not.toContain('.env');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  rig.config = { ...rig.config, secrets: ['**/.env', '**/.env.*'] };
  rig.backlog('f', { T1: { outputs: ['seen.txt'], run: `${run} # again` } });
  const hidden = await rig.build();
  expect(rig.read('seen.txt')).not.toContain('.env');
  expect(rig.read('seen.txt')).toContain('key.pem');
  expect(hidden.warnings().filter((one) => one.includes('.env.test'))).toHaveLength(1);
});
