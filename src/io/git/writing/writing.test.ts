/** What is written here is what git would have written: git itself is the judge. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { asFailure } from '../../errors.js';
import { changedIndex, entriesIn, indexBytes } from './index-bytes.js';
import { LooseWriter } from './loose.js';
import { commitBytes, type HashName, hashObject, treeBytes } from './object-bytes.js';
import { ObjectSet } from './object-set.js';
import { ManyObjects, writePack } from './pack.js';
import { createPackedRefs, hasRefs } from './packed-refs.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function repository(hash: HashName) {
  const store = mkdtempSync(join(tmpdir(), 'conductor-writing-'));
  folders.push(store);
  execFileSync('git', ['init', '-q', '--bare', `--object-format=${hash}`, store]);
  const git = (args: readonly string[], input: string | Buffer = '') =>
    execFileSync('git', args, { cwd: store, input, stdio: ['pipe', 'pipe', 'pipe'] });
  return { store, git };
}

/** Files of any bytes, in folders, of all sizes around the ends of a length's bytes. */
const contents = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.integer({ min: 0, max: 5000 }).map((length) => new Uint8Array(length).fill(length)),
);
const names = fc.stringMatching(/^[a-zé.A-Z0-9-]{1,8}$/).filter((name) => !/^\.+(git)?$/i.test(name));
const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const files = fc.uniqueArray(fc.tuple(paths, contents, fc.constantFrom('100644', '100755')), {
  maxLength: 12,
  // No file where another needs a folder.
  comparator: ([a], [b]) => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`),
});

for (const hash of ['sha1', 'sha256'] as const) {
  test(`a pack of ${hash} holds what git would have made of the same files`, async () => {
    const { store, git } = repository(hash);
    await fc.assert(
      fc.asyncProperty(files, async (all) => {
        const set = new ObjectSet(hash);
        const entries = new Map(
          all.map(([path, bytes, mode]) => [
            path,
            { mode: mode as '100644', id: set.add('blob', Buffer.from(bytes)) },
          ]),
        );
        const tree = set.tree(entries);
        const commit = set.commit(tree, 'any words\n');
        const name = await writePack(store, set.objects, hash);
        git(['verify-pack', join(store, 'objects/pack', `${name}.idx`)]);
        // git's own index of the pack has the very bytes.
        const pack = readFileSync(join(store, 'objects/pack', `${name}.pack`));
        const folder = mkdtempSync(join(tmpdir(), 'conductor-index-'));
        folders.push(folder);
        writeFileSync(join(folder, 'a.pack'), pack);
        git(['index-pack', '--strict', '-o', join(folder, 'a.idx'), join(folder, 'a.pack')]);
        const index = readFileSync(join(store, 'objects/pack', `${name}.idx`));
        expect(readFileSync(join(folder, 'a.idx')).equals(index)).toBe(true);
        const listed = git(['ls-tree', '-r', '-z', commit])
          .toString('utf8')
          .split('\0')
          .filter(Boolean)
          .sort();
        const expected = [...entries].map(([path, { mode, id }]) => `${mode} blob ${id}\t${path}`).sort();
        expect(listed).toEqual(expected);
        expect(set.commit(tree, 'any words\n')).toBe(commit);
      }),
      { numRuns: 12 },
    );
    git(['fsck', '--full', '--strict']);
  });

  test(`single objects of ${hash} are those of git`, () => {
    const { store, git } = repository(hash);
    const writer = new LooseWriter(store, hash);
    for (const size of [0, 1, 15, 16, 2047, 2048, 100_000]) {
      const content = Buffer.alloc(size, 'x');
      const id = writer.write('blob', content);
      expect(id).toBe(git(['hash-object', '--stdin'], content).toString().trim());
      expect(git(['cat-file', 'blob', id]).equals(content)).toBe(true);
      expect(writer.write('blob', content)).toBe(id);
    }
    const id = hashObject('blob', Buffer.from('a'), hash);
    writer.write('blob', Buffer.from('a'));
    // `a.b` stands before the folder `a`, `a0` behind it.
    const entries = ['a0', 'a', 'a.b'].map(
      (name) =>
        [
          name,
          {
            mode: name === 'a' ? '40000' : '100644',
            id: name === 'a' ? writer.write('tree', Buffer.alloc(0)) : id,
          },
        ] as const,
    );
    const tree = writer.write('tree', treeBytes(entries));
    expect(git(['ls-tree', '--name-only', tree]).toString()).toBe('a.b\na\na0\n');
    const commit = writer.write('commit', commitBytes({ tree, message: 'm\n' }));
    git(['fsck', '--strict', commit]);
  });
}

test('an object of which a power cut left an empty file is written again', () => {
  const { store, git } = repository('sha1');
  const id = new LooseWriter(store, 'sha1').write('blob', Buffer.from('text'));
  const file = join(store, 'objects', id.slice(0, 2), id.slice(2));
  rmSync(file);
  writeFileSync(file, '');
  expect(new LooseWriter(store, 'sha1').write('blob', Buffer.from('text'))).toBe(id);
  expect(git(['cat-file', 'blob', id]).toString()).toBe('text');
});

test('packed refs: new ones are created, those that exist stay, git reads and changes them', async () => {
  const { store, git } = repository('sha1');
  const writer = new LooseWriter(store, 'sha1');
  const tree = writer.write('tree', Buffer.alloc(0));
  const commits = Array.from({ length: 200 }, (_, i) =>
    writer.write('commit', commitBytes({ tree, message: `${i}\n` })),
  );
  const at = (i: number) => commits[i] as string;
  git(['update-ref', 'refs/conductor/results/aa/loose', at(0)]);
  git([
    '-c',
    'user.name=A',
    '-c',
    'user.email=a@b.c',
    'tag',
    '-a',
    '-m',
    'a tag with an object of its own',
    'v1',
    at(1),
  ]);
  git(['update-ref', 'refs/conductor/results/bb/packed', at(2)]);
  git(['pack-refs', '--all']);
  git(['update-ref', 'refs/conductor/results/aa/loose', at(3)]);
  const wanted = new Map(
    commits
      .slice(10)
      .map((id, i) => [`refs/conductor/results/${(i % 256).toString(16).padStart(2, '0')}/${id}`, id]),
  );
  const asked = new Map([
    ...wanted,
    ['refs/conductor/results/aa/loose', at(5)],
    ['refs/conductor/results/bb/packed', at(5)],
  ]);
  const outcomes = await createPackedRefs(store, asked);
  expect(outcomes?.get('refs/conductor/results/aa/loose')).toBe('exists');
  expect(outcomes?.get('refs/conductor/results/bb/packed')).toBe('exists');
  expect([...(outcomes?.values() ?? [])].filter((one) => one === 'created')).toHaveLength(wanted.size);
  const refs = () =>
    new Map(
      git(['for-each-ref', '--format=%(refname) %(objectname) %(*objectname)'])
        .toString()
        .trim()
        .split('\n')
        .map((line) => [line.split(' ')[0] as string, line.split(' ').slice(1).join(' ').trim()]),
    );
  for (const [name, id] of wanted) expect(refs().get(name)).toBe(id);
  expect(refs().get('refs/conductor/results/aa/loose')).toBe(at(3));
  expect(refs().get('refs/tags/v1')).toContain(at(1));
  const before = refs();
  git(['pack-refs', '--all']);
  expect(refs()).toEqual(before);
  const [first] = wanted.keys();
  git(['update-ref', '-d', first as string]);
  expect(refs().has(first as string)).toBe(false);
  expect(readdirSync(store)).not.toContain('packed-refs.lock');
});

test('packed refs stand in the order of their names, wherever new ones belong and whatever stands below tags', async () => {
  const { store } = repository('sha1');
  const id = (i: number) => i.toString(16).padStart(40, '0');
  // Names that begin alike, and that differ in length only.
  const names = Array.from({ length: 90 }, (_, i) => `refs/x/${(i * 37) % 90}`.replace('/8', '/8/'));
  const file = join(store, 'packed-refs');
  const head = '# pack-refs with: peeled fully-peeled sorted \n';
  for (let kept = 0; kept < 40; kept++) {
    const lines = new Map(
      names.slice(0, kept).map((name, i) => {
        const peeled = i % 3 === 0 ? `^${id(i + 500)}\n` : '';
        return [name, `${id(i)} ${name}\n${peeled}`];
      }),
    );
    const fileOf = (all: ReadonlyMap<string, string>) =>
      head +
      [...all.keys()]
        .sort()
        .map((name) => all.get(name))
        .join('');
    writeFileSync(file, fileOf(lines));
    // Some of them are there already.
    const asked = names
      .slice(Math.max(0, kept - 5), kept + (kept % 7))
      .map((name, i) => [name, id(i + 900)] as const);
    const outcomes = await createPackedRefs(store, new Map(asked));
    expect([...(outcomes ?? [])].sort()).toEqual(
      asked.map(([name]) => [name, lines.has(name) ? 'exists' : 'created']).sort(),
    );
    for (const [name, wanted] of asked) if (!lines.has(name)) lines.set(name, `${wanted} ${name}\n`);
    expect(readFileSync(file, 'latin1')).toBe(fileOf(lines));
  }
});

test('refs are found among packed ones, below tags, and as files of their own, which count first', () => {
  const { store } = repository('sha1');
  const id = (i: number) => i.toString(16).padStart(40, '0');
  const name = (i: number) => `refs/x/a${i % 3}/${String(i).padStart(3, '0')}`;
  const packed = Array.from({ length: 50 }, (_, i) => i * 2);
  const line = (i: number) => `${id(i)} ${name(i)}\n${i % 4 === 0 ? `^${id(i + 500)}\n` : ''}`;
  const others = (folder: string) => `${id(700)} ${folder}/001\n`;
  const sorted = packed.toSorted((a, b) => (name(a) < name(b) ? -1 : 1)).map(line);
  const lines = [others('refs/w'), others('refs/x-y'), ...sorted, others('refs/x0')];
  const head = '# pack-refs with: peeled fully-peeled sorted \n';
  writeFileSync(join(store, 'packed-refs'), head + lines.join(''));
  const key = (i: number) => name(i).slice(-3);
  const asked = (...numbers: number[]) => new Map(numbers.map((i) => [key(i), id(i)]));
  const has = (refs: ReadonlyMap<string, string>) => hasRefs(store, 'refs/x', refs);
  expect(has(asked(...packed))).toBe(true);
  for (const i of packed) expect(has(asked(i))).toBe(true);
  expect(has(new Map())).toBe(true);
  for (const i of [1, 51, 99]) expect(has(asked(0, i, 98))).toBe(false);
  expect(has(new Map([[key(4), id(6)]]))).toBe(false);
  // What a tag names is no ref, and the end of an id no id.
  expect(has(new Map([[key(0), id(500)]]))).toBe(false);
  expect(has(new Map([[key(98), id(98).slice(1)]]))).toBe(false);
  mkdirSync(join(store, 'refs/x/a0'), { recursive: true });
  mkdirSync(join(store, 'refs/x/a1'), { recursive: true });
  writeFileSync(join(store, name(51)), `${id(51)}\n`);
  expect(has(asked(0, 51, 98))).toBe(true);
  writeFileSync(join(store, name(4)), `${id(6)}\n`);
  expect([has(asked(0, 4)), has(new Map([[key(4), id(6)]]))]).toEqual([false, true]);
  writeFileSync(join(store, 'packed-refs'), lines.join(''));
  expect([has(asked(0)), has(asked(51)), has(asked(0, 51))]).toEqual([false, true, false]);
  // What was a folder a moment ago may be none when it is read.
  rmSync(join(store, 'refs/x'), { recursive: true });
  writeFileSync(join(store, 'refs/x'), '');
  writeFileSync(join(store, 'packed-refs'), head + lines.join(''));
  expect([has(asked(0)), has(asked(51))]).toEqual([true, false]);
});

test('a file of packed refs that is not as git writes it today is left to git', async () => {
  const { store } = repository('sha1');
  const line = `${'1'.repeat(40)} refs/x/a\n`;
  const head = '# pack-refs with: peeled fully-peeled sorted \n';
  for (const text of [
    '',
    line,
    `# pack-refs with: peeled \n${line}`,
    head + line.trim(),
    `${head}no line\n`,
  ]) {
    writeFileSync(join(store, 'packed-refs'), text);
    expect(await createPackedRefs(store, new Map([['refs/x/b', '2'.repeat(40)]]))).toBeUndefined();
    expect(readFileSync(join(store, 'packed-refs'), 'latin1')).toBe(text);
  }
  expect(readdirSync(store)).not.toContain('packed-refs.lock');
});

