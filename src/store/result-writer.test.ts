/** What builds leave in the store. */

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DurableRefs } from '../io/git/upkeep/durable.js';
import { ObjectSet } from '../io/git/writing/object-set.js';
import { gitCommandsOf, scratchObjects } from '../test/rig/scratch-repository.js';
import { GitResults } from './git-results.js';
import { ResultWriter } from './result-writer.js';

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

test('results that may wait for others are stored together, and never wait where no other is made', async () => {
  const objects = await scratchObjects();
  const writer = new ResultWriter(objects, new DurableRefs(objects));
  let count = 0;
  const write = (mayWait?: () => boolean) => {
    const set = new ObjectSet(objects.hash);
    const id = set.add('blob', Buffer.from(`output ${++count}`));
    const commit = set.commit(set.tree(new Map([['one.txt', { mode: '100644', id }]])), `${count}\n`);
    const whole = { ref: `refs/conductor/results/aa/${count}`, commit, objects: set.objects };
    return writer.write(mayWait ? { ...whole, mayWait } : whole);
  };
  const packs = () =>
    readdirSync(join(objects.store, 'objects/pack')).filter((name) => name.endsWith('.pack')).length;
  // The second one comes only because the first one waits.
  let second: Promise<string> | undefined;
  const untilSecond = () => {
    second ??= write(() => true);
    return true;
  };
  expect(await write(untilSecond)).toBe('created');
  expect(await second).toBe('created');
  expect(packs()).toBe(1);
  await write(() => false);
  await write();
  expect(packs()).toBe(3);
  // One that is paid for waits for none, and takes along those that wait.
  const waiting = write(() => true);
  await write();
  expect(packs()).toBe(4);
  expect(await waiting).toBe('created');
  expect((await objects.refs('refs/conductor')).size).toBe(count);
});
