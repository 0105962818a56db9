/** Holds that everything that runs in a workspace goes through the executor of the host, as data, and what it says of the sandbox. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type ExecutorScript, ScriptedExecutor } from '../../execution/scripted-executor.js';
import { overJson } from '../rig/json-executor.js';
import { PLAN_TEXT, planWithoutAgent } from '../rig/planning-rig.js';
import { createRig, type Rig } from '../rig/rig.js';

function scripted(rig: Rig, script: ExecutorScript): ScriptedExecutor {
  const executor = new ScriptedExecutor(script);
  rig.createExecutor = async (_, parts) => {
    const opened = await executor.open(parts);
    return opened.ok ? { ok: true, value: overJson(opened.value) } : opened;
  };
  return executor;
}

test('a build publishes what its executor makes, and asks it for the gates of the whole', async () => {
  await using rig = await createRig({ config: { gates: { task: ['false'], build: ['false'] } } });
  rig.backlog('f', { T1: { outputs: ['a.txt'] }, T2: { outputs: ['b.txt'], depends_on: ['T1'] } });
  const executor = scripted(rig, {
    task: ({ label }) => ({ [label === 'f/T1' ? 'a.txt' : 'b.txt']: `${label}\n` }),
  });
  const story = await rig.buildWithoutAgent();
  expect(story.summary.outcome).toBe('built');
  expect([rig.read('a.txt'), rig.read('b.txt')]).toEqual(['f/T1\n', 'f/T2\n']);
  const whole = executor.runs.filter((run) => 'tree' in run);
  expect(executor.runs).toHaveLength(3);
  expect(whole).toMatchObject([{ gates: [{ name: 'false' }] }]);
  expect(whole[0]).not.toHaveProperty('task');
});

test('a build gate that the executor fails keeps everything from being published', async () => {
  await using rig = await createRig({ config: { gates: { build: ['true'] } } });
  rig.backlog('f', { T1: { outputs: ['a.txt'] } });
  const failure = { kind: 'gate-failed', gate: 'true', exitCode: 1, ms: 1, output: { tail: '' } } as const;
  scripted(rig, { task: () => ({ 'a.txt': 'one\n' }), gates: () => failure });
  const story = await rig.buildWithoutAgent();
  expect(story.summary.outcome).toBe('failed');
  expect(story.buildFailure()).toEqual(failure);
  expect(rig.read('a.txt')).toBeUndefined();
});

test('a result that new gates have to judge goes to the executor with its whole tree', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: { outputs: ['a.txt'] } });
  const executor = scripted(rig, { task: () => ({ 'a.txt': 'one\n' }) });
  await rig.buildWithoutAgent();
  rig.config = { ...rig.config, gates: { task: ['true'] } };
  const story = await rig.buildWithoutAgent({ targets: ['f/T1'] });
  expect(story.summary.counts).toMatchObject({ verified: 1 });
  expect(executor.runs.slice(1)).toMatchObject([{ task: 'f/T1', gates: [{ name: 'true' }] }]);
});

test('a task that the executor fails is the failure of the build', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: { outputs: ['a.txt'] } });
  scripted(rig, { task: () => ({ kind: 'nothing-done' }) });
  const story = await rig.buildWithoutAgent();
  expect(story.summary).toMatchObject({ outcome: 'failed', exitCode: 1 });
  expect(story.of('task.finished').map(({ failure }) => failure?.kind)).toEqual(['nothing-done']);
});

test('the documents of a plan are asked of the executor, one session each', async () => {
  await using rig = await createRig();
  rig.write({ 'specs/f/REQUEST.md': '# Notes\n\nKeep notes.\n' });
  const backlog =
    'tasks:\n  - id: T1\n    title: Keep notes\n    description: Keep notes.\n    outputs: [notes.txt]\n';
  const executor = scripted(rig, {
    document: ({ label }) =>
      label === 'f/@backlog' ? backlog : label === 'f/@plan' ? PLAN_TEXT : '## Parts\n\nOne file.\n',
  });
  const story = await planWithoutAgent(rig);
  expect(story.refusal()).toBeUndefined();
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(backlog);
  expect(executor.runs.map((run) => 'label' in run && run.label).sort()).toEqual([
    'f/@backlog',
    'f/@plan',
    'f/@planner-arch',
    'f/@planner-qa',
    'f/@planner-spec',
  ]);
});

test('where there is no sandbox a build that runs something says so, once, and one that runs nothing does not', async () => {
  await using rig = await createRig({ config: { sandbox: 'auto' } });
  rig.env.PATH = `${rig.temporary.root}/empty`;
  const write = (path: string) => [process.execPath, '-e', `require('fs').writeFileSync('${path}', '1')`];
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['one.txt'], run: write('one.txt') },
    T2: { inputs: [], outputs: ['two.txt'], run: write('two.txt') },
  });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(built.warnings()).toEqual([expect.stringMatching(/^no sandbox \(.+\): .*`conductor doctor`$/)]);
  rig.remove('one.txt');
  expect((await rig.build()).warnings()).toEqual([]);
});

test.runIf(process.platform === 'linux')('the sandbox is tried only by a build that may use it', async () => {
  await using rig = await createRig({ config: { sandbox: 'auto' } });
  const tried = join(rig.temporary.root, 'tried');
  const bwrap = join(rig.temporary.root, 'bin/bwrap');
  mkdirSync(dirname(bwrap));
  writeFileSync(bwrap, `#!/bin/sh\n: > '${tried}'\necho 'not allowed' >&2\nexit 1\n`, { mode: 0o755 });
  rig.env.PATH = `${dirname(bwrap)}:${rig.env.PATH}`;
  rig.write({ 'templates/one.hbs': 'one\n' });
  const T1 = { render: [{ template: 'one.hbs', to: 'one.txt' }] };
  rig.backlog('f', { T1 });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(existsSync(tried)).toBe(false);
  rig.backlog('f', { T1, T2: { inputs: [], outputs: ['two.txt'], run: 'echo 2 > two.txt' } });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'built' });
  expect(existsSync(tried)).toBe(true);
  expect(built.warnings()).toEqual([expect.stringContaining('not allowed')]);
});