test('where another holds the lock of packed refs nothing is done', async () => {
  const { store } = repository('sha1');
  writeFileSync(join(store, 'packed-refs.lock'), '');
  expect(
    await createPackedRefs(store, new Map([['refs/conductor/results/aa/x', '0'.repeat(40)]])),
  ).toBeUndefined();
  expect(readdirSync(store)).not.toContain('packed-refs');
});

test('an object that the disk does not take is a failure of the system, not a bug', () => {
  const { store } = repository('sha1');
  const content = Buffer.from('text');
  const id = hashObject('blob', content, 'sha1');
  writeFileSync(join(store, 'objects', id.slice(0, 2)), 'a file in the place of the folder');
  let thrown: unknown;
  try {
    new LooseWriter(store, 'sha1').write('blob', content);
  } catch (error) {
    thrown = error;
  }
  expect(asFailure(thrown)).toMatchObject({ kind: 'system-error', code: 'ENOTDIR' });
});

test('an object is written although git has removed its folder since another one was', () => {
  const { store, git } = repository('sha1');
  const writer = new LooseWriter(store, 'sha1');
  const id = writer.write('blob', Buffer.from('text'));
  git(['pack-objects', '-q', join(store, 'objects/pack/pack')], `${id}\n`);
  git(['prune-packed', '-q']);
  expect(existsSync(join(store, 'objects', id.slice(0, 2)))).toBe(false);
  writer.write('blob', Buffer.from('text'));
  expect(existsSync(join(store, 'objects', id.slice(0, 2), id.slice(2)))).toBe(true);
});

