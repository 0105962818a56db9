/** The person's repository is only borrowed: what a build touches of it, and what it works with. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';
import { gitCommandsOf } from '../rig/scratch-repository.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

/** Everything of the person's repository that conductor must leave as it is. */
function borrowed(rig: Rig): Record<string, string> {
  const gitDir = join(rig.temporary.dir, '.git');
  const index = readdirSync(gitDir).includes('index')
    ? readFileSync(join(gitDir, 'index'), 'base64')
    : 'none';
  return {
    index,
    objects: rig.git('count-objects', '-v'),
    refs: rig.git('for-each-ref'),
    worktrees: rig.git('worktree', 'list', '--porcelain'),
    stash: rig.git('stash', 'list'),
    config: readFileSync(join(gitDir, 'config'), 'utf8'),
    hooks: readdirSync(join(gitDir, 'hooks')).join(' '),
    head: readFileSync(join(gitDir, 'HEAD'), 'utf8'),
    entries: readdirSync(gitDir)
      .filter((name) => name !== 'conductor')
      .sort()
      .join(' '),
  };
}

describe('the repository', () => {
  test('is as it was after builds that make, restore, remove, fail and patch', async () => {
    await using rig = await createRig({ config: { attempts: 1 } });
    rig.write({ 'src/a.ts': 'a\n', 'src/dirty.ts': 'clean\n' });
    rig.commit();
    rig.write({ 'src/dirty.ts': 'dirty\n', 'untracked.ts': 'u\n', 'staged.ts': 's\n' });
    rig.git('add', 'staged.ts');
    rig.git('stash', 'push', '-q', '--', 'src/dirty.ts');
    rig.write({ 'src/dirty.ts': 'dirty again\n' });
    const before = borrowed(rig);

    rig.backlog('f', { T1: task('one.txt', { edits: ['src/a.ts'] }), T2: task('two.txt') });
    rig.answer('f/T1', { 'one.txt': '1', 'src/a.ts': 'a\nb\n' });
    rig.answer('f/T2', { 'two.txt': '2' });
    expect((await rig.build()).summary.counts.built).toBe(2);
    expect(borrowed(rig)).toEqual(before);
    rig.remove('one.txt');
    expect((await rig.buildWithoutAgent()).outcomes()).toMatchObject({ 'f/T1': 'cached' });
    rig.backlog('f', { T2: task('two.txt', { description: 'y' }) });
    rig.answer('f/T2', {});
    expect((await rig.build()).summary.exitCode).toBe(1);
    expect(borrowed(rig)).toEqual(before);
    expect(rig.read('src/dirty.ts')).toBe('dirty again\n');
    expect(rig.read('untracked.ts')).toBe('u\n');
  });

  test('may have no commit', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: task('one.txt') });
    rig.answer('f/T1', { 'one.txt': '1' });
    const before = borrowed(rig);
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(rig.read('one.txt')).toBe('1');
    expect(borrowed(rig)).toEqual(before);
    expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  });

  test('may hold the project in a folder, and nothing outside of it is seen or touched', async () => {
    await using rig = await createRig({ folder: 'packages/app' });
    rig.write({ 'src/in.txt': 'in', '../other/outside.txt': 'outside' });
    rig.commit();
    rig.backlog('f', {
      T1: { outputs: ['out.txt'], run: 'find . -type f -not -path "./.git*" | sort > out.txt' },
    });
    const before = borrowed(rig);
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(rig.read('out.txt')).toContain('./src/in.txt');
    expect(rig.read('out.txt')).not.toContain('outside');
    expect(borrowed(rig)).toEqual(before);
    expect((await rig.build()).summary.outcome).toBe('up-to-date');
  });

  test('may have file names with spaces, line breaks, quotes and other letters', async () => {
    await using rig = await createRig();
    const names = ['a b.txt', 'line\nbreak.txt', 'quote".txt', 'größe.txt', '-dash.txt', '日本/語.txt'];
    rig.write(Object.fromEntries(names.map((name) => [`in/${name}`, name])));
    rig.backlog('f', { T1: { description: 'copy', inputs: ['in/**'], outputs: ['out/**'] } });
    rig.answer('f/T1', Object.fromEntries(names.map((name) => [`out/${name}`, `made ${name}`])));
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    for (const name of names) expect(rig.read(`out/${name}`)).toBe(`made ${name}`);
    expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
    rig.remove('out');
    expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
    for (const name of names) expect(rig.read(`out/${name}`)).toBe(`made ${name}`);
    rig.write({ 'in/line\nbreak.txt': 'changed' });
    expect(await rig.inspect()).toEqual({ 'f/T1': 'stale' });
  });
});

