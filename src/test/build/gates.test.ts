/** Gates: what must pass on exactly the files that are kept. */

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';

const task = (verify: readonly unknown[], more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: ['one.txt'],
  verify,
  ...more,
});

const BUILT = { 'f/T1': 'built' };

test('a failing gate fails the task, and its output is shown once', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.backlog('f', { T1: task(['echo broken >&2; exit 3']) });
  rig.answer('f/T1', { 'one.txt': '1' });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({
    kind: 'gate-failed',
    exitCode: 3,
    output: { tail: 'broken' },
  });
  expect(built.summary).toMatchObject({ exitCode: 1, published: 0 });
  expect(rig.read('one.txt')).toBeUndefined();
  const failure = built.failure('f/T1');
  const log = failure?.kind === 'gate-failed' ? failure.output.log : undefined;
  expect(rig.read(log ?? 'no log')).toContain('broken');
});

test('a new gate only verifies what is there', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task(['true']) });
  rig.answer('f/T1', { 'one.txt': '1' });
  expect((await rig.build()).gates()).toEqual(['true']);
  rig.backlog('f', { T1: task(['true', 'grep -q 1 one.txt']) });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'unverified' });
  const second = await rig.buildWithoutAgent();
  expect(second.ran()).toEqual([]);
  expect(second.outcomes()).toEqual({ 'f/T1': 'verified' });
  expect(second.gates()).toEqual(['true', 'grep -q 1 one.txt']);
  const third = await rig.buildWithoutAgent();
  expect(third.gates()).toEqual([]);
  expect(third.summary.outcome).toBe('up-to-date');
  rig.write({ 'unrelated.ts': 'x' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'fresh' });
});

test('a gate of the config that fails rebuilds only what fails', async () => {
  await using rig = await createRig();
  rig.backlog('f', {
    T1: task([]),
    T2: task([], { outputs: ['two.txt'] }),
  });
  rig.answer('f/T1', { 'one.txt': 'bad' });
  rig.answer('f/T2', { 'two.txt': 'good' });
  await rig.build();
  rig.config = { ...rig.config, gates: { task: ['! grep -q bad *.txt'] } };
  rig.write({ 'conductor.config.ts': '// one gate more\n' });
  rig.answer('f/T1', { 'one.txt': 'better' });
  const second = await rig.build();
  expect(second.ran()).toEqual(['f/T1']);
  expect(second.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'verified' });
  expect(rig.read('one.txt')).toBe('better');

  rig.remove('one.txt', 'two.txt');
  const third = await rig.buildWithoutAgent();
  expect(third.outcomes()).toEqual({ 'f/T1': 'cached', 'f/T2': 'cached' });
  expect(rig.read('one.txt')).toBe('better');
});

test('a gate that hangs is stopped', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.backlog('f', { T1: task([{ run: ['sleep', '600'], timeout: 0.003 }]) });
  rig.answer('f/T1', { 'one.txt': '1' });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-timed-out', gate: 'sleep 600', minutes: 0.003 });
  expect(built.summary.exitCode).toBe(1);
});

test('a gate whose program is not there says so, and the agent is not blamed', async () => {
  await using rig = await createRig({ config: { attempts: 3 } });
  rig.backlog('f', { T1: task([{ run: ['no-such-program-here', '--check'] }]) });
  rig.answer('f/T1', { 'one.txt': '1' });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({
    kind: 'gate-missing-program',
    program: 'no-such-program-here',
  });
  expect(built.agent.runs).toHaveLength(1);
});

