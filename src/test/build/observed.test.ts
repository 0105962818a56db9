/** Files that an agent was seen to read without declaring them: recorded, told of, and where wanted a reason to rebuild. */

import { expect, test } from 'vitest';
import type { ConductorConfig } from '../../model/config.js';
import type { Verdict } from '../../model/verdict.js';
import { createRig, type Rig } from '../rig/rig.js';

const LOCK = 'specs/f/.metadata.json';

function policy(observed: 'warn' | 'rebuild' | 'ignore'): ConductorConfig {
  return { agent: { driver: 'opencode', model: 'a/b', observed } };
}

/** A task that declares nothing and whose agent reads `style.css` and its own output. */
async function project(config: ConductorConfig = {}): Promise<Rig> {
  const rig = await createRig({ config });
  rig.write({ 'style.css': 'blue', 'other.css': 'red' });
  rig.backlog('f', { T1: { description: 'x', outputs: ['one.txt'] } });
  rig.answer('f/T1', { 'one.txt': 'made of blue' });
  const built = await rig.build({}, { observed: ['one.txt', 'style.css', 'node_modules/x.js'] });
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  return rig;
}

async function verdictOf(rig: Rig): Promise<Verdict | undefined> {
  return (await rig.buildWithoutAgent({ dryRun: true, targets: ['f'] })).verdict('f/T1');
}

test('what was read of the view is in the lock, without outputs and what the view did not show', async () => {
  await using rig = await project();
  const lock = JSON.parse(rig.read(LOCK) ?? '');
  expect(lock.tasks.T1.observed).toEqual({ 'style.css': rig.git('hash-object', 'style.css').trim() });
});

test('what direct dependencies show is in the key, and not recorded again', async () => {
  await using rig = await createRig();
  rig.write({ 'in/a.txt': 'a' });
  rig.backlog('f', {
    T1: {
      description: 'x',
      inputs: [],
      outputs: ['lib/public.txt', 'lib/private.txt'],
      interface: ['lib/public.txt'],
    },
    T2: { description: 'y', depends_on: ['T1'], outputs: ['two.txt'] },
  });
  rig.answer('f/T1', { 'lib/public.txt': '1', 'lib/private.txt': '2' });
  rig.answer('f/T2', { 'two.txt': '3' });
  await rig.build({}, { observed: ['in/a.txt', 'lib/private.txt', 'lib/public.txt'] });
  const { tasks } = JSON.parse(rig.read(LOCK) ?? '');
  expect(Object.keys(tasks.T2.observed).sort()).toEqual(['in/a.txt', 'lib/private.txt']);
  expect(tasks.T1.observed).toBeUndefined();
});

test.each(['style.css changed', 'style.css removed'])(
  'by default %s is told, and nothing is rebuilt',
  async (what) => {
    await using rig = await project();
    expect(await verdictOf(rig)).toEqual({ kind: 'fresh' });
    if (what.endsWith('removed')) rig.remove('style.css');
    else rig.write({ 'style.css': 'green' });
    expect(await verdictOf(rig)).toEqual({ kind: 'fresh', observed: ['style.css'] });
    const built = await rig.buildWithoutAgent();
    expect(built.outcomes()).toEqual({ 'f/T1': 'fresh' });
    expect(built.warnings()).toEqual([expect.stringContaining('style.css')]);
    rig.remove('one.txt');
    const restored = await rig.buildWithoutAgent();
    expect(restored.verdict('f/T1')).toMatchObject({ kind: 'cached', observed: ['style.css'] });
    expect(restored.outcomes()).toEqual({ 'f/T1': 'cached' });
  },
);

test('a file that it did not read is of no interest', async () => {
  await using rig = await project(policy('rebuild'));
  rig.write({ 'other.css': 'green', 'new.css': 'x' });
  expect(await verdictOf(rig)).toEqual({ kind: 'fresh' });
});

test('with `ignore` nothing is said', async () => {
  await using rig = await project(policy('ignore'));
  rig.write({ 'style.css': 'green' });
  expect(await verdictOf(rig)).toEqual({ kind: 'fresh' });
});

test('with `rebuild` it is rebuilt, told what changed, and the way back costs nothing', async () => {
  await using rig = await project(policy('rebuild'));
  rig.write({ 'style.css': 'green' });
  expect(await verdictOf(rig)).toEqual({
    kind: 'stale',
    reasons: [{ kind: 'observed-changed', paths: ['style.css'] }],
  });
  rig.answer('f/T1', { 'one.txt': 'made of green' });
  const again = await rig.build({}, { observed: ['style.css'] });
  expect(again.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(again.agent.runs[0]?.prompt).toContain('changed: style.css');
  expect(rig.read('one.txt')).toBe('made of green');
  expect(await verdictOf(rig)).toEqual({ kind: 'fresh' });

  rig.write({ 'style.css': 'blue' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('one.txt')).toBe('made of blue');
  rig.write({ 'style.css': 'green' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('one.txt')).toBe('made of green');
});

test('with `rebuild` a clone without a store knows it from the lock, and finds the same key', async () => {
  await using rig = await project(policy('rebuild'));
  rig.remove('.git/conductor');
  expect(await verdictOf(rig)).toEqual({ kind: 'fresh' });
  rig.write({ 'style.css': 'green' });
  expect(await verdictOf(rig)).toMatchObject({
    kind: 'stale',
    reasons: [{ kind: 'observed-changed', paths: ['style.css'] }],
  });
});

test('with `rebuild` an edit by hand is not overwritten', async () => {
  await using rig = await project(policy('rebuild'));
  rig.write({ 'style.css': 'green', 'one.txt': 'by hand' });
  const built = await rig.buildWithoutAgent();
  expect(built.failure('f/T1')).toEqual({ kind: 'drifted-outputs', paths: ['one.txt'] });
  expect(rig.read('one.txt')).toBe('by hand');
});