describe('publishing', () => {
  test('is refused when a file that it would write changed during the build, and the results stay', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
    const held = rig.start();
    const one = await held.agent.next('f/T1');
    const two = await held.agent.next('f/T2');
    rig.write({ 'two.txt': 'by hand, just now' });
    await one.write('one.txt', '1');
    one.finish();
    await two.write('two.txt', '2');
    two.finish();
    const built = await held.done;
    expect(built.buildFailure()).toMatchObject({ kind: 'publish-refused', paths: ['two.txt'] });
    expect(built.summary).toMatchObject({ outcome: 'failed', exitCode: 1, published: 0 });
    expect(rig.read('two.txt')).toBe('by hand, just now');
    expect(rig.read('one.txt')).toBeUndefined();
    expect(rig.read('specs/f/.metadata.json')).toBeUndefined();

    rig.remove('two.txt');
    const second = await rig.buildWithoutAgent();
    expect(second.outcomes()).toEqual({ 'f/T1': 'cached', 'f/T2': 'cached' });
    expect(rig.read('two.txt')).toBe('2');
  });

  test('leaves other files alone that changed during the build', async () => {
    await using rig = await createRig();
    rig.write({ 'src/a.ts': 'a' });
    rig.backlog('f', { T1: task('one.txt') });
    const held = rig.start();
    const one = await held.agent.next('f/T1');
    rig.write({ 'src/a.ts': 'changed', 'src/new.ts': 'new' });
    await one.write('one.txt', '1');
    one.finish();
    expect((await held.done).summary.exitCode).toBe(0);
    expect(rig.read('one.txt')).toBe('1');
    expect(rig.read('src/a.ts')).toBe('changed');
    expect(rig.read('src/new.ts')).toBe('new');
  });
});

