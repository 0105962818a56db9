/** What a task's workspace shows, and what of it becomes the result. */

import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, readdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { filesBelow } from '../rig/command-line.js';
import { createRig } from '../rig/rig.js';

/** Paths that the agent finds in its workspace, sorted. */
const shown = (request: AgentRequest) => Object.keys(filesBelow(request.cwd, ['.git'])).sort();

test('a git in the workspace finds the input tree as its HEAD, which is in no repository but that one', async () => {
  await using rig = await createRig();
  rig.write({ 'in/deep/a.txt': 'text\n', 'in/deep/b.txt': 'b\n' });
  const say = 'git status --porcelain; git show HEAD:in/deep/a.txt; git ls-tree -r --name-only HEAD';
  const task = { inputs: ['in/deep/*.txt'], outputs: ['out.txt'], run: `(${say}) > out.txt` };
  rig.backlog('f', { T1: task });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('out.txt')).toBe('?? out.txt\ntext\nin/deep/a.txt\nin/deep/b.txt\n');
  const store = rig.path('.git/conductor/repo');
  const [name] = readdirSync(join(store, 'workspaces')) as [string];
  const own = (of: string) => rig.git(`--git-dir=${join(store, 'workspaces', name)}`, 'rev-parse', of);
  for (const id of ['HEAD', 'HEAD^{tree}', 'HEAD:in'].map(own))
    expect(() => rig.git(`--git-dir=${store}`, 'cat-file', '-e', id), id).toThrow();
});

