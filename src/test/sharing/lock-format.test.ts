/** Lock files change only where a task does: no sums, no times, no status that another build turns over. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';

const LOCK = 'specs/f/.metadata.json';
const say = (id: string, word: string, more: object = {}) => ({
  inputs: [],
  outputs: [`${id}.txt`],
  run: `echo ${word} > ${id}.txt`,
  ...more,
});

async function built(): Promise<Rig> {
  const rig = await createRig();
  rig.backlog('f', { T1: say('T1', 'one'), T2: say('T2', 'two') });
  await rig.build();
  rig.commit();
  return rig;
}

/** The text as conductor wrote it before format 2. */
function inFormat1(text: string): string {
  const lock = JSON.parse(text) as { tasks: Record<string, object> };
  const tasks = Object.fromEntries(
    Object.entries(lock.tasks).map(([id, task]) => [id, { ...task, attempts: 1 }]),
  );
  const head = { schema: 1, version: '1.4.2', status: 'complete', lastGenerated: '2026-01-01T00:00:00.000Z' };
  return `${JSON.stringify({ ...lock, ...head, attempts: 2, costUsd: 0, tasks }, null, 2)}\n`;
}

test('a build with nothing to do, of a part, or that fails, leaves the lock as it is', async () => {
  await using rig = await built();
  const before = rig.read(LOCK);
  await rig.build({ targets: ['f/T1'] });
  await rig.build();
  rig.backlog('f', { T1: say('T1', 'one'), T2: say('T2', 'new', { verify: ['false'] }) });
  expect((await rig.build()).summary.exitCode).toBe(1);
  expect((await rig.build({ targets: ['f/T1'] })).summary.exitCode).toBe(0);
  expect(rig.read(LOCK)).toBe(before);
});

test('one task that is built again changes the lines of its own block', async () => {
  await using rig = await built();
  rig.backlog('f', { T1: say('T1', 'one'), T2: say('T2', 'new') });
  await rig.build({ targets: ['f/T2'] });
  const [stat = ''] = rig.git('diff', '--numstat', '--', LOCK).split('\t');
  // Key, result, the output's blob, interface.
  expect(Number(stat)).toBeLessThanOrEqual(4);
  expect(rig.git('diff', '-U0', '--', LOCK)).not.toContain('T1');
});

test('a lock of format 1 is read, left alone while nothing changes, and written again with the first change', async () => {
  await using rig = await built();
  const older = inFormat1(rig.read(LOCK) ?? '');
  rig.write({ [LOCK]: older });
  rig.commit();
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  expect(readFileSync(rig.path(LOCK), 'utf8')).toBe(older);
  rig.backlog('f', { T1: say('T1', 'one'), T2: say('T2', 'new') });
  await rig.build();
  const lock = JSON.parse(rig.read(LOCK) ?? '') as Record<string, unknown>;
  expect(lock.schema).toBe(2);
  expect(Object.keys(lock)).toEqual(['$schema', 'schema', 'feature', 'tasks']);
});
