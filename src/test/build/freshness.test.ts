/** What makes a task stale and what does not. */

import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { prepare } from '../../analysis/prepare.js';
import { openReadingSession } from '../../build/project-session.js';
import { fileIdentity } from '../../io/files.js';
import { createRig, type Rig } from '../rig/rig.js';

const agentTask = { description: 'Write a greeting.', inputs: ['src/in.txt'], outputs: ['out/a.txt'] };

test('a second build runs nothing and calls no agent', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'in\n' });
  rig.backlog('f', { T1: agentTask });
  rig.answer('f/T1', { 'out/a.txt': 'hello\n' });
  const first = await rig.build();
  expect(first.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('out/a.txt')).toBe('hello\n');
  const before = rig.files();

  const second = await rig.buildWithoutAgent();
  expect(second.summary).toMatchObject({ outcome: 'up-to-date', exitCode: 0, published: 0 });
  expect(second.ran()).toEqual([]);
  expect(rig.files()).toEqual(before);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('changes of a spec that decide no content change nothing', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'in\n' });
  rig.backlog('f', { T1: agentTask });
  rig.answer('f/T1', { 'out/a.txt': 'hello\n' });
  await rig.build();

  const { description, inputs, outputs } = agentTask;
  rig.backlog(
    'f',
    {
      T1: {
        outputs,
        inputs,
        description,
        title: 'Another title',
        priority: 3,
        owner: 'Ada',
        status: 'blocked',
        tags: ['x'],
      },
    },
    '# a comment\n',
  );
  const second = await rig.buildWithoutAgent();
  expect(second.ran()).toEqual([]);
  expect(second.verdicts()).toEqual({ 'f/T1': 'fresh' });
  expect(second.summary.exitCode).toBe(0);
});

test.each([
  ['a declared input', (rig: Rig) => rig.write({ 'src/in.txt': 'changed\n' })],
  ['the description', (rig: Rig) => rig.backlog('f', { T1: { ...agentTask, description: 'Be polite.' } })],
  [
    'the list of outputs',
    (rig: Rig) => rig.backlog('f', { T1: { ...agentTask, outputs: ['out/a.txt', 'out/b.txt'] } }),
  ],
  [
    'the acceptance criteria',
    (rig: Rig) => rig.backlog('f', { T1: { ...agentTask, acceptance: ['It is polite'] } }),
  ],
  [
    'the salt of the config',
    (rig: Rig) => {
      rig.config = { ...rig.config, salt: 'new' };
      rig.write({ 'conductor.config.ts': '// the salt is new\n' });
    },
  ],
])('a change of %s rebuilds the task', async (_name, change) => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'in\n' });
  rig.backlog('f', { T1: agentTask });
  rig.answer('f/T1', { 'out/a.txt': 'hello\n' });
  await rig.build();

  change(rig);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'stale' });
  rig.answer('f/T1', { 'out/a.txt': 'good day\n', ...(await wantedB(rig)) });
  const second = await rig.build();
  expect(second.ran()).toEqual(['f/T1']);
  expect(rig.read('out/a.txt')).toBe('good day\n');
});

async function wantedB(rig: Rig): Promise<Record<string, string>> {
  return rig.read('specs/f/BACKLOG.yaml')?.includes('out/b.txt') ? { 'out/b.txt': 'b\n' } : {};
}

test('a file that no task declares as its input changes nothing', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'in\n', 'src/other.txt': 'other\n' });
  rig.backlog('f', { T1: agentTask });
  rig.answer('f/T1', { 'out/a.txt': 'hello\n' });
  await rig.build();

  rig.write({ 'src/other.txt': 'changed\n', 'README.md': 'new\n' });
  const second = await rig.buildWithoutAgent();
  expect(second.outcomes()).toEqual({ 'f/T1': 'fresh' });
  expect(second.summary).toMatchObject({ outcome: 'up-to-date', published: 0 });
});

test('a template is an input: a change rebuilds the task, one that no task uses does not', async () => {
  await using rig = await createRig();
  rig.write({ 'templates/x.hbs': 'one {{word}}\n', 'templates/unused.hbs': 'one\n' });
  rig.backlog('f', {
    T1: { outputs: ['x.txt'], render: [{ template: 'x.hbs', to: 'x.txt', with: { word: 'w' } }] },
  });
  await rig.build();
  expect(rig.read('x.txt')).toBe('one w\n');

  rig.write({ 'templates/unused.hbs': 'two\n' });
  expect((await rig.build()).ran()).toEqual([]);
  rig.write({ 'templates/x.hbs': 'two {{word}}\n' });
  expect((await rig.build()).ran()).toEqual(['f/T1']);
  expect(rig.read('x.txt')).toBe('two w\n');
});

