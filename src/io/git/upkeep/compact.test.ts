/** Compacting that is killed or fails leaves nothing that is true no more. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchObjects } from '../../../test/rig/scratch-repository.js';
import { compactStore } from './compact.js';
import { noteWholeRefs } from './repack.js';

test('no ref counts as whole any more, before a pack is removed', async () => {
  const objects = await scratchObjects();
  const absent = '1'.repeat(40);
  noteWholeRefs(objects.store, [['refs/conductor/results/aa/k', absent]]);
  const file = join(objects.store, 'whole-refs');
  expect(existsSync(file)).toBe(true);
  await expect(compactStore(objects.store, [absent], [])).rejects.toThrow();
  expect(existsSync(file)).toBe(false);
});
