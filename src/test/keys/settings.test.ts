/** What commands get beside files is in their keys: values of variables, versions of tools, installed packages. */

import { expect, test } from 'vitest';
import type { ConductorConfig } from '../../model/config.js';
import { createRig, type Rig } from '../rig/rig.js';

const ALL = { 'f/T1': 'fresh', 'f/T2': 'fresh' };

/** A command and an agent, both with a gate. */
async function project(config: ConductorConfig, change: (rig: Rig) => void = () => {}): Promise<Rig> {
  const rig = await createRig({ config });
  change(rig);
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['one.txt'], run: 'echo "$STAGE" > one.txt', verify: ['true'] },
    T2: { description: 'x', inputs: [], outputs: ['two.txt'], verify: ['true'] },
  });
  rig.answer('f/T2', { 'two.txt': '2' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(await rig.inspect()).toEqual(ALL);
  return rig;
}

test('another value of a variable rebuilds commands, runs gates again, and is never printed', async () => {
  await using rig = await project({ env: ['STAGE'] }, (one) => {
    one.env.STAGE = 'staging-7';
  });
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
  rig.env.STAGE = 'production-8';
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'verified' });
  expect(built.agent.runs).toEqual([]);
  expect(rig.read('one.txt')).toBe('production-8\n');
  expect(built.verdict('f/T1')).toMatchObject({
    kind: 'stale',
    reasons: [{ kind: 'manifest-changed', changes: [{ name: 'the value of env STAGE' }] }],
  });
  expect(built.log()).not.toMatch(/staging-7|production-8/);
  rig.env.STAGE = 'staging-7';
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'cached', 'f/T2': 'cached' });
  expect(rig.read('one.txt')).toBe('staging-7\n');
  rig.env.STAGE = undefined;
  expect(await rig.inspect()).toEqual({ 'f/T1': 'stale', 'f/T2': 'unverified' });
});

test('a variable with `key: false` is in no key', async () => {
  await using rig = await project({ env: [{ name: 'STAGE', key: false }] }, (one) => {
    one.env.STAGE = 'staging';
  });
  expect(rig.read('one.txt')).toBe('staging\n');
  rig.env.STAGE = 'production';
  expect(await rig.inspect()).toEqual(ALL);
});

test('another version of a tool rebuilds commands and runs gates again, also where nothing else changed', async () => {
  await using rig = await project({ toolchain: ['cat ../version'] }, (one) => {
    one.temporary.write('../version', 'tool 1.0\n\n');
  });
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
  rig.temporary.write('../version', 'tool 1.1\n');
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'verified' });
  expect(built.verdict('f/T1')).toMatchObject({
    reasons: [{ changes: [{ name: 'tool cat ../version', before: 'tool 1.0', after: 'tool 1.1' }] }],
  });
});

test('a tool that fails stops the build with its words', async () => {
  await using rig = await createRig({ config: { toolchain: ['echo broken >&2; exit 3'] } });
  rig.backlog('f', { T1: { inputs: [], outputs: ['one.txt'], run: 'echo 1 > one.txt' } });
  const built = await rig.build();
  expect(built.buildFailure()).toMatchObject({
    kind: 'invalid-config',
    diagnostics: [{ message: 'toolchain: `echo broken >&2; exit 3` ended with 3: broken' }],
  });
});

test.each([
  ['the lock file of the package manager', {}, 'package-lock.json'],
  ['the named files', { inputs: ['tools/*.txt'] }, 'tools/versions.txt'],
])('%s stands for linked packages', async (_name, workspace, file) => {
  const files = { 'node_modules/x/index.js': '', 'package-lock.json': '{}', 'tools/versions.txt': '1' };
  await using rig = await project({ workspace: { link: ['node_modules'], ...workspace } }, (one) => {
    one.write({ '.gitignore': '.conductor/\nnode_modules\n', ...files });
  });
  rig.write({ 'other.txt': 'x' });
  expect(await rig.inspect()).toEqual(ALL);
  rig.write({ [file]: '{ }' });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'stale', 'f/T2': 'unverified' });
});
