/** Gates before the first call that costs money: what cannot start stops the build, what passes already is told. */

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ConductorConfig } from '../../model/config.js';
import { createRig, type Rig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: `Write ${output}.`,
  inputs: [],
  outputs: [output],
  verify: [`test -s ${output}`],
  ...more,
});
const preflightRig = (config: ConductorConfig = {}) => createRig({ config: { preflight: true, ...config } });
const asked = ({ agent }: Awaited<ReturnType<Rig['build']>>) => agent.runs.map(({ label }) => label);

test('a gate that fails as it should is no hindrance, and is tried once until its start changes', async () => {
  await using rig = await preflightRig({ attempts: 1 });
  const count = `echo >> ${rig.path('.conductor/count')}; grep -q good one.txt`;
  rig.backlog('f', { T1: task('one.txt', { verify: [count] }), T2: task('two.txt', { verify: [count] }) });
  rig.write({ '.conductor/count': '' });
  rig.answer('f/T1', { 'one.txt': 'bad\n' });
  rig.answer('f/T2', { 'two.txt': 'bad\n' });
  const lines = () => (rig.read('.conductor/count') ?? '').length;
  const first = await rig.build();
  expect(first.outcomes()).toEqual({ 'f/T1': 'failed', 'f/T2': 'failed' });
  expect(first.warnings()).toEqual([]);
  // Once before the work for both; after it, each runs twice because a failed gate is run again.
  expect(lines()).toBe(1 + 4);
  expect(readdirSync(rig.path('.conductor/logs')).length).toBe(1);
  await rig.build();
  expect(lines()).toBe(1 + 4 + 4);
});

test('a gate that cannot start stops the build before anything is paid, with what to do', async () => {
  await using rig = await preflightRig();
  rig.backlog('f', {
    T1: task('one.txt'),
    T2: task('two.txt', { verify: ['no-such-checker two.txt'] }),
    T3: task('three.txt', { depends_on: ['T2'] }),
  });
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'f/T1': 'skipped', 'f/T2': 'failed', 'f/T3': 'skipped' });
  expect(built.failure('f/T2')).toMatchObject({
    kind: 'gate-cannot-start',
    gate: 'no-such-checker two.txt',
    exitCode: 127,
    why: 'no-such-checker is not installed',
  });
  expect(built.summary).toMatchObject({ exitCode: 1, usage: {} });
  rig.config = { ...rig.config, preflight: false };
  rig.answer('f/T1', { 'one.txt': 'one\n' });
  rig.answer('f/T2', { 'two.txt': 'two\n' });
  expect(asked(await rig.build())).toContain('f/T1');
});

test('a program that a later task needs is missed before the first task is paid', async () => {
  await using rig = await preflightRig();
  rig.backlog('f', {
    T1: task('one.txt'),
    // The script is the work of T1: that it is missing now says nothing.
    T2: task('two.txt', {
      depends_on: ['T1'],
      verify: ['sh one.txt', './check.sh', { run: ['no-such-checker'] }],
    }),
  });
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'f/T1': 'skipped', 'f/T2': 'skipped' });
  expect(built.buildFailure()).toEqual({
    kind: 'preflight-failed',
    task: 'f/T2',
    failure: { kind: 'gate-missing-program', gate: 'no-such-checker', program: 'no-such-checker' },
  });
  expect(built.summary.exitCode).toBe(1);
});

test('what the task itself writes may be missing: a test file, a script, a config', async () => {
  await using rig = await preflightRig();
  rig.backlog('f', {
    T1: task('test/x.test.js', { verify: ['node --test test/x.test.js'] }),
    T2: task('scripts/check.sh', { verify: ['sh scripts/check.sh', './scripts/check.sh || true'] }),
    T3: task('checks/run.js', { outputs: ['checks/**'], verify: ['node checks/run.js'] }),
  });
  rig.answer('f/T1', { 'test/x.test.js': `require('node:test').test('one', () => {});\n` });
  rig.answer('f/T2', { 'scripts/check.sh': 'true\n' });
  rig.answer('f/T3', { 'checks/run.js': '\n' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built', 'f/T3': 'built' });
});

test('a gate that passes before the work is told, but not for a task that was built before', async () => {
  await using rig = await preflightRig({ gates: { task: ['true'] } });
  rig.backlog('f', {
    T1: task('one.txt', { verify: ['test -d .'] }),
    T2: task('two.txt', { verify: ['test -d .', 'test -e .'] }),
    // One that fails judges the work; the other one holds what was there before.
    T3: task('three.txt', { verify: ['test -d .', 'test -s three.txt'] }),
    // Gates of the whole project pass before on purpose.
    T4: task('four.txt', { verify: [] }),
  });
  for (const [id, path] of ['one.txt', 'two.txt', 'three.txt', 'four.txt'].entries())
    rig.answer(`f/T${id + 1}`, { [path]: 'text\n' });
  const first = await rig.build();
  expect(first.of('warning').map(({ task: label, message }) => `${label}: ${message}`)).toEqual([
    'f/T1: gate "test -d ." passes before the work: it cannot judge it',
    'f/T2: all its gates pass before the work: they cannot judge it',
  ]);
  rig.backlog('f', { T1: task('one.txt', { verify: ['test -d .'], description: 'Otherwise.' }) });
  rig.answer('f/T1', { 'one.txt': 'otherwise\n' });
  const second = await rig.build();
  expect([second.warnings(), second.outcomes()]).toEqual([[], { 'f/T1': 'built' }]);
});

test('what is remembered of a gate counts only while the task writes the same files', async () => {
  await using rig = await preflightRig({ attempts: 1 });
  const verify = ['sh check.sh'];
  rig.backlog('f', { T1: task('one.txt', { outputs: ['one.txt', 'check.sh'], verify }) });
  rig.answer('f/T1', { 'one.txt': 'one\n', 'check.sh': 'exit 1\n' });
  expect((await rig.build()).failure('f/T1')?.kind).toBe('gate-failed');
  rig.backlog('f', { T1: task('one.txt', { verify }) });
  expect((await rig.buildWithoutAgent()).failure('f/T1')?.kind).toBe('gate-cannot-start');
});

test('that a gate passes before the work is told only of the task on whose files it was tried', async () => {
  await using rig = await preflightRig();
  rig.write({ 'there.txt': 'text\n' });
  const verify = ['test -s there.txt || test -s two.txt'];
  rig.backlog('f', {
    T1: task('one.txt', { inputs: ['there.txt'], verify }),
    T2: task('two.txt', { verify }),
  });
  rig.answer('f/T1', { 'one.txt': 'text\n' });
  rig.answer('f/T2', { 'two.txt': 'text\n' });
  const built = await rig.build();
  expect(built.of('warning').map(({ task: label }) => label)).toEqual(['f/T1']);
});

test('commands and templates cost nothing: their gates are not tried before', async () => {
  await using rig = await preflightRig();
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['one.txt'], run: 'echo one > one.txt', verify: ['test -d .'] },
  });
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(built.of('task.phase').map(({ phase }) => phase)).not.toContain('preflight');
  expect(built.warnings()).toEqual([]);
});