test('a gate that fails and then passes on the same tree is a warning', async () => {
  await using rig = await createRig();
  const flag = `${rig.temporary.root}/once`;
  rig.backlog('f', { T1: task([{ name: 'flaky', run: `test -e ${flag} || { touch ${flag}; exit 1; }` }]) });
  rig.answer('f/T1', { 'one.txt': '1' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual(BUILT);
  expect(existsSync(flag)).toBe(true);
  expect(built.agent.runs).toHaveLength(1);
  expect(built.warnings()).toEqual([expect.stringContaining('"flaky"')]);
});

test('gates see exactly the files that are kept, and what they write is not', async () => {
  await using rig = await createRig();
  rig.write({ '.gitignore': '.conductor/\nscratch/\n', 'src/a.ts': 'a' });
  const list = `${rig.temporary.root}/list`;
  rig.backlog('f', {
    T1: task(
      [`find . -type f -not -path './.git*' | sort > ${list}; echo changed > one.txt; touch new.txt`],
      {
        inputs: ['src/**', '.gitignore'],
      },
    ),
  });
  rig.answer('f/T1', { 'one.txt': '1', 'scratch/notes.md': 'notes' });
  expect((await rig.build()).outcomes()).toEqual(BUILT);
  expect(readFileSync(list, 'utf8')).toBe('./one.txt\n./src/a.ts\n');
  expect(rig.read('one.txt')).toBe('1');
  expect(rig.read('new.txt')).toBeUndefined();
  expect(rig.read('scratch/notes.md')).toBeUndefined();
});

test('gates of a task run on what an input or a dependency has become', async () => {
  await using rig = await createRig();
  rig.write({ 'in.txt': 'a' });
  rig.backlog('f', {
    T1: { inputs: ['in.txt'], outputs: ['one.txt'], run: 'cp in.txt one.txt' },
    T2: {
      inputs: [],
      depends_on: ['T1'],
      outputs: ['two.txt'],
      run: 'echo 2 > two.txt',
      verify: ['grep -q a one.txt'],
    },
  });
  expect((await rig.build()).summary.exitCode).toBe(0);
  rig.write({ 'in.txt': 'b' });
  const second = await rig.build();
  expect(second.failure('f/T2')).toMatchObject({ kind: 'gate-failed', gate: 'grep -q a one.txt' });
});

test.each([
  ['a task without inputs', {}, 'exit 0'],
  ['a gate with inputs', { inputs: [] }, { run: 'sh gates/check.sh', inputs: ['gates/**'] }],
])('a changed file that only gates can read runs them again, and no model: %s', async (_name, more, gate) => {
  await using rig = await createRig();
  rig.write({ 'gates/check.sh': 'grep -q 1 one.txt\n', 'other.txt': 'x' });
  rig.backlog('f', { T1: { description: 'x', outputs: ['one.txt'], ...more, verify: [gate] } });
  rig.answer('f/T1', { 'one.txt': '1' });
  expect((await rig.build()).outcomes()).toEqual(BUILT);

  rig.write({ 'gates/check.sh': 'grep -q 1 one.txt # the same\n' });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'unverified' });
  const second = await rig.buildWithoutAgent();
  expect(second.outcomes()).toEqual({ 'f/T1': 'verified' });
  expect(second.gates()).toHaveLength(1);
  expect((await rig.buildWithoutAgent()).gates()).toEqual([]);
  rig.write({ 'gates/check.sh': 'grep -q 1 one.txt\n' });
  expect((await rig.buildWithoutAgent()).gates()).toEqual([]);

  const isWhole = typeof gate === 'string';
  rig.write({ 'other.txt': 'y' });
  expect(await rig.inspect()).toEqual({ 'f/T1': isWhole ? 'unverified' : 'fresh' });
});

test('gates that all name their inputs see nothing else that people wrote', async () => {
  await using rig = await createRig();
  const list = `${rig.temporary.root}/list`;
  rig.write({ 'gates/check.sh': `find . -type f -not -path './.git*' | sort > ${list}\n`, 'other.txt': 'x' });
  rig.backlog('f', {
    T1: {
      description: 'x',
      outputs: ['one.txt'],
      verify: [{ run: 'sh gates/check.sh', inputs: ['gates/'] }],
    },
  });
  rig.answer('f/T1', { 'one.txt': '1' });
  expect((await rig.build()).outcomes()).toEqual(BUILT);
  expect(readFileSync(list, 'utf8')).toBe('./gates/check.sh\n./one.txt\n');
  rig.write({ 'other.txt': 'y' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'fresh' });
});

