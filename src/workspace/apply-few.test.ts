/** Holds that a few changes written with `git apply` leave what `git read-tree` leaves, and that nothing is written where a file is in the way. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { git, gitOk } from '../io/git/git-process.js';
import { changedFiles } from '../io/git/walk.js';
import { hashObject } from '../io/git/writing/object-bytes.js';
import type { Entry, FileMode } from '../model/tree.js';
import { openScratch, ScratchRepository } from '../test/rig/scratch-repository.js';
import { applyFew } from './apply-few.js';
import { CHANGED_ARGUMENTS, indexCall } from './private-index.js';
import { publishTree, recoverPublish } from './publish.js';
import { takeSnapshot } from './snapshot.js';

type Texts = Readonly<Record<string, string>>;
/** By path: content, or content and mode; undefined: no file any more. */
type Changed = Readonly<Record<string, string | readonly [string, FileMode] | undefined>>;

async function rig(texts: Texts, prefix = '') {
  const scratch = new ScratchRepository();
  for (const [path, text] of Object.entries(texts)) scratch.write(`${prefix}${path}`, text);
  const { repository, objects } = await openScratch(scratch, prefix);
  const snapshot = async () => {
    const taken = await takeSnapshot(repository, objects, { secrets: [], named: [], force: [] });
    if (!taken.ok) throw new Error(JSON.stringify(taken.error));
    return taken.value.tree;
  };
  const from = await snapshot();
  const edited = async (changes: Changed) => {
    const entries = new Map<string, Entry | undefined>();
    for (const [path, change] of Object.entries(changes)) {
      const [text, mode] = change === undefined || typeof change === 'string' ? [change] : change;
      const id = text === undefined ? undefined : await objects.writeBlob(Buffer.from(text));
      entries.set(path, id === undefined ? undefined : { mode: mode ?? '100644', id });
    }
    return objects.editTree(from, entries);
  };
  const apply = async (to: string) => {
    const changes = await changedFiles(objects, from, to);
    const before = await objects.list(from);
    const after = { get: (path: string) => (changes.has(path) ? changes.get(path) : before.get(path)) };
    return applyFew(repository, objects, [...changes.keys()].sort(), { before, after });
  };
  const indexed = async () =>
    (await gitOk(['write-tree', ...(prefix === '' ? [] : [`--prefix=${prefix}`])], indexCall(repository)))
      .toString()
      .trim();
  const touched = async () => (await git([...CHANGED_ARGUMENTS], indexCall(repository))).stdout.toString();
  return { scratch, repository, objects, from, snapshot, edited, apply, indexed, touched };
}

const NAMES = [
  'plain',
  'with space',
  'quo"te',
  'back\\slash',
  'ä\u{1f600}',
  'tab\tnew\nline',
  'b/x',
  ' ',
  '-f',
];

it.each(['', 'sub/dir/'])('every kind of change and of name is written, below "%s"', async (prefix) => {
  const texts = Object.fromEntries(NAMES.map((name) => [`kept/${name}`, `old ${name}\n`]));
  const one = await rig(
    { ...texts, 'gone/deep/f': 'x\n', empty: '', mode: '#!\n', both: '1', nul: 'a\0b', same: 's' },
    prefix,
  );
  const to = await one.edited({
    ...Object.fromEntries(NAMES.map((name) => [`kept/${name}`, `new ${name}\n`])),
    ...Object.fromEntries(NAMES.map((name) => [`made/${name}`, [`made ${name}\r\n`, '100755'] as const])),
    'gone/deep/f': undefined,
    empty: 'no more',
    'made/empty': '',
    mode: ['#!\n', '100755'],
    both: ['2', '100755'],
    nul: 'a\0c',
  });
  expect(await one.apply(to)).toMatchObject({ code: 0 });
  expect([await one.indexed(), await one.touched(), await one.snapshot()]).toEqual([to, '', to]);
  expect(readdirSync(join(one.repository.project)).includes('gone')).toBe(false);
  expect(statSync(join(one.repository.project, 'mode')).mode & 0o111).not.toBe(0);
});

it('line ends and filters are as git writes them', async () => {
  const one = await rig({
    '.gitattributes': '*.txt text eol=crlf\n*.up filter=up\n',
    'a.txt': '1\r\n',
    'a.up': 'low',
  });
  one.scratch.git('config', 'filter.up.smudge', 'tr a-z A-Z');
  one.scratch.git('config', 'filter.up.clean', 'tr A-Z a-z');
  const from = await one.snapshot();
  expect(from).toBe(one.from);
  const to = await one.edited({ 'a.txt': '1\n2\n', 'new.txt': '3\n', 'new.up': 'word' });
  expect(await one.apply(to)).toMatchObject({ code: 0 });
  const text = (path: string) => readFileSync(join(one.scratch.dir, path), 'utf8');
  expect([text('a.txt'), text('new.txt')]).toEqual(['1\r\n2\r\n', '3\r\n']);
  expect(await one.indexed()).toBe(to);
});

