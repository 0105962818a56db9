/** What builds leave in the store. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { gitCommandsOf, scratchObjects } from '../test/rig/scratch-repository.js';
import { GitResults } from './git-results.js';

const pruned = async (store: GitResults) =>
  (await gitCommandsOf(() => store.repack())).includes('prune-packed');

test.each([1, 3])('the outputs of %i results are in the store once when a build has ended', async (count) => {
  const objects = await scratchObjects();
  const store = new GitResults(objects);
  for (let i = 0; i < count; i++) {
    const key = String(i).repeat(64);
    const id = await objects.writeBlob(Buffer.from(`output ${i}`));
    const kept = await store.keep({
      key,
      outputs: new Map([['one.txt', { mode: '100644', id }]]),
      edits: [],
      provenance: {
        schema: 1,
        label: `f/T${i}`,
        key,
        manifest: [],
        recipe: 'run',
        attempts: 1,
        usage: {},
        gates: [],
        startedAt: '2030-01-01T00:00:00.000Z',
        ms: 1,
        conductor: '1.0.0',
      },
    });
    expect(kept.ok).toBe(true);
  }
  expect(await pruned(store)).toBe(true);
  const counted = execFileSync('git', ['count-objects', '-v'], { cwd: objects.store, encoding: 'utf8' });
  expect(counted).toContain('count: 0\n');
  const again = new GitResults(objects);
  for (let i = 0; i < count; i++) {
    const found = await again.find(String(i).repeat(64));
    expect(found.ok && found.value?.outputs.size).toBe(1);
  }
  // A build that stored nothing runs no git for it.
  expect(await pruned(store)).toBe(false);
});
