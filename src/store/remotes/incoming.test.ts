/** Refs of a fetch that goes on stay, those of a killed one go. */

import { expect, test } from 'vitest';
import { scratchObjects } from '../../test/rig/scratch-repository.js';
import { newIncoming, sweepIncoming } from './incoming.js';

test('what a living process fetches is not removed by another build', async () => {
  const objects = await scratchObjects();
  const commit = await objects.writeCommit({ tree: await objects.empty(), message: 'x' });
  // No process has an id as large as this.
  const [mine, dead] = [`${newIncoming(process.pid)}one`, `${newIncoming(2 ** 31 - 1)}one`];
  for (const ref of [mine, dead, 'refs/conductor/incoming/nobody/one']) await objects.setRef(ref, commit);
  await sweepIncoming(objects);
  expect([...(await objects.refs('refs/conductor/incoming/')).keys()]).toEqual([mine]);
});