describe('committing', () => {
  test('makes one commit for each task and a merge, and leaves dirty files alone', async () => {
    await using rig = await createRig();
    rig.write({ 'src/a.ts': 'a\n', 'src/b.ts': 'b\n' });
    rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt', { depends_on: ['T1'] }) });
    rig.commit();
    const start = rig.git('rev-parse', 'HEAD').trim();
    rig.write({ 'src/a.ts': 'dirty\n', 'untracked.ts': 'u\n' });
    rig.answer('f/T1', { 'one.txt': '1' });
    rig.answer('f/T2', { 'two.txt': '2' });
    const built = await rig.build({ commit: true });
    expect(built.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
    expect(built.of('build.committed')).toHaveLength(1);

    expect(rig.git('rev-list', '--first-parent', 'HEAD').trim().split('\n')).toHaveLength(2);
    expect(rig.git('rev-parse', 'HEAD^1').trim()).toBe(start);
    const log = rig.git(
      'log',
      '--format=%s|%(trailers:key=Conductor-Task,valueonly,separator=%x2C)',
      '--no-merges',
      `${start}..HEAD`,
    );
    expect(log).toContain('f/T1: Task T1|f/T1');
    expect(log).toContain('f/T2: Task T2|f/T2');
    expect(rig.git('show', 'HEAD:one.txt')).toBe('1');
    expect(rig.git('show', 'HEAD:src/a.ts')).toBe('a\n');
    expect(rig.read('src/a.ts')).toBe('dirty\n');
    expect(rig.git('status', '--porcelain').trim().split('\n')).toEqual(['M src/a.ts', '?? untracked.ts']);
    expect((await rig.buildWithoutAgent({ commit: true })).of('build.committed')).toEqual([]);
  });

  test('commits nothing of what a person staged', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: task('one.txt') });
    rig.commit();
    rig.write({ 'staged.ts': 's\n' });
    rig.git('add', 'staged.ts');
    rig.answer('f/T1', { 'one.txt': '1' });
    expect((await rig.build({ commit: true })).summary.exitCode).toBe(0);
    expect(rig.git('ls-tree', '-r', '--name-only', 'HEAD')).not.toContain('staged.ts');
    expect(rig.git('status', '--porcelain').trim()).toBe('A  staged.ts');
  });

  test('commits what an earlier build left, so that no committed lock names files that are not', async () => {
    await using rig = await createRig();
    rig.write({ 'src/a.ts': 'a\n' });
    rig.backlog('f', { T1: task('one.txt', { edits: ['src/a.ts'] }) });
    rig.commit();
    rig.answer('f/T1', { 'one.txt': '1', 'src/a.ts': 'a\npatched\n' });
    await rig.build();
    expect(rig.git('ls-tree', '-r', '--name-only', 'HEAD')).not.toContain('one.txt');
    const second = await rig.buildWithoutAgent({ commit: true });
    expect(second.of('build.committed')).toMatchObject([{ tasks: 1 }]);
    expect(rig.git('show', 'HEAD:one.txt')).toBe('1');
    expect(rig.git('show', 'HEAD:src/a.ts')).toBe('a\npatched\n');
    expect(rig.git('status', '--porcelain')).toBe('');
  });
});

test('a load takes one snapshot, also of files that look secret and that git tracks', async () => {
  await using rig = await createRig();
  rig.write({ '.npmrc': 'one\n', '.env.example': 'two\n' });
  rig.git('add', '.npmrc', '.env.example');
  rig.backlog('f', {
    T1: { ...task('out.txt', { run: 'ls -A > out.txt', inputs: undefined }), agent: undefined },
  });
  await rig.buildWithoutAgent();
  expect(rig.read('out.txt')).toContain('.npmrc');
  const snapshots = async () =>
    (await gitCommandsOf(() => rig.inspect())).filter((command) => command === 'write-tree').length;
  await rig.inspect();
  expect(await snapshots()).toBe(1);
  rig.git('rm', '-q', '--cached', '.npmrc');
  rig.write({ 'other.txt': 'changed' });
  await rig.buildWithoutAgent();
  expect(rig.read('out.txt')).not.toContain('.npmrc');
});

test("git's history is searched for a lost lock file once for each HEAD", async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': 'a\n' });
  rig.backlog('f', { T1: task('one.txt', { edits: ['routes.ts'] }) });
  rig.commit();
  rig.backlog('h', { T1: { inputs: [], outputs: ['h.txt'], run: 'echo > h.txt' } });
  const searches = async () => {
    const commands = await gitCommandsOf(() => rig.buildWithoutAgent({ targets: ['h'] }));
    return commands.filter((command) => command === 'log').length;
  };
  expect([await searches(), await searches()]).toEqual([1, 0]);
  expect(await gitCommandsOf(() => rig.inspect())).not.toContain('log');
  rig.backlog('g', { T1: task('two.txt', { edits: ['routes.ts'] }) });
  expect([await searches(), await searches()]).toEqual([1, 0]);
  rig.write({ 'more.ts': 'b\n' });
  rig.commit();
  expect([await searches(), await searches()]).toEqual([1, 0]);
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('g/T1', { 'two.txt': '2' });
  await rig.build();
  rig.commit();
  const before = await rig.inspect();
  rig.remove('specs/f/.metadata.json');
  expect(await rig.inspect()).toEqual(before);
});
