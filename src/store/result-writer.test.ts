/** What builds leave in the store. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GitObjects } from '../io/git/objects.js';
import { DurableRefs } from '../io/git/upkeep/durable.js';
import { ObjectSet } from '../io/git/writing/object-set.js';
import { gitCommandsOf, scratchObjects } from '../test/rig/scratch-repository.js';
import { GitResults } from './git-results.js';
import { ResultWriter } from './result-writer.js';

const gitCommands = (store: GitResults) => gitCommandsOf(() => store.repack());

const packedHead = '# pack-refs with: peeled fully-peeled sorted \n';

const keyOf = (i: number) => i.toString(16).padStart(64, '0');

async function keep(store: GitResults, objects: GitObjects, i: number): Promise<void> {
  const key = keyOf(i);
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

const packsOf = ({ store }: GitObjects) =>
  readdirSync(join(store, 'objects/pack')).filter((name) => name.endsWith('.pack'));

test.each([1, 3])('the outputs of %i results are in the store once when a build has ended', async (count) => {
  const objects = await scratchObjects();
  const store = new GitResults(objects);
  for (let i = 0; i < count; i++) await keep(store, objects, i);
  expect(await gitCommands(store)).toEqual([]);
  const counted = execFileSync('git', ['count-objects', '-v'], { cwd: objects.store, encoding: 'utf8' });
  expect(counted).toContain('count: 0\n');
  const again = new GitResults(objects);
  for (let i = 0; i < count; i++) {
    const found = await again.find(keyOf(i));
    expect(found.ok && found.value?.outputs.size).toBe(1);
  }
  expect(await gitCommands(store)).toEqual([]);
});

test('packs of many builds become few, and a damaged one stays as it is', async () => {
  const objects = await scratchObjects();
  const store = new GitResults(objects);
  for (let i = 0; i < 21; i++) await keep(store, objects, i);
  expect(packsOf(objects)).toHaveLength(21);
  expect(await gitCommands(store)).toEqual(['pack-objects']);
  expect(packsOf(objects).length).toBeLessThan(5);
  const found = await new GitResults(objects).find(keyOf(7));
  expect(found.ok && found.value?.outputs.size).toBe(1);
  expect(String(execFileSync('git', ['fsck', '--full'], { cwd: objects.store, stdio: 'pipe' }))).toBe('');

  for (let i = 21; i < 45; i++) await keep(store, objects, i);
  const all = packsOf(objects);
  const [first = ''] = all;
  const file = join(objects.store, 'objects/pack', first);
  chmodSync(file, 0o600);
  writeFileSync(file, readFileSync(file).fill(0, 12));
  await store.repack();
  expect(packsOf(objects)).toEqual(all);
});

test('results are found while packs become few, and the store closes when that has ended', async () => {
  const objects = await scratchObjects();
  const store = new GitResults(objects);
  for (let i = 0; i < 30; i++) await keep(store, objects, i);
  const reader = new GitResults(objects);
  void store.repack();
  for (let i = 0; i < 30; i++) {
    const found = await reader.find(keyOf(i));
    expect(found.ok && found.value?.outputs.size).toBe(1);
  }
  await store.close();
  expect(packsOf(objects).length).toBeLessThan(5);
});

test('who waits for the packing hears that it failed, and the store closes all the same', async () => {
  const objects = await scratchObjects();
  const store = new GitResults(objects);
  await keep(store, objects, 1);
  const ref = join(objects.store, 'refs/conductor/results/aa');
  mkdirSync(ref, { recursive: true });
  writeFileSync(join(ref, 'k'), `${keyOf(7).slice(-40)}\n`);
  const packed = store.repack();
  await store.close();
  await expect(packed).rejects.toThrow(/rev-list/);
});

test('packs of objects that came together become few as well', async () => {
  const objects = await scratchObjects();
  const store = new GitResults(objects);
  const sets = Array.from({ length: 21 }, () => new ObjectSet(objects.hash));
  for (const [at, set] of sets.entries()) {
    for (let i = 0; i < 30; i++) set.add('blob', Buffer.from(`content ${i} of ${at}`));
    await objects.many.write(set.objects);
  }
  expect(packsOf(objects)).toHaveLength(21);
  expect(await gitCommands(store)).toEqual(['pack-objects']);
  expect(packsOf(objects).length).toBeLessThan(5);
  const [id, { content }] = [...(sets[7]?.objects ?? [])][0] as [string, { content: Buffer }];
  expect(execFileSync('git', ['cat-file', 'blob', id], { cwd: objects.store })).toEqual(content);
});

test('refs that are files of their own wait until they are many, but for those that borrow objects', async () => {
  const objects = await scratchObjects();
  // So long that a ref more is no reason to write it again.
  const commit = await objects.writeCommit({ tree: await objects.empty(), message: 'm' });
  const lines = Array.from({ length: 1000 }, (_, i) => `${commit} refs/conductor/results/00/${keyOf(i)}00\n`);
  writeFileSync(join(objects.store, 'packed-refs'), packedHead + lines.join(''));
  const store = new GitResults(objects);
  for (let i = 0; i < 3; i++) await keep(store, objects, i);
  expect(await gitCommands(store)).toEqual([]);
  await objects.createRef('refs/conductor/results/aa/k', commit);
  expect(await gitCommands(store)).toContain('pack-refs');
  expect(await gitCommands(store)).toEqual([]);
  for (let i = 3; i < 54; i++) await keep(store, objects, i);
  expect(await gitCommands(store)).toContain('pack-refs');
  const found = await new GitResults(objects).find(keyOf(9));
  expect(found.ok && found.value?.outputs.size).toBe(1);
});

test('results are kept where it cannot be noted that they borrow nothing', async () => {
  const { objects, write } = await openWriter();
  const commit = await objects.writeCommit({ tree: await objects.empty(), message: 'm' });
  const lines = Array.from({ length: 1000 }, (_, i) => `${commit} refs/conductor/results/00/${keyOf(i)}00\n`);
  writeFileSync(join(objects.store, 'packed-refs'), packedHead + lines.join(''));
  // A folder of its name is in the way.
  mkdirSync(join(objects.store, 'whole-refs'));
  expect(await write()).toBe('created');
});

async function openWriter() {
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
  return { objects, write, written: () => count };
}

test('a result waits rarely where no other came while those before it waited', async () => {
  const { write } = await openWriter();
  const waited: number[] = [];
  for (let i = 1; i <= 8; i++)
    await write(() => {
      // Asked again where the timer is a little early.
      if (waited.at(-1) !== i) waited.push(i);
      return true;
    });
  // The first, third and seventh; on a slow machine fewer and later ones, because results are rare.
  waited.slice(1).forEach((i, at) => {
    expect(i - (waited[at] as number)).toBeGreaterThanOrEqual(2 ** (at + 1));
  });
});

test('results that may wait for others are stored together, and never wait where no other is made', async () => {
  const { objects, write, written } = await openWriter();
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
  expect((await objects.refs('refs/conductor')).size).toBe(written());
});