test('a gate whose inputs name a spec sees it, and runs again when it changes', async () => {
  await using rig = await createRig();
  rig.write({ 'specs/f/rules.md': 'one\n' });
  const verify = [{ run: 'grep -q one specs/f/rules.md', inputs: ['specs/f/rules.md'] }];
  rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['one.txt'], verify } });
  rig.answer('f/T1', { 'one.txt': '1' });
  expect((await rig.build()).outcomes()).toEqual(BUILT);
  rig.write({ 'specs/f/rules.md': 'one more\n' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
  rig.write({ 'specs/f/rules.md': 'two\n' });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'unverified' });
});

test('gates see all that dependencies made, and run again when any of it changes', async () => {
  await using rig = await createRig();
  rig.write({ 'in.txt': 'a' });
  rig.backlog('f', {
    T1: { inputs: ['in.txt'], outputs: ['one.txt'], run: 'cp in.txt one.txt' },
    T2: { inputs: [], depends_on: ['T1'], outputs: ['two.txt'], run: 'echo 2 > two.txt' },
    T3: {
      description: 'x',
      inputs: [],
      depends_on: ['T2'],
      outputs: ['three.txt'],
      verify: ['cat one.txt two.txt three.txt'],
    },
  });
  rig.answer('f/T3', { 'three.txt': '3' });
  expect((await rig.build()).summary.exitCode).toBe(0);
  rig.write({ 'in.txt': 'b' });
  const second = await rig.buildWithoutAgent();
  expect(second.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built', 'f/T3': 'verified' });
  expect(second.gates()).toHaveLength(1);
});

test('gates run again on a patched file whose other lines changed', async () => {
  await using rig = await createRig();
  rig.write({ 'app.txt': 'one\ntwo\nthree\nfour\n' });
  rig.backlog('f', {
    T1: {
      inputs: [],
      outputs: ['one.txt'],
      edits: ['app.txt'],
      run: "echo 1 > one.txt && sed -i 's/four/vier/' app.txt",
      verify: ['grep -q vier app.txt'],
    },
  });
  expect((await rig.build()).outcomes()).toEqual(BUILT);
  rig.write({ 'app.txt': 'eins\ntwo\nthree\nvier\n' });
  const second = await rig.build();
  expect(second.gates()).toHaveLength(1);
  expect(second.ran()).toEqual([]);
  expect(rig.read('app.txt')).toBe('eins\ntwo\nthree\nvier\n');
});

const buildGated = async (rig: Rig, gate: string) => {
  rig.config = { ...rig.config, gates: { build: [gate] } };
  rig.write({ 'by-hand.txt': 'hand' });
  rig.backlog('f', { T1: task([]), T2: task([], { outputs: ['two.txt'] }) });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  return rig.build();
};

test('a build gate sees the merged tree', async () => {
  await using rig = await createRig();
  const built = await buildGated(rig, 'cat one.txt two.txt by-hand.txt');
  expect(built.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  expect(built.gates()).toEqual(['cat one.txt two.txt by-hand.txt']);
  rig.write({ 'specs/f/REQUEST.md': 'asked' });
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test('a failing build gate keeps everything from being published, and the results stay', async () => {
  await using rig = await createRig();
  const before = await buildGated(rig, 'exit 7');
  expect(before.buildFailure()).toMatchObject({ kind: 'gate-failed', exitCode: 7 });
  expect(before.summary).toMatchObject({ outcome: 'failed', exitCode: 1, published: 0 });
  expect(rig.read('one.txt')).toBeUndefined();
  expect(rig.read('specs/f/.metadata.json')).toBeUndefined();

  const again = await rig.buildWithoutAgent();
  expect(again.buildFailure()).toMatchObject({ kind: 'gate-failed' });
  expect(again.outcomes()).toEqual({ 'f/T1': 'cached', 'f/T2': 'cached' });

  rig.config = { ...rig.config, gates: { build: ['true'] } };
  const third = await rig.buildWithoutAgent();
  expect(third.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  expect(rig.read('one.txt')).toBe('1');
});
