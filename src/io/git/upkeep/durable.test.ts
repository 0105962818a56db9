/** What a ref names is on disk and is what was written, or there is no ref. */

import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchObjects } from '../../../test/rig/scratch-repository.js';
import { loosePath } from '../damaged.js';
import type { GitObjects } from '../objects.js';
import { DurableRefs } from './durable.js';

async function commitOf(objects: GitObjects, text: string) {
  const blob = await objects.writeBlob(Buffer.from(text));
  const inner = await objects.writeTree([['a.txt', { mode: '100644', id: blob }]]);
  const tree = await objects.writeTree([['folder', { mode: '40000', id: inner }]]);
  return { blob, inner, tree, commit: await objects.writeCommit({ tree, message: 'test\n' }) };
}

test('a tree that git names and could not write is an error, not an id', async () => {
  const [known, objects] = [await scratchObjects(), await scratchObjects()];
  const { inner } = await commitOf(known, 'text');
  const blob = await objects.writeBlob(Buffer.from('text'));
  // A file where git needs a folder: the write fails for every user, and mktree prints the id all the same.
  const folder = join(objects.store, 'objects', inner.slice(0, 2));
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(folder, '');
  const written = objects.writeTree([['a.txt', { mode: '100644', id: blob }]]);
  await expect(written).rejects.toThrow(/tree [0-9a-f]+ is missing after it was written/);
  rmSync(folder);
});

test('all that a commit needs is read back: empty, missing and foreign objects are named', async () => {
  for (const damage of ['empty', 'missing', 'foreign'] as const) {
    for (const which of ['blob', 'inner', 'tree', 'commit'] as const) {
      const objects = await scratchObjects();
      const made = await commitOf(objects, `text of ${which}`);
      const other = await objects.writeBlob(Buffer.from('something else'));
      expect(await new DurableRefs(objects).makeDurable(made.commit)).toEqual([]);
      const place = loosePath(objects.store, made[which]);
      if (damage === 'empty') {
        rmSync(place);
        writeFileSync(place, '');
      } else rmSync(place);
      if (damage === 'foreign') {
        copyFileSync(loosePath(objects.store, other), place);
      }
      expect(await new DurableRefs(objects).makeDurable(made.commit), `${which} ${damage}`).toEqual([
        made[which],
      ]);
    }
  }
});

test('a folder that is not on disk as it was written is no tree to publish', async () => {
  for (const damage of ['empty', 'missing', 'foreign'] as const)
    for (const which of ['inner', 'tree'] as const) {
      const objects = await scratchObjects();
      const [before, after] = [await commitOf(objects, 'before'), await commitOf(objects, 'after')];
      const place = loosePath(objects.store, after[which]);
      rmSync(place);
      if (damage === 'empty') writeFileSync(place, '');
      if (damage === 'foreign') copyFileSync(loosePath(objects.store, before[which]), place);
      const durable = new DurableRefs(objects).makeTreeDurable(before.tree, after.tree);
      await expect(durable, `${which} ${damage}`).rejects.toThrow(`tree ${after[which]} cannot be read`);
    }
});
