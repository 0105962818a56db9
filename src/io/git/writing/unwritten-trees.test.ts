/** Trees that are only shown: every git that is asked about one finds it, and what names one never leads to nothing. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ObjectId } from '../../../model/tree.js';
import { gitOk } from '../git-process.js';
import { GitObjects } from '../objects.js';
import { DurableRefs } from '../upkeep/durable.js';
import { hashObject } from './object-bytes.js';

const open: { folder: string; objects: GitObjects[] }[] = [];
afterEach(async () => {
  for (const { folder, objects } of open.splice(0)) {
    for (const one of objects) await one.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

async function rig() {
  const store = mkdtempSync(join(tmpdir(), 'conductor-unwritten-'));
  execFileSync('git', ['init', '-q', '--bare', store]);
  const [objects, other] = [1, 2].map(() => new GitObjects({ store, objectFormat: 'sha1' })) as [
    GitObjects,
    GitObjects,
  ];
  open.push({ folder: store, objects: [objects, other] });
  const blob = await objects.writeBlob(Buffer.from('text\n'));
  const shown = (path: string, base?: ObjectId) =>
    objects.unwritten.editedTree(objects, base, new Map([[path, { mode: '100644', id: blob }]]));
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: store, encoding: 'utf8', stdio: 'pipe' }).trim();
  /** Of trees and commits. */
  const written = () =>
    git('cat-file', '--batch-all-objects', '--batch-check=%(objecttype)')
      .split('\n')
      .filter((type) => type !== 'blob').length;
  const packs = () => readdirSync(join(store, 'objects/pack')).filter((name) => name.endsWith('.pack'));
  return { store, objects, other, blob, shown, git, written, packs };
}

test('it is read here, and is in no repository', async () => {
  const { objects, other, shown, written } = await rig();
  const tree = await shown('in/a.txt');
  for (const one of [objects, other]) {
    const content = (await one.read(tree)) as Buffer;
    expect(hashObject('tree', content, 'sha1')).toBe(tree);
    expect(await one.sizeOf(tree)).toBe(content.length);
  }
  const larger = await shown('in/b.txt', tree);
  expect(await objects.unwritten.editedTree(objects, larger, new Map())).toBe(larger);
  expect(written()).toBe(0);
});

describe('it is written with what is below it', () => {
  const asking: Record<string, (one: Awaited<ReturnType<typeof rig>>, tree: ObjectId) => Promise<unknown>> = {
    'before a git that is told its id': ({ store }, tree) =>
      gitOk(['ls-tree', '-r', tree], { gitDir: store }),
    'before a git that reads its id': ({ store }, tree) =>
      gitOk(['rev-list', '--objects', '--stdin'], { gitDir: store, input: Buffer.from(`${tree}\n`) }),
    'before it is listed': ({ other }, tree) => other.list(tree),
    'before it is compared': ({ objects }, tree) => objects.diff(tree, tree),
    'before a path in it is read': async ({ other }, tree) =>
      expect(String(await other.read(`${tree}:in/a.txt`))).toBe('text\n'),
    'before it is read back': async ({ other }, tree) =>
      expect((await other.readVerified(tree))?.type).toBe('tree'),
    'before a look for what is missing': async ({ objects }, tree) =>
      expect(await objects.missing([tree])).toEqual([]),
    'before a commit of it': ({ objects }, tree) => objects.writeCommit({ tree, message: 'x\n' }),
    'before a tree with it': ({ objects }, tree) => objects.wrap(tree, 'sub/'),
    'before a changed one': async ({ objects, blob }, tree) => {
      const changed = await objects.editTree(tree, new Map([['b.txt', { mode: '100644', id: blob }]]));
      expect((await objects.list(changed)).paths).toEqual(['b.txt', 'in/a.txt']);
      return changed;
    },
  };
  test.each(Object.keys(asking))('%s', async (name) => {
    const one = await rig();
    const tree = await one.shown('in/a.txt');
    const other = await asking[name]?.(one, tree);
    const root = name === 'before a changed one' ? String(other) : tree;
    const below = one.git('rev-parse', `${root}:in`);
    expect([one.git('cat-file', '-t', below), one.git('cat-file', '-p', `${root}:in/a.txt`)]).toEqual([
      'tree',
      'text',
    ]);
    expect(one.git('fsck', '--strict', '--no-dangling')).toBe('');
  });
});

test('a ref to a commit of one has all of it on disk', async () => {
  const { objects, shown, git } = await rig();
  const commit = await objects.writeCommit({ tree: await shown('in/a.txt'), message: 'x\n' });
  // The same tree is shown once more: it is in the repository all the same.
  await shown('in/a.txt');
  expect(await new DurableRefs(objects).makeDurable(commit)).toEqual([]);
  await objects.createRef('refs/conductor/x', commit);
  expect(git('cat-file', '-p', 'refs/conductor/x:in/a.txt')).toBe('text');
});

test('others stay where they are, and several that ask at the same time wait for the same', async () => {
  const { store, objects, shown, written } = await rig();
  const trees = await Promise.all(['a/1', 'b/1', 'c/1'].map((path) => shown(path)));
  const [first, second] = trees as [ObjectId, ObjectId];
  const ask = (tree: ObjectId) => gitOk(['ls-tree', '-r', tree], { gitDir: store });
  const listed = await Promise.all([ask(first), objects.list(second), ask(first), ask(second)]);
  expect(String(listed[0])).toBe(String(listed[2]));
  // Two roots, and the folder that all three have.
  expect(written()).toBe(3);
});

test('a git in another repository that is told the same id does not wait for it', async () => {
  const [one, another] = [await rig(), await rig()];
  const tree = await one.shown('in/a.txt');
  await another.objects.writeCommit({ tree: await another.shown('in/a.txt'), message: 'x\n' });
  rmSync(one.store, { recursive: true });
  expect((await another.objects.list(tree)).paths).toEqual(['in/a.txt']);
});

test('very many are one pack, and memory holds few', async () => {
  const { objects, shown, written, packs } = await rig();
  const trees: ObjectId[] = [];
  for (let i = 0; i < 3000; i++) trees.push(await shown(`in/${i}`));
  expect(packs()).toHaveLength(1);
  expect(written()).toBeGreaterThan(3000);
  for (const tree of [trees[0], trees[2999]] as ObjectId[])
    expect((await objects.read(tree))?.length).toBeGreaterThan(20);
});