test('a tree that is remembered does not keep the long answer in which it came', () => {
  const { store } = repository('sha1');
  const writer = new LooseWriter(store, 'sha1');
  const tree = treeBytes([['a', { mode: '100644', id: '1'.repeat(40) }]]);
  const answer = Buffer.concat([Buffer.alloc(1_000_000), tree]);
  const id = writer.write('tree', answer.subarray(1_000_000));
  const kept = writer.recent.get(id) as Buffer;
  expect(kept).toEqual(tree);
  expect(kept.buffer.byteLength).toBe(tree.length);
});

const placesOf = (bytes: Buffer) => (from: number, into: Buffer) => bytes.copy(into, 0, from);

test('an index of many files is read in parts', () => {
  const stat = lstatSync(tmpdir(), { bigint: true });
  const all = Array.from({ length: 9000 }, (_, i) => {
    const entry = { mode: i % 3 === 0 ? '100755' : '100644', id: i.toString(16).padStart(40, '0') } as const;
    return { path: `folder/${'n'.repeat(i % 61)}${i}`, entry, stat };
  });
  const read: number[] = [];
  const bytes = indexBytes(all, 'sha1');
  const readAt = (from: number, into: Buffer) => read.push(from) && bytes.copy(into, 0, from);
  const asked = [...all.map(({ path }) => path), 'folder', 'zzz'];
  const found = entriesIn(
    readAt,
    asked.filter((_, i) => i % 100 < 2),
    'sha1',
  );
  const known = new Map<string, unknown>(all.map(({ path, entry }) => [path, entry]));
  for (const [path, entry] of found ?? []) expect([path, entry]).toEqual([path, known.get(path)]);
  expect([found?.size, read.length > 3]).toEqual([182, true]);
});

