/** Builds with the real OpenCode server as the agent and a scripted model behind it. */

import { readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import {
  bashStep,
  createOpencodeRig,
  KEY,
  scriptedTask as task,
  writeStep as write,
} from '../rig/opencode-rig.js';

// A server takes a second to start, and many on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

test('a feature of agent tasks is made in parallel, gated, merged, and not asked for again', async () => {
  await using one = await createOpencodeRig();
  const { rig, model } = one;
  rig.backlog('f', {
    T1: task('one', 'one.txt', { verify: ['grep -q 1 one.txt'] }),
    T2: task('two', 'two.txt'),
    T3: task('three', 'three.txt'),
    T4: task('four', 'four.txt', { depends_on: ['T1', 'T2'], verify: ['cat one.txt two.txt four.txt'] }),
  });
  const meanwhile = [{ hold: 'side by side' }, { say: 'Done.' }];
  model.script('one', [write('one.txt', '1'), ...meanwhile]);
  model.script('two', [write('two.txt', '2'), ...meanwhile]);
  const command = 'printf 3 > three.txt; printf x > ../escaped.txt';
  model.script('three', [bashStep(command), ...meanwhile]);
  model.script('four', [write('four.txt', '4'), { say: 'Done.' }]);
  const building = one.build();
  await Promise.race([model.held('side by side', 3), building]);
  model.release('side by side');
  const first = await building;
  expect(first.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built', 'f/T3': 'built', 'f/T4': 'built' });
  expect(['one', 'two', 'three', 'four'].map((name) => rig.read(`${name}.txt`))).toEqual([
    '1',
    '2',
    '3',
    '4',
  ]);
  if ('program' in (await findSandbox(rig.env))) {
    const everywhere = readdirSync(rig.temporary.root, { recursive: true }).map(String);
    expect(everywhere.filter((path) => path.endsWith('escaped.txt'))).toEqual([]);
  }
  expect(first.summary.usage.costUsd).toBeGreaterThan(0);
  expect(one.records).toEqual([]);
  const calls = model.calls;
  expect(calls).toBe(8);
  const second = await one.build();
  expect(second.summary.outcome).toBe('up-to-date');
  rig.write({ 'unrelated.txt': 'x' });
  expect((await one.build()).outcomes()).toMatchObject({ 'f/T1': 'fresh', 'f/T4': 'fresh' });
  expect(model.calls).toBe(calls);
});

test('work that a gate refuses is tried again in a new session, which is told what failed', async () => {
  await using one = await createOpencodeRig();
  const { rig, model } = one;
  rig.backlog('f', { T1: task('one', 'one.txt', { verify: ['grep -q good one.txt'] }) });
  model.script(
    'one',
    [write('one.txt', 'bad'), { say: 'Done.' }],
    [write('one.txt', 'good'), { say: 'Done.' }],
  );
  const built = await one.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('one.txt')).toBe('good');
  expect(new Set(model.requests.map((request) => request.session)).size).toBe(2);
  expect(JSON.stringify(model.requests.at(-1)?.messages)).toContain('Attempt 1 failed');
});

test('a server that is killed in the midst of a build costs no task', async () => {
  await using one = await createOpencodeRig();
  const { rig, model } = one;
  rig.backlog('f', { T1: task('one', 'one.txt'), T2: task('two', 'two.txt', { depends_on: ['T1'] }) });
  model.script('one', [write('one.txt', '1'), { say: 'Done.' }]);
  const steps = [write('two.txt', '2'), { say: 'Done.' }];
  model.script('two', [{ hold: 'kill' }, ...steps], steps);
  const building = one.build();
  await Promise.race([model.held('kill'), building]);
  process.kill(one.records[0]?.server.pid as number, 'SIGKILL');
  const built = await building;
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(built.of('task.attempt-failed')).toEqual([]);
  expect(one.asked('one')).toBe(2);
  expect(one.records).toEqual([]);
});

test('a budget stops a model that would go on for ever', async () => {
  await using one = await createOpencodeRig({ attempts: 3 });
  const { rig, model } = one;
  rig.backlog('f', { T1: task('one', 'one.txt', { budget: { tokens: 2500 } }) });
  const usage = { input: 900, output: 100 };
  model.script('one', [{ loop: { call: 'glob', args: { pattern: '*.x' }, usage } }]);
  const built = await one.build();
  // This model answers at once, so it may be asked again before the server is told to stop: opencode-budgets.long.ts
  // counts the requests, with an answer that is held back.
  expect(built.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', unit: 'tokens', spent: 3000 });
});

test('a provider that refuses the key is asked once, whatever there is to do', async () => {
  await using one = await createOpencodeRig({ attempts: 3, workers: 1 });
  const { rig, model } = one;
  rig.backlog('f', { T1: task('one', 'one.txt'), T2: task('one', 'two.txt') });
  const built = await one.build({ MODEL_KEY: 'sk-wrong-key' });
  const refused = { kind: 'provider-refused', provider: 'scripted', status: 401 };
  expect(built.failure('f/T1')).toMatchObject(refused);
  expect(built.failure('f/T2')).toMatchObject(refused);
  expect(model.refused).toHaveLength(1);
  expect(built.summary.exitCode).toBe(1);
});

test('an agent that says that it is blocked is believed, and is not asked again', async () => {
  await using one = await createOpencodeRig({ attempts: 3 });
  const { rig, model } = one;
  rig.backlog('f', { T1: task('one', 'one.txt') });
  const because = `src/api.ts,\nwhich it needs with ${KEY}, is missing`;
  model.script('one', [
    { call: 'task_progress', args: { done: 'read the spec' } },
    { call: 'task_blocked', args: { because, needs: 'file' } },
    { say: 'I cannot go on.' },
  ]);
  const built = await one.build();
  expect(built.failure('f/T1')).toMatchObject({
    kind: 'agent-blocked',
    because: 'src/api.ts, which it needs with [secret], is missing',
    needs: 'file',
  });
  expect(built.log()).not.toContain(KEY);
  expect(built.of('task.attempt-failed')).toEqual([]);
  expect(model.calls).toBe(3);
  expect(built.of('task.output').map(({ line }) => line)).toContain('task_progress read the spec');
});

test('what an agent read, found and listed beyond its inputs is kept with the result', async () => {
  await using one = await createOpencodeRig();
  const { rig, model } = one;
  rig.write({ 'a.md': 'alpha', 'b.md': 'beta', 'c.css': 'x', 'in.txt': 'in' });
  rig.backlog('f', { T1: { ...task('one', 'one.txt'), inputs: undefined } });
  model.script('one', [
    { call: 'read', args: { filePath: 'a.md' } },
    { call: 'grep', args: { pattern: 'beta', path: '.' } },
    write('one.txt', '1'),
    { say: 'Done.' },
  ]);
  expect((await one.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  const { tasks } = JSON.parse(rig.read('specs/f/.metadata.json') ?? '');
  expect(Object.keys(tasks.T1.observed)).toEqual(['a.md', 'b.md']);
  rig.write({ 'b.md': 'gamma' });
  expect((await one.build()).verdict('f/T1')).toEqual({ kind: 'fresh', observed: ['b.md'] });
});
