/** What makes a task stale and what does not. */

import { expect, test } from 'vitest';
import { createRig } from './rig.js';

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
