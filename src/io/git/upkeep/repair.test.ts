/** Damage is found object by object, and costs only what it hit. */

import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { scratchObjects } from '../../../test/rig/scratch-repository.js';
import { loosePath } from '../damaged.js';
import { GitObjects } from '../objects.js';
import { inspectObjects } from './broken-objects.js';
import { repackRefs } from './repack.js';
import { removeBrokenObjects } from './repair.js';

async function keep(objects: GitObjects, name: string) {
  const id = await objects.writeBlob(Buffer.from(`content of ${name}\n`));
  const tree = await objects.writeTree([[name, { mode: '100644', id }]]);
  const commit = await objects.writeCommit({ tree, message: `${name}\n` });
  await objects.createRef(`refs/conductor/results/aa/${name}`, commit);
  return { id, commit };
}

test('one wrong bit is found by name, and nothing else goes', async () => {
  const objects = await scratchObjects();
  const [one, two] = [await keep(objects, 'one'), await keep(objects, 'two')];
  expect(await inspectObjects(objects.store)).toMatchObject({ loose: [], packs: [], unindexed: [] });
  const path = loosePath(objects.store, one.id);
  const bytes = readFileSync(path);
  bytes[bytes.length - 6] = (bytes[bytes.length - 6] as number) ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  expect((await inspectObjects(objects.store)).loose).toEqual([path]);
  await removeBrokenObjects(objects.store);
  expect(await objects.missing([one.id, one.commit, two.id, two.commit])).toEqual([one.id]);
});

test('a folder in the place of an object is no object', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  const path = loosePath(objects.store, one.id);
  rmSync(path, { force: true });
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), 'x');
  await removeBrokenObjects(objects.store);
  expect(await objects.missing([one.id, one.commit])).toEqual([one.id]);
});

test('a pack without its index gets one again', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  await repackRefs(objects.store);
  const packs = join(objects.store, 'objects/pack');
  for (const name of readdirSync(packs))
    if (name.endsWith('.idx')) rmSync(join(packs, name), { force: true });
  expect((await inspectObjects(objects.store)).unindexed).toHaveLength(1);
  await removeBrokenObjects(objects.store);
  const again = new GitObjects({ store: objects.store, objectFormat: 'sha1' });
  onTestFinished(() => again.close());
  expect(await again.missing([one.id, one.commit])).toEqual([]);
});

test('a line of packed refs that git cannot read costs no other ref', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  await repackRefs(objects.store);
  appendFileSync(join(objects.store, 'packed-refs'), 'no ref at all\n');
  await removeBrokenObjects(objects.store);
  const refs = await objects.refs('refs/conductor');
  expect(refs.get('refs/conductor/results/aa/one')).toBe(one.commit);
});