const chain = (first: object = {}) => ({
  T1: {
    inputs: ['src/in.txt'],
    outputs: ['out/one.txt'],
    run: 'mkdir -p out && head -c 3 src/in.txt > out/one.txt',
    ...first,
  },
  T2: {
    depends_on: ['T1'],
    inputs: [],
    outputs: ['out/two.txt'],
    run: 'mkdir -p out && cat out/one.txt > out/two.txt',
  },
});

test('a dependency that comes out as it was stops the rebuild there', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'abc one\n' });
  rig.backlog('f', chain());
  expect((await rig.build()).ran()).toEqual(['f/T1', 'f/T2']);

  rig.write({ 'src/in.txt': 'abc two\n' });
  const second = await rig.build();
  expect(second.ran()).toEqual(['f/T1']);
  expect(second.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'fresh' });
  expect((await rig.build()).ran()).toEqual([]);

  rig.write({ 'src/in.txt': 'xyz\n' });
  expect((await rig.build()).ran()).toEqual(['f/T1', 'f/T2']);
  expect(rig.read('out/two.txt')).toBe('xyz');
});

test('only what the interface names is seen by the key of dependents', async () => {
  await using rig = await createRig();
  const tasks = chain({
    outputs: ['out/one.txt', 'out/rest.txt'],
    interface: ['out/one.txt'],
    run: 'mkdir -p out && head -c 3 src/in.txt > out/one.txt && tail -c 3 src/in.txt > out/rest.txt',
  });
  rig.write({ 'src/in.txt': 'abc def' });
  rig.backlog('f', tasks);
  await rig.build();

  rig.write({ 'src/in.txt': 'abc xyz' });
  const second = await rig.build();
  expect(second.ran()).toEqual(['f/T1']);
  expect(rig.read('out/rest.txt')).toBe('xyz');

  rig.write({ 'src/in.txt': 'uvw xyz' });
  expect((await rig.build()).ran()).toEqual(['f/T1', 'f/T2']);
});

test('what a recipe without inputs can read of indirect dependencies and beside interfaces is in its key', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'abc def' });
  const tasks = {
    ...chain({
      outputs: ['out/one.txt', 'out/rest.txt'],
      interface: ['out/one.txt'],
      run: 'mkdir -p out && head -c 3 src/in.txt > out/one.txt && tail -c 3 src/in.txt > out/rest.txt',
    }),
    T3: {
      depends_on: ['T2'],
      outputs: ['out/three.txt'],
      run: 'cat out/* > three && mv three out/three.txt',
    },
    T4: {
      inputs: [],
      depends_on: ['T2'],
      outputs: ['out/four.txt'],
      run: 'cat out/* > four && mv four out/four.txt',
    },
  };
  rig.backlog('f', tasks);
  await rig.build();
  expect(rig.read('out/three.txt')).toBe('abcdefabc');
  expect(rig.read('out/four.txt')).toBe('abc');

  rig.write({ 'src/in.txt': 'abc xyz' });
  const second = await rig.build();
  expect(second.ran()).toEqual(['f/T1', 'f/T3']);
  expect(rig.read('out/three.txt')).toBe('abcxyzabc');
});

test('a command that looks for a file that it does not see is told how to see it', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'abc' });
  const third = { depends_on: ['T2'], outputs: ['out/three.txt'], run: 'cat out/one.txt > out/three.txt' };
  rig.backlog('f', { ...chain(), T3: { ...third, inputs: [] } });
  const failed = await rig.build();
  expect(failed.failure('f/T3')).toMatchObject({ kind: 'command-failed' });
  expect(failed.warnings()).toEqual([
    expect.stringMatching(/does not see out\/one\.txt of f\/T1, .*add it to `inputs`$/),
  ]);
  rig.backlog('f', { ...chain(), T3: { ...third, inputs: ['out/one.txt'] } });
  expect((await rig.build()).outcomes()['f/T3']).toBe('built');
});

test('outputs that were deleted are restored and no recipe runs', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'abc one\n' });
  rig.backlog('f', chain());
  await rig.build();
  const before = rig.files();

  rig.remove('out');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'cached', 'f/T2': 'cached' });
  const second = await rig.build();
  expect(second.ran()).toEqual([]);
  expect(second.outcomes()).toEqual({ 'f/T1': 'cached', 'f/T2': 'cached' });
  expect(second.summary.published).toBe(2);
  expect(rig.files()).toEqual(before);
});

test('going back and forth between two texts of a spec restores from the store', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'in\n' });
  rig.backlog('f', { T1: agentTask });
  rig.answer('f/T1', { 'out/a.txt': 'hello\n' });
  await rig.build();
  rig.backlog('f', { T1: { ...agentTask, description: 'Be polite.' } });
  rig.answer('f/T1', { 'out/a.txt': 'good day\n' });
  await rig.build();

  rig.backlog('f', { T1: agentTask });
  const back = await rig.buildWithoutAgent();
  expect(back.outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out/a.txt')).toBe('hello\n');
  rig.backlog('f', { T1: { ...agentTask, description: 'Be polite.' } });
  const forth = await rig.buildWithoutAgent();
  expect(forth.outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out/a.txt')).toBe('good day\n');
});

