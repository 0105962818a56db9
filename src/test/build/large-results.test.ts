/** Results whose files are large are stored whole. */

import { expect, test } from 'vitest';
import { createRig } from '../rig/rig.js';

test('a rendered result of many megabytes is restored from the store, with its small files too', async () => {
  await using rig = await createRig();
  rig.write({ 'templates/large.hbs': 'x'.repeat(9_000_000), 'templates/small.hbs': 'small {{task.id}}' });
  const render = [
    { template: 'large.hbs', to: 'out/large.txt' },
    { template: 'small.hbs', to: 'out/small.txt' },
  ];
  rig.backlog('f', { T1: { outputs: ['out/large.txt', 'out/small.txt'], render } });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  rig.remove('out');
  const second = await rig.build();
  expect(second.outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out/small.txt')).toBe('small T1');
  expect(rig.read('out/large.txt')?.length).toBe(9_000_000);
});
