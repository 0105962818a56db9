/** What a load leaves for the next one is used only as long as the store has it. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Entry } from '../model/tree.js';
import { scratchObjects } from '../test/rig/scratch-repository.js';
import { ProjectMemory } from './project-memory.js';

test('a tree that was pruned since it was written is written again', async () => {
  const objects = await scratchObjects();
  const memory = new ProjectMemory();
  const id = await objects.writeBlob(Buffer.from('text'));
  const files = new Map<string, Entry>([['folder/a', { mode: '100644', id }]]);
  const make = (of: ReadonlyMap<string, Entry>) => () => objects.editTree(undefined, of);
  const prune = () => execFileSync('git', ['prune', '--expire=now'], { cwd: objects.store });
  const tree = await memory.treeOf(objects, files, make(files));
  expect(await memory.treeOf(objects, files, () => Promise.reject(new Error('it is there')))).toBe(tree);

  prune();
  expect(await objects.sizeOf(tree)).toBeUndefined();
  expect(await memory.treeOf(objects, files, make(files))).toBe(tree);
  expect((await objects.list(tree)).paths).toEqual(['folder/a']);

  prune();
  const more = new Map([...files, ['b', { mode: '100644', id } as const]]);
  expect((await objects.list(await memory.treeOf(objects, more, make(more)))).paths).toEqual([
    'b',
    'folder/a',
  ]);
});