test('switching the branch brings back what was built there', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'abc\n' });
  rig.backlog('f', chain());
  await rig.build();
  rig.commit();
  rig.git('switch', '-q', '-c', 'other');
  rig.write({ 'src/in.txt': 'xyz\n' });
  await rig.build();
  rig.commit();

  rig.git('switch', '-q', 'main');
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });
  rig.git('switch', '-q', 'other');
  rig.remove('out');
  const restored = await rig.build();
  expect(restored.ran()).toEqual([]);
  expect(rig.read('out/two.txt')).toBe('xyz');
});

test('status says what the build then does', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'abc\n', 'src/b.txt': 'b\n' });
  const other = {
    inputs: ['src/b.txt'],
    outputs: ['out/b.txt'],
    run: 'mkdir -p out && cp src/b.txt out/b.txt',
  };
  rig.backlog('f', {
    ...chain(),
    T3: other,
    T4: { ...other, outputs: ['out/c.txt'], run: 'mkdir -p out && cp src/b.txt out/c.txt' },
  });
  await rig.build();
  rig.write({ 'src/in.txt': 'xyz\n', 'out/b.txt': 'mine\n' });
  rig.remove('out/c.txt');

  const said = await rig.inspect();
  expect(said).toEqual({ 'f/T1': 'stale', 'f/T2': 'pending', 'f/T3': 'drifted', 'f/T4': 'cached' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built', 'f/T3': 'drifted', 'f/T4': 'cached' });
  for (const [label, verdict] of Object.entries(built.verdicts()))
    if (said[label] !== 'pending') expect(verdict).toBe(said[label]);
});

test('what only reads keeps the index that the last build has written, and need not read all files again', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'in' });
  rig.backlog('f', { T1: { inputs: ['src/in.txt'], outputs: ['one.txt'], run: 'cp src/in.txt one.txt' } });
  await rig.build();
  // git reads files again that changed when the index was written.
  for (const path of Object.keys(rig.files())) utimesSync(rig.path(path), 1e9, 1e9);
  await rig.build({ targets: ['f/T1'] });
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const [loaded, session] = [await host.loadConfig(rig.dir), await openReadingSession(host)];
  if (!loaded.ok || !session.ok) throw new Error('the project cannot be read');
  const index = join(session.value.repository.state, 'index');
  const before = fileIdentity(index);
  expect(before).toBeDefined();
  const options = { targets: [], force: false, discardEdits: false };
  const read = { project: session.value, loaded: loaded.value };
  const ready = await prepare(host, read, options, {
    warn: () => {},
    signal: new AbortController().signal,
  });
  expect(ready.ok).toBe(true);
  expect(fileIdentity(index)).toBe(before);
  if (ready.ok) await ready.value.store.close();
  await session.value.close();
});

test('a dry run says what would be done and changes nothing', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'abc\n' });
  rig.backlog('f', chain());
  const before = rig.files();
  const dry = await rig.build({ dryRun: true });
  expect(dry.summary).toMatchObject({ outcome: 'would-build', exitCode: 0, published: 0 });
  expect(dry.verdicts()).toEqual({ 'f/T1': 'stale', 'f/T2': 'pending' });
  expect(dry.ran()).toEqual([]);
  expect(rig.files()).toEqual(before);
  expect((await rig.build()).ran()).toEqual(['f/T1', 'f/T2']);
});

test('a frozen build fails on what is stale and makes nothing', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'abc\n' });
  rig.backlog('f', chain());
  await rig.build();
  rig.write({ 'src/in.txt': 'xyz\n' });
  const frozen = await rig.build({ frozen: true });
  expect(frozen.summary.exitCode).toBe(1);
  expect(frozen.buildFailure()).toMatchObject({
    kind: 'not-up-to-date',
    tasks: expect.arrayContaining([{ label: 'f/T1', verdict: expect.stringContaining('stale') }]),
  });
  expect(frozen.ran()).toEqual([]);
  expect(rig.read('out/two.txt')).toBe('abc');
});

test('a forced task is rebuilt once, and what it was is not mistaken for it', async () => {
  await using rig = await createRig();
  rig.write({ 'src/in.txt': 'in\n' });
  rig.backlog('f', { T1: agentTask });
  rig.answer('f/T1', { 'out/a.txt': 'hello\n' });
  await rig.build();
  rig.answer('f/T1', { 'out/a.txt': 'hello again\n' });
  const forced = await rig.build({ force: true });
  expect(forced.ran()).toEqual(['f/T1']);
  expect(rig.read('out/a.txt')).toBe('hello again\n');
  expect((await rig.buildWithoutAgent()).verdicts()).toEqual({});
  rig.remove('out/a.txt');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out/a.txt')).toBe('hello again\n');
});
