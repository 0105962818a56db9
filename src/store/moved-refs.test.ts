/** A ref of the store that gets another commit names one of the two at each moment, with all its objects on disk. */

import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loosePath } from '../io/git/damaged.js';
import { GitObjects } from '../io/git/objects.js';
import type { Entry } from '../model/tree.js';
import { scratchObjects } from '../test/rig/scratch-repository.js';
import { resultName } from './encoded-entry.js';
import { GitResults } from './git-results.js';
import { WorkStore } from './kept-work.js';

const work = (attempts: number) => ({
  label: 'f/T1',
  key: 'a'.repeat(64),
  needs: [],
  at: 1,
  attempts,
  removed: [],
});

const file = (id: string) => new Map<string, Entry>([['one.txt', { mode: '100644', id }]]);

/** From now on the process dies as soon as it has removed a ref. */
function diesAtRemoval(objects: GitObjects): void {
  const remove = objects.deleteRef.bind(objects);
  objects.deleteRef = async (name) => {
    await remove(name);
    throw new Error('killed');
  };
}

test('kept work is never gone while it is replaced or approved', async () => {
  const objects = await scratchObjects();
  const works = new WorkStore(objects, 'here');
  await works.keep(work(1), file(await objects.writeBlob(Buffer.from('first'))));
  diesAtRemoval(objects);
  await works.keep(work(2), file(await objects.writeBlob(Buffer.from('second')))).catch(() => undefined);
  const found = await works.find('f/T1');
  expect(found?.attempts).toBe(2);
  if (found) await works.approve(found).catch(() => undefined);
  expect(await works.find('f/T1')).toMatchObject({ attempts: 2, approved: true });
});

test('a result is never gone while another one takes its ref', async () => {
  const objects = await scratchObjects();
  const store = new GitResults(objects);
  const name = resultName('b'.repeat(64));
  const commit = async (message: string) => objects.writeCommit({ tree: await objects.empty(), message });
  const [first, second] = [await commit('first\n'), await commit('second\n')];
  await store.point(name, first);
  diesAtRemoval(objects);
  await store.point(name, second).catch(() => undefined);
  expect(await store.commitOf(name)).toBe(second);
});

test('kept work is whole on disk before its ref, or the ref stays as it is', async () => {
  const objects = await scratchObjects();
  const works = new WorkStore(objects, 'here');
  // Held: only this process knows the content so far.
  const id = objects.hold(Buffer.from('only in memory'));
  await works.keep(work(1), file(id));
  const other = new GitObjects({ store: objects.store, objectFormat: objects.hash });
  expect((await other.read(id))?.toString()).toBe('only in memory');
  await other.close();
  const gone = await objects.writeBlob(Buffer.from('gone'));
  rmSync(loosePath(objects.store, gone));
  await expect(works.keep(work(2), file(gone))).rejects.toThrow(`object ${gone} cannot be read`);
  expect((await works.find('f/T1'))?.attempts).toBe(1);
});
