/** Holds that looking for single entries of trees finds what reading all of them finds, also next to ids that look like entries. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from '../../../model/tree.js';
import { byteName, parseRawTree, type TreeEntry } from '../raw-tree.js';
import { editedTree } from '../writing/edited-tree.js';
import { hashObject, treeBytes } from '../writing/object-bytes.js';
import { differingEntries, findEntries } from './raw-entries.js';

/** Few, that begin alike: files and folders of one name stand at different places of a tree. */
const NAMES = ['a', 'a-', 'a.txt', 'a0', 'aa', 'ä', 'b', '100644 a'];
const names = fc.constantFrom(...NAMES.map(byteName));
const modes = fc.constantFrom('100644', '100755', '120000', '160000', '40000') as fc.Arbitrary<
  TreeEntry['mode']
>;
/** Ids whose bytes could be taken for the end of a name and an entry behind it, and others that differ in one byte. */
const ids = fc.constantFrom(
  Buffer.from('\x080644 a\x080644 aa\0').toString('hex').padEnd(40, '0').slice(0, 40),
  ...['00'.repeat(20), `${'00'.repeat(19)}01`, `01${'00'.repeat(19)}`, '3130303634342061'.padEnd(40, '0')],
);
const trees = fc
  .dictionary(names, fc.record({ mode: modes, id: ids }))
  .map((one) => new Map(Object.entries(one)));
const asObject = (entries: Iterable<readonly [string, TreeEntry]>) =>
  Object.fromEntries([...entries].map(([name, { mode, id }]) => [name, { mode, id }]));

test('the entries with some names are found, and no others', () => {
  fc.assert(
    fc.property(trees, fc.uniqueArray(names), (tree, wanted) => {
      const raw = treeBytes(tree);
      const found = findEntries(raw, 20, new Set(wanted)) ?? [];
      expect(asObject(found)).toEqual(asObject([...tree].filter(([name]) => wanted.includes(name))));
      for (const [name, { from, to }] of found)
        expect(asObject(parseRawTree(raw.subarray(from, to), 20))).toEqual(
          asObject([[name, tree.get(name) as TreeEntry]]),
        );
    }),
  );
  const old = treeBytes([['a', { mode: '100664' as '100644', id: '00'.repeat(20) }]]);
  expect(findEntries(old, 20, new Set(['b']))).toBe(undefined);
});

test('what differs between two trees is among the entries of both, and most of what is the same is not', () => {
  fc.assert(
    fc.property(trees, trees, (a, b) => {
      const [before, after] = differingEntries(treeBytes(a), treeBytes(b), 20);
      const same = (name: string) => JSON.stringify(a.get(name)) === JSON.stringify(b.get(name));
      const differs = ([name]: readonly [string, TreeEntry]) => !same(name);
      expect(asObject([...before].filter(differs))).toEqual(asObject([...a].filter(differs)));
      expect(asObject([...after].filter(differs))).toEqual(asObject([...b].filter(differs)));
      for (const name of new Set([...before.keys(), ...after.keys()]))
        expect([name, before.has(name) === a.has(name) && after.has(name) === b.has(name)]).toEqual([
          name,
          true,
        ]);
    }),
    { numRuns: 500 },
  );
  const large = new Map(
    Array.from({ length: 1000 }, (_, i) => [`n${i}`, { mode: '100644', id: '00'.repeat(20) } as const]),
  );
  const edited = new Map(large).set('n500', { mode: '100644', id: '01'.repeat(20) } as never);
  const sizes = differingEntries(treeBytes(large), treeBytes(edited), 20).map(({ size }) => size);
  expect(sizes).toEqual([1, 1]);
});

test('the same bytes at the end of two trees need not be the same entries', () => {
  const id = '03'.repeat(20);
  const one = treeBytes([['b100644 z', { mode: '100644', id }]]);
  const tail = Buffer.from('100644 b').toString('hex');
  const two = treeBytes([
    ['a', { mode: '100644', id: tail.padStart(40, '0') }],
    ['z', { mode: '100644', id }],
  ]);
  expect(two.subarray(two.length - one.length)).toEqual(one);
  for (const [before, after] of [
    [one, two],
    [two, one],
  ] as const)
    expect(differingEntries(before, after, 20)).toEqual([parseRawTree(before, 20), parseRawTree(after, 20)]);
});

/** Changes of files in the folder and in folders of it, none of them in the place of another. */
const changes = fc
  .uniqueArray(
    fc.tuple(
      fc
        .tuple(fc.constantFrom(...NAMES), fc.constantFrom('', '/x', '/y/z'))
        .map(([name, rest]) => name + rest),
      fc.option(fc.record({ mode: fc.constantFrom('100644' as const, '100755' as const), id: ids }), {
        nil: undefined,
      }),
    ),
    { comparator: ([a], [b]) => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`) },
  )
  .map((list) => new Map<string, Entry | undefined>(list));

test('an edited tree is the one that is made of its files', async () => {
  await fc.assert(
    fc.asyncProperty(trees, changes, async (tree, edits) => {
      const store = new Map<string, Buffer>();
      const add = (content: Buffer) => {
        const id = hashObject('tree', content, 'sha1');
        store.set(id, content);
        return id;
      };
      const io = {
        read: async (id: string) => store.get(id),
        write: async (_: 'tree', content: Buffer) => add(content),
      };
      const file: Entry = { mode: '100644', id: '02'.repeat(20) };
      const inner = add(treeBytes([['x', file]]));
      const before = new Map<string, TreeEntry>();
      const files = new Map<string, Entry>();
      for (const [name, { mode, id }] of tree) {
        before.set(name, { mode, id: mode === '40000' ? inner : id });
        const path = Buffer.from(name, 'latin1').toString('utf8');
        if (mode === '40000') files.set(`${path}/x`, file);
        else files.set(path, { mode, id });
      }
      for (const [path, entry] of edits) {
        if (!entry) files.delete(path);
        else {
          const gives = (other: string) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`);
          for (const other of [...files.keys()].filter(gives)) files.delete(other);
          files.set(path, entry);
        }
      }
      const edited = await editedTree(io, add(treeBytes(before)), edits);
      expect(edited).toBe(await editedTree(io, undefined, files));
    }),
    { numRuns: 1000 },
  );
});