for (const hash of ['sha1', 'sha256'] as const) {
  test(`a changed index of ${hash} is the one that git reads as the changed tree`, () => {
    const { store, git } = repository(hash);
    const index = join(store, 'index');
    const stat = lstatSync(store, { bigint: true });
    const entry = (text: string) => ({
      entry: { mode: '100644', id: hashObject('blob', Buffer.from(text), hash) } as const,
      stat,
    });
    const entryOf = (text: string | undefined) => (text === undefined ? undefined : entry(text).entry);
    // Also names of more bytes than an index can say of them.
    const named = fc.oneof(paths, fc.constantFrom('n'.repeat(4094), 'n'.repeat(4095), 'n'.repeat(4200)));
    const lists = fc.uniqueArray(named, { maxLength: 15 });
    fc.assert(
      fc.property(lists, lists, lists, (before, added, removed) => {
        const bytes = indexBytes(
          before.map((path) => ({ path, ...entry('old') })),
          hash,
        );
        const expected = new Map(before.map((path) => [path, 'old']));
        const changes = new Map<string, ReturnType<typeof entry> | undefined>();
        for (const path of added) {
          changes.set(path, entry('new'));
          expected.set(path, 'new');
        }
        for (const path of removed) {
          changes.set(path, undefined);
          expected.delete(path);
        }
        const second = Number(stat.ctimeNs / 1_000_000_000n);
        writeFileSync(index, changedIndex(bytes, { changes, second, hash }) as Buffer);
        const listed = git(['ls-files', '-s', '-z', '--debug']).toString();
        const ids = [...expected].map(([path, text]) => `${entry(text).entry.id} 0\t${path}`);
        const lines = listed.split('\0').join('\n').split('\n');
        const found = lines.filter((line) => /^100644 /.test(line)).map((line) => line.slice(7));
        expect(found.sort()).toEqual(ids.sort());
        const asked = new Set([...before, ...added, ...removed]);
        const said = entriesIn(placesOf(readFileSync(index)), asked, hash);
        expect(said).toEqual(new Map([...asked].map((path) => [path, entryOf(expected.get(path))])));
        // Of none is it said any more when it changed.
        expect(lines.filter((line) => /^ {2}ctime: (?!0:)/.test(line))).toEqual([]);
      }),
      { numRuns: 12 },
    );
    expect(changedIndex(Buffer.from('no index'), { changes: new Map(), second: 0, hash })).toBe(undefined);
    expect(entriesIn(placesOf(Buffer.from('no index')), [], hash)).toBe(undefined);
    const whole = indexBytes([{ path: 'a', ...entry('old') }], hash);
    for (let end = 0; end < whole.length - (hash === 'sha1' ? 20 : 32); end++)
      expect(entriesIn(placesOf(whole.subarray(0, end)), ['a'], hash)?.get('a')).toBe(undefined);
  });
}

test('objects that come together are one pack when they are many', async () => {
  const { store, git } = repository('sha1');
  const many = new ManyObjects(store, 'sha1', new LooseWriter(store, 'sha1'));
  const blobs = (from: number, count: number) => {
    const set = new ObjectSet('sha1');
    for (let i = from; i < from + count; i++) set.add('blob', Buffer.from(`content ${i}`));
    return set.objects;
  };
  const all = [blobs(0, 30), blobs(20, 30), blobs(60, 2)];
  for (const objects of all) await many.write(objects);
  const packs = () => readdirSync(join(store, 'objects/pack')).filter((name) => name.endsWith('.pack'));
  expect(packs().length).toBe(2);
  git(['fsck', '--strict']);
  for (const [id, { content }] of all.flatMap((objects) => [...objects]))
    expect(git(['cat-file', 'blob', id])).toEqual(content);
});