it('nothing is written where a file is not as it was', async () => {
  const hinders: ((dir: string) => unknown)[] = [
    (dir) => rmSync(join(dir, 'f')),
    (dir) => chmodSync(join(dir, 'f'), 0o755),
    (dir) => {
      rmSync(join(dir, 'f'));
      mkdirSync(join(dir, 'f'));
    },
    (dir) => {
      rmSync(join(dir, 'd'), { recursive: true });
      symlinkSync('other', join(dir, 'd'));
    },
  ];
  for (const hinder of hinders) {
    const one = await rig({ a: '1', f: '1', 'd/g': '1', 'other/g': '1', z: '1' });
    const to = await one.edited({ a: '2', f: '2', 'd/g': '2', z: undefined, new: '2' });
    hinder(one.scratch.dir);
    const index = await one.indexed();
    expect(await one.apply(to)).toBeUndefined();
    expect([one.scratch.text('a'), one.scratch.text('z'), one.scratch.text('other/g')]).toEqual([
      '1',
      '1',
      '1',
    ]);
    expect([existsSync(join(one.scratch.dir, 'new')), await one.indexed()]).toEqual([false, index]);
  }
  for (const [path, text] of [
    ['f', 'mine'],
    ['z', 'mine'],
    ['new', 'mine'],
  ] as const) {
    const one = await rig({ a: '1', f: '1', z: '1' });
    const to = await one.edited({ a: '2', f: '2', z: undefined, new: '2' });
    one.scratch.write(path, text);
    expect(await one.apply(to)).toBeUndefined();
    expect([one.scratch.text('a'), one.scratch.text(path), await one.indexed()]).toEqual([
      '1',
      text,
      one.from,
    ]);
    const published = await publishTree(one.repository, one.objects, { from: one.from, to });
    expect(!published.ok && published.error).toMatchObject({ kind: 'publish-refused', paths: [path] });
  }
});

it('an empty folder with folders in it, at the place of a new file, gives way', async () => {
  const one = await rig({ a: '1', z: '1' });
  const to = await one.edited({ a: '2', new: '2', z: undefined });
  mkdirSync(join(one.scratch.dir, 'new/inner'), { recursive: true });
  expect(await publishTree(one.repository, one.objects, { from: one.from, to })).toMatchObject({ ok: true });
  expect([one.scratch.text('new'), await one.snapshot()]).toEqual(['2', to]);
});

it('what only `git apply` needs does not keep a tree from being published', async () => {
  for (const hinder of [
    ({ scratch }) => scratch.git('config', 'apply.whitespace', 'unknown'),
    ({ scratch }) => scratch.git('config', 'apply.ignoreWhitespace', 'unknown'),
    ({ objects, repository }) => {
      const id = hashObject('blob', Buffer.from('1'), objects.hash);
      rmSync(join(repository.store, 'objects', id.slice(0, 2), id.slice(2)));
    },
  ] as ((one: Awaited<ReturnType<typeof rig>>) => unknown)[]) {
    const one = await rig({ a: '1' });
    const to = await one.edited({ a: '2', new: '2' });
    await hinder(one);
    const published = await publishTree(one.repository, one.objects, { from: one.from, to, isOnDisk: true });
    expect([published.ok, one.scratch.text('a'), await one.indexed()]).toEqual([true, '2', to]);
  }
});

it('a failure after files were written is not taken for a file that is not as it was', async () => {
  const one = await rig({ '.gitattributes': 'racy filter=once\n', a: '1', racy: '1', z: '1' });
  const works = join(one.scratch.dir, '.git/works');
  one.scratch.git('config', 'filter.once.clean', `test -e '${works}' && cat`);
  one.scratch.git('config', 'filter.once.required', 'true');
  one.scratch.write('.git/works', '');
  // git compares the contents of a file that may be younger than the index, when it writes the index.
  const later = Date.now() / 1000 + 3600;
  utimesSync(join(one.scratch.dir, 'racy'), later, later);
  const from = await one.snapshot();
  const to = await one.edited({ a: '2', new: '2', z: undefined });
  rmSync(works);
  await expect(publishTree(one.repository, one.objects, { from, to })).rejects.toThrow('clean filter');
  one.scratch.write('.git/works', '');
  expect(await recoverPublish(one.repository, one.objects)).toBe('completed');
  expect(await one.snapshot()).toBe(to);
});

it('files are written by the rules that come with them', async () => {
  const one = await rig({ '.gitattributes': '* -text\n', '!a': '1\n' });
  const to = await one.edited({ '.gitattributes': '* text eol=crlf\n', '!a': '2\n' });
  expect(await publishTree(one.repository, one.objects, { from: one.from, to })).toMatchObject({ ok: true });
  expect([one.scratch.text('!a'), await one.snapshot()]).toEqual(['2\r\n', to]);
});

it('links, large files, many files and files in the place of folders are left to another way', async () => {
  const one = await rig({ f: '1', 'd/g': '1', large: 'x'.repeat(1_000_001) });
  for (const changes of [
    { link: ['f', '120000'] as const },
    { f: 'x'.repeat(1_000_001) },
    { large: 'x' },
    { d: 'file', 'd/g': undefined },
    Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`many/${i}`, 'x'])),
    {},
  ])
    expect(await one.apply(await one.edited(changes))).toBeUndefined();
  expect(await one.snapshot()).toBe(one.from);
});