describe('a view shows', () => {
  test('nothing of the hand-written tree but the declared inputs', async () => {
    await using rig = await createRig();
    rig.write({ 'src/a.ts': 'a', 'src/deep/b.ts': 'b', 'other.ts': 'o' });
    rig.backlog('f', { T1: { description: 'x', inputs: ['src/**'], outputs: ['out.txt'] } });
    let seen: string[] = [];
    rig.answer('f/T1', (request) => {
      seen = shown(request);
      return { 'out.txt': 'x' };
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(seen).toEqual(['src/a.ts', 'src/deep/b.ts']);
  });

  test('every hand-written file when no input is declared, but no specs, locks or outputs of others', async () => {
    await using rig = await createRig();
    rig.write({ 'src/a.ts': 'a' });
    const tasks = {
      T1: { inputs: [], outputs: ['out/one.txt'], run: 'mkdir -p out && echo one > out/one.txt' },
    };
    rig.backlog('f', tasks);
    await rig.build();
    rig.backlog('g', { T2: { description: 'x', outputs: ['out/two.txt'] } });
    let seen: string[] = [];
    rig.answer('g/T2', (request) => {
      seen = shown(request);
      return { 'out/two.txt': 'two' };
    });
    expect((await rig.build()).ran()).toEqual(['g/T2']);
    expect(rig.read('out/one.txt')).toBe('one\n');
    expect(seen).toEqual(['.gitignore', 'src/a.ts']);
  });

  test.each([
    [
      'and what the direct ones show, with inputs',
      { inputs: ['by-hand.txt', 'two.*'] },
      ['by-hand.txt', 'two.txt'],
    ],
    ['as inputs, if they are named there', { inputs: ['one.txt'] }, ['one.txt', 'two.txt']],
    ['all of them, without inputs', {}, ['.gitignore', 'by-hand.txt', 'one.txt', 'private.txt', 'two.txt']],
  ])('the outputs of dependencies %s', async (_name, inputs, expected) => {
    await using rig = await createRig();
    rig.write({ 'by-hand.txt': 'x' });
    rig.backlog('f', {
      T1: { inputs: [], outputs: ['one.txt'], run: 'echo one > one.txt' },
      T2: {
        inputs: [],
        depends_on: ['T1'],
        outputs: ['two.txt', 'private.txt'],
        interface: ['two.txt'],
        run: 'cat one.txt one.txt | tee two.txt > private.txt',
      },
      T3: { ...inputs, depends_on: ['T2'], description: 'x', outputs: ['three.txt'] },
      T4: { inputs: [], outputs: ['four.txt'], run: 'echo four > four.txt' },
    });
    let seen: string[] = [];
    rig.answer('f/T3', (request) => {
      seen = shown(request);
      return { 'three.txt': 'three' };
    });
    expect((await rig.build()).summary.exitCode).toBe(0);
    expect(seen).toEqual(expected);
  });

  test.each([
    ['evolve', ['one.txt']],
    ['fresh', []],
  ])('of former outputs, with strategy %s: %j', async (strategy, expected) => {
    await using rig = await createRig();
    const task = { description: 'one', inputs: [], outputs: ['one.txt'], strategy };
    rig.backlog('f', { T1: task });
    rig.answer('f/T1', { 'one.txt': 'one' });
    await rig.build();
    rig.backlog('f', { T1: { ...task, description: 'two' } });
    let seen: string[] = [];
    let prompt = '';
    rig.answer('f/T1', (request) => {
      seen = shown(request);
      prompt = request.prompt;
      return { 'one.txt': 'two' };
    });
    expect((await rig.build()).ran()).toEqual(['f/T1']);
    expect(seen).toEqual(expected);
    expect(prompt.includes('-one')).toBe(strategy === 'evolve');
    expect(prompt.includes('+two')).toBe(strategy === 'evolve');
  });

  test('no file that looks secret, unless a spec names it', async () => {
    await using rig = await createRig();
    rig.write({ '.env': 'TOKEN=1', 'keys/id_rsa': 'private', 'src/a.ts': 'a' });
    rig.backlog('f', {
      T1: { description: 'x', outputs: ['one.txt'] },
    });
    const seen: string[][] = [];
    rig.answer('f/T1', (request) => {
      seen.push(shown(request));
      return { 'one.txt': `${seen.length}` };
    });
    await rig.build();
    rig.backlog('f', { T1: { description: 'x', inputs: ['src/**', '.env'], outputs: ['one.txt'] } });
    await rig.build();
    expect(seen).toEqual([
      ['.gitignore', 'src/a.ts'],
      ['.env', 'one.txt', 'src/a.ts'],
    ]);
    expect(rig.read('.env')).toBe('TOKEN=1');
  });

  test('no file of another task that ran in the same workspace before', async () => {
    await using rig = await createRig({ config: { workers: 1 } });
    rig.backlog('f', {
      T1: { description: 'x', inputs: [], outputs: ['one.txt'] },
      T2: { description: 'x', inputs: [], outputs: ['two.txt'] },
    });
    const seen: string[][] = [];
    for (const name of ['one', 'two'] as const) {
      rig.answer(`f/T${name === 'one' ? 1 : 2}`, (request) => {
        seen.push(shown(request));
        return { [`${name}.txt`]: name };
      });
    }
    expect((await rig.build()).summary.counts.built).toBe(2);
    expect(seen).toEqual([[], []]);
  });
});

describe('a result', () => {
  test.each([
    [
      'outside its outputs',
      { 'one.txt': '1', 'src/a.ts': 'weakened' },
      { kind: 'wrote-outside-outputs', paths: ['src/a.ts'] },
    ],
    [
      'that deletes a file outside',
      { 'one.txt': '1', 'src/a.ts': null },
      { kind: 'wrote-outside-outputs', paths: ['src/a.ts'] },
    ],
    ['of nothing', {}, { kind: 'nothing-done' }],
    ['without some of its outputs', { 'one.txt': '1' }, { kind: 'missing-outputs', paths: ['two.txt'] }],
  ])('%s is refused', async (name, files, failure) => {
    await using rig = await createRig({ config: { attempts: 1 } });
    rig.write({ 'src/a.ts': 'a' });
    const outputs = name.startsWith('without') ? ['one.txt', 'two.txt'] : ['one.txt'];
    rig.backlog('f', { T1: { description: 'x', outputs } });
    rig.answer('f/T1', files);
    const built = await rig.build();
    expect(built.failure('f/T1')).toEqual(failure);
    expect(built.summary).toMatchObject({ outcome: 'failed', exitCode: 1, published: 0 });
    expect(rig.read('one.txt')).toBeUndefined();
    expect(rig.read('src/a.ts')).toBe('a');
    expect(await rig.inspect()).toEqual({ 'f/T1': 'stale' });
  });

  test.each(['/etc/passwd', '../../outside'])('with a link to %s is refused', async (target) => {
    await using rig = await createRig({ config: { attempts: 1 } });
    rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['one.txt'] } });
    rig.answer('f/T1', (request) => {
      symlinkSync(target, join(request.cwd, 'one.txt'));
      return {};
    });
    const built = await rig.build();
    expect(built.failure('f/T1')).toEqual({ kind: 'link-leaves-tree', path: 'one.txt', target });
    expect(rig.read('one.txt')).toBeUndefined();
  });

  test('keeps executable bits and links inside the tree', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['bin/**'] } });
    rig.answer('f/T1', async (request) => {
      execFileSync('mkdir', ['bin'], { cwd: request.cwd });
      execFileSync('sh', ['-c', 'echo hi > bin/tool && ln -s tool bin/alias'], { cwd: request.cwd });
      chmodSync(join(request.cwd, 'bin/tool'), 0o755);
      return {};
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    rig.remove('bin');
    expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
    expect(statSync(rig.path('bin/tool')).mode & 0o111).not.toBe(0);
    expect(lstatSync(rig.path('bin/alias')).isSymbolicLink()).toBe(true);
    expect(readlinkSync(rig.path('bin/alias'))).toBe('tool');
    expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  });

  test('may be of files that git ignores, and is restored like others', async () => {
    await using rig = await createRig();
    rig.write({ '.gitignore': '.conductor/\ndist/\n' });
    rig.backlog('f', {
      T1: { inputs: [], outputs: ['dist/a.js'], run: 'mkdir -p dist && echo 1 > dist/a.js' },
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(rig.read('dist/a.js')).toBe('1\n');
    const second = await rig.build();
    expect(second.ran()).toEqual([]);
    expect(second.summary.outcome).toBe('up-to-date');
    rig.remove('dist');
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'cached' });
    expect(rig.read('dist/a.js')).toBe('1\n');
  });

  test('of a glob loses the files that a new one has no more', async () => {
    await using rig = await createRig();
    const task = { description: 'two files', inputs: [], outputs: ['gen/**'] };
    rig.backlog('f', { T1: task });
    rig.answer('f/T1', { 'gen/a.txt': 'a', 'gen/b.txt': 'b' });
    await rig.build();
    rig.backlog('f', { T1: { ...task, description: 'one file' } });
    rig.answer('f/T1', { 'gen/b.txt': null });
    const second = await rig.build();
    expect(second.of('build.published')[0]?.removed).toEqual(['gen/b.txt']);
    expect(rig.read('gen/a.txt')).toBe('a');
    expect(rig.read('gen/b.txt')).toBeUndefined();
    expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  });

  test('that is larger than allowed is refused', async () => {
    await using rig = await createRig({ config: { attempts: 1, maxOutputBytes: 10 } });
    rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['one.txt'] } });
    rig.answer('f/T1', { 'one.txt': 'x'.repeat(11) });
    const built = await rig.build();
    expect(built.failure('f/T1')).toEqual({ kind: 'output-too-large', bytes: 11, limit: 10 });
    expect(rig.read('one.txt')).toBeUndefined();
  });
});
