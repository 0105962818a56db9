/** What conductor finds in a large tree by its record is what git finds, whatever a program did: git is the judge. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GitObjects } from '../../io/git/objects.js';
import type { Entry } from '../../model/tree.js';
import { Dice } from '../../test/rig/random-project.js';
import { gitCommandsOf } from '../../test/rig/scratch-repository.js';
import { WorkspaceRig } from '../../test/workspaces/workspace-rig.js';
import { captureResult } from '../capture.js';
import { folderLooks } from './record.js';

let rig: WorkspaceRig;
let objects: GitObjects;
let texts: string[];
/** A file of attributes that convert nothing: the tree is not a small one, however few files it has. */
let ruled: string;

beforeAll(async () => {
  rig = await WorkspaceRig.open();
  objects = rig.objects;
  texts = await Promise.all(
    ['', 'one\n', 'two\n', 'abc\n'].map((text) => objects.writeBlob(Buffer.from(text))),
  );
  const rules = await objects.writeBlob(Buffer.from('*.md diff\n'));
  ruled = await objects.editTree(undefined, new Map([['.gitattributes', { mode: '100644', id: rules }]]));
});
afterAll(() => rig.close());

async function treeOf(files: Readonly<Record<string, string>>, base = ruled): Promise<string> {
  const entries = new Map<string, Entry>();
  for (const [path, text] of Object.entries(files))
    entries.set(path, { mode: '100644', id: await objects.writeBlob(Buffer.from(text)) });
  return objects.editTree(base, entries);
}

/** Folders and modes, which no tree of git tells. */
function looks(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== '.git')
    .map((name) => {
      const { mode, nlink } = lstatSync(join(dir, name));
      const isFolder = (mode & 0o170000) === 0o040000;
      return `${name} ${mode.toString(8)} ${isFolder ? '' : nlink}`;
    })
    .sort();
}

const NAMES = ['a', 'b', 'A', 'ö', 'x y', "it's", '-n', '.hidden', '日本', 'new\nline', '[x]', 'a*'];
const somePath = (random: Dice) =>
  Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES)).join('/');

async function someTree(random: Dice, base: string): Promise<string> {
  const entries = new Map<string, Entry | undefined>();
  for (let i = 0; i < 25; i++) {
    const mode = random.pick(['100644', '100644', '100755', '120000'] as const);
    // No link is without a target.
    const id = random.pick(mode === '120000' ? texts.slice(1) : texts);
    entries.set(somePath(random), random.below(5) === 0 ? undefined : { mode, id });
  }
  return objects.editTree(base, entries);
}

/** What a program that wants to deceive does with a path. */
const CHANGES: Record<string, (at: { dir: string; path: string; other: string; random: Dice }) => void> = {
  'writes a file': ({ path, random }) => {
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, random.pick(['one\n', 'two\n', '']));
  },
  'writes as many bytes and puts the time back': ({ path }) => {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) return;
    const { atime, mtime } = statSync(path);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.toString('latin1').replaceAll('o', 'O'));
    utimesSync(path, atime, mtime);
  },
  'puts another file with the same size and time there': ({ dir, path }) => {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) return;
    const { atime, mtime, size } = statSync(path);
    const beside = join(dir, 'beside');
    rmSync(beside, { recursive: true, force: true });
    writeFileSync(beside, 'z'.repeat(size));
    utimesSync(beside, atime, mtime);
    renameSync(beside, path);
  },
  'exchanges two paths': ({ dir, path, other }) => {
    const between = join(dir, 'between');
    if (!existsSync(path) || !existsSync(other) || existsSync(between)) return;
    if (`${path}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${path}/`)) return;
    renameSync(path, between);
    renameSync(other, path);
    renameSync(between, other);
  },
  'takes a folder away and puts it back': ({ dir, path }) => {
    if (!existsSync(path)) return;
    renameSync(path, join(dir, 'away'));
    renameSync(join(dir, 'away'), path);
  },
  'makes a link of a folder': ({ dir, path }) => {
    const aside = join(dir, 'aside');
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory() || existsSync(aside)) return;
    renameSync(path, aside);
    symlinkSync(aside, path);
  },
  'gives a file a second name': ({ path, other }) => {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isFile() || existsSync(other)) return;
    linkSync(path, other);
  },
  'changes modes': ({ path, random }) => {
    if (existsSync(path)) chmodSync(path, random.pick([0o755, 0o600, 0o700, 0o4755]));
  },
  'makes an empty folder': ({ path }) => {
    if (!lstatSync(path, { throwIfNoEntry: false })) mkdirSync(path);
  },
  'makes a link': ({ path, random }) => {
    rmSync(path, { recursive: true, force: true });
    symlinkSync(random.pick(NAMES), path);
  },
  removes: ({ path }) => rmSync(path, { recursive: true, force: true }),
  'uses git': ({ dir, random }) => {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: dir, stdio: 'ignore' });
    git('add', '-A');
    if (random.below(2) === 0) git('rm', '-rq', '--cached', '--ignore-unmatch', '.');
    writeFileSync(join(dir, '.gitignore'), '*\n');
  },
};

function change(dir: string, random: Dice): void {
  const [path, other] = [join(dir, somePath(random)), join(dir, somePath(random))];
  for (const one of [path, other]) {
    let folder = dir;
    for (const name of dirname(one)
      .slice(dir.length + 1)
      .split('/')) {
      if (name === '') continue;
      folder = join(folder, name);
      if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(folder);
    }
    mkdirSync(dirname(one), { recursive: true });
  }
  // Removing the second path's way may have taken the first one's.
  if (existsSync(dirname(path))) CHANGES[random.pick(Object.keys(CHANGES))]?.({ dir, path, other, random });
}

describe.runIf(process.platform === 'linux')('a workspace with a record', () => {
  it('is captured as git would capture it, and shows what git would show', async () => {
    const random = new Dice(5);
    const pool = rig.pool();
    let tree = await someTree(random, ruled);
    let recorded = 0;
    for (let step = 0; step < 16; step++) {
      const workspace = await rig.acquire(pool, tree);
      expect(rig.judged(workspace)).toBe(tree);
      expect(workspace.shown.large?.tree).toBe(tree);
      for (let times = random.below(5); times >= 0; times--) change(workspace.dir, random);
      const expected = rig.judged(workspace);
      const isLast = random.below(3) === 0;
      const options = { inputTree: tree, outputs: ['**'], edits: [], maxBytes: 1e6, isLast };
      const captured = await captureResult(workspace, objects, options);
      if (captured.ok) {
        expect(captured.value.tree).toBe(expected);
        if (!isLast) {
          expect(rig.judged(workspace)).toBe(expected);
          if (workspace.shown.large) recorded++;
        }
        expect([...captured.value.outputs]).toEqual([...(await objects.list(expected)).files]);
      } else expect(captured.error).toMatchObject({ kind: 'link-leaves-tree' });
      if (random.below(2) === 0) {
        tree = await someTree(random, tree);
        await pool.show(workspace, tree);
        expect([step, rig.judged(workspace)]).toEqual([step, tree]);
        expect(looks(workspace.dir)).toEqual(looksByGit(tree));
      }
      await pool.release(workspace);
    }
    expect(recorded).toBeGreaterThan(3);
  });

  it('costs one look of git at the files, however many there are', async () => {
    const pool = rig.pool();
    const files = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`d${i % 7}/${i}`, `${i}`]));
    const tree = await treeOf(files, await objects.empty());
    const work = async (shown: string, isLast = false) => {
      const workspace = await rig.acquire(pool, shown);
      writeFileSync(join(workspace.dir, 'out'), 'x');
      const options = { inputTree: shown, outputs: ['out'], edits: [], maxBytes: 1e6, isLast };
      const captured = await captureResult(workspace, objects, options);
      expect(captured.ok && [...captured.value.outputs.keys()]).toEqual(['out']);
      await pool.release(workspace);
    };
    const looks = async (count: number, task: () => Promise<void>) =>
      expect(await gitCommandsOf(task)).toEqual(Array.from({ length: count }, () => 'diff-files'));
    await work(tree);
    const next = await treeOf({ 'd3/3': 'changed', 'new/one': '' }, tree);
    // One when it is shown, and one after the work: what is put back then needs no other.
    await looks(2, () => work(next));
    await looks(2, () => work(tree, true));
    // No program has run since.
    await looks(1, () => work(next, true));
    const shown = await rig.acquire(pool, tree);
    expect(rig.judged(shown)).toBe(tree);
    await pool.release(shown);
  });

  it('goes on from its record when thousands of files only look changed', async () => {
    const pool = rig.pool();
    const entry: Entry = { mode: '100644', id: texts[1] as string };
    // More than git is left to change.
    const paths = Array.from({ length: 5100 }, (_, i) => `d${i % 9}/${i}`);
    const tree = await objects.editTree(ruled, new Map(paths.map((path) => [path, entry])));
    const next = await treeOf({ 'd3/3': 'changed', 'new/one': '' }, tree);
    const workspace = await rig.acquire(pool, tree);
    const touch = () => {
      for (const path of paths) chmodSync(join(workspace.dir, path), 0o644);
    };
    touch();
    expect(await gitCommandsOf(() => pool.show(workspace, next))).toEqual(['diff-files']);
    expect(readFileSync(join(workspace.dir, 'd3/3'), 'utf8')).toBe('changed');
    touch();
    writeFileSync(join(workspace.dir, 'out'), 'x');
    const options = { inputTree: next, outputs: ['out'], edits: [], maxBytes: 1e6, isLast: true };
    const capture = async () => {
      const captured = await captureResult(workspace, objects, options);
      expect(captured.ok && [...captured.value.outputs.keys()]).toEqual(['out']);
    };
    expect(await gitCommandsOf(capture)).toEqual(['diff-files']);
    await pool.release(workspace);
  });

  it('has one, and its edits are seen, whatever form of index a person wants', async () => {
    rig.scratch.git('config', 'feature.manyFiles', 'true');
    rig.scratch.git('config', 'index.version', '4');
    rig.scratch.git('config', 'core.ignoreStat', 'true');
    try {
      const tree = await treeOf({ a: 'one', b: 'settings of a person' });
      const workspace = await rig.acquire(rig.pool(), tree);
      // As a workspace that was never used.
      rmSync(workspace.index, { force: true });
      await rig.pool().show(workspace, tree);
      expect(workspace.shown.large?.tree).toBe(tree);
      writeFileSync(join(workspace.dir, 'a'), 'two');
      const options = { inputTree: tree, outputs: ['a'], edits: [], maxBytes: 1e6 };
      const captured = await captureResult(workspace, objects, options);
      expect(captured.ok && captured.value.tree).toBe(await treeOf({ a: 'two' }, tree));
      await rig.pool().release(workspace);
    } finally {
      for (const key of ['feature.manyFiles', 'index.version', 'core.ignoreStat'])
        rig.scratch.git('config', '--unset', key);
    }
  });

  it.each<[string, (dir: string) => void, string[] | undefined]>([
    ['other line ends', (dir) => writeFileSync(join(dir, 'out/a'), 'a\r\n'), ['out/a']],
    [
      'rules of its own',
      (dir) => writeFileSync(join(dir, 'out/.gitattributes'), '* eol=crlf\n'),
      ['out/.gitattributes'],
    ],
    [
      'a name that is no text',
      (dir) => writeFileSync(Buffer.concat([Buffer.from(`${dir}/out/`), Buffer.from([0xff])]), ''),
      undefined,
    ],
    ['a large file', (dir) => writeFileSync(join(dir, 'out/a'), Buffer.alloc(9 * 1024 * 1024)), ['out/a']],
    ['a repository', (dir) => execFileSync('git', ['init', '-q', join(dir, 'out/r')]), undefined],
    [
      'a path that is a file now',
      (dir) => [rmSync(join(dir, 'out'), { recursive: true }), writeFileSync(join(dir, 'out'), '')],
      undefined,
    ],
  ])('leaves %s to git, and goes on from there', async (_, work, outputs) => {
    const pool = rig.pool();
    const tree = await treeOf({ 'out/old': 'old', other: 'other' });
    const workspace = await rig.acquire(pool, tree);
    work(workspace.dir);
    const options = { inputTree: tree, outputs: ['out/**'], edits: [], maxBytes: 1e8 };
    const captured = await captureResult(workspace, objects, options);
    if (outputs)
      expect(captured.ok && [...captured.value.outputs.keys()]).toEqual([...outputs, 'out/old'].sort());
    else expect(captured.ok).toBe(false);
    if (captured.ok) expect(rig.judged(workspace)).toBe(captured.value.tree);
    await pool.release(workspace);
    const again = await rig.acquire(pool, tree);
    expect(rig.judged(again)).toBe(tree);
    expect(looks(again.dir)).toEqual(looksByGit(tree));
    expect(again.shown.large?.tree).toBe(tree);
    await pool.release(again);
  });

  it.each<[string, (dir: string) => void]>([
    [
      'a link to itself in place of a folder',
      (dir) => [rmSync(join(dir, 'd'), { recursive: true }), symlinkSync('d', join(dir, 'd'))],
    ],
    [
      'a folder whose files were removed',
      (dir) => [rmSync(join(dir, 'd/in')), rmSync(join(dir, 'd/e'), { recursive: true })],
    ],
  ])('puts right %s', async (_, work) => {
    const pool = rig.pool();
    const tree = await treeOf({ 'd/in': '1', 'd/e/in': '2', other: '' });
    for (const next of [tree, await treeOf({ d: 'a file' }, ruled)]) {
      const workspace = await rig.acquire(pool, tree);
      work(workspace.dir);
      const options = { inputTree: tree, outputs: ['d/**'], edits: [], maxBytes: 1e6, ignoreOthers: true };
      const captured = await captureResult(workspace, objects, options);
      expect(captured.ok && looks(workspace.dir)).toEqual(captured.ok && looksByGit(captured.value.tree));
      await pool.show(workspace, next, false);
      expect(rig.judged(workspace)).toBe(next);
      expect(looks(workspace.dir)).toEqual(looksByGit(next));
      await pool.release(workspace);
    }
  });

  it('removes what the config keeps no longer, and keeps the rest', async () => {
    const tree = await treeOf({ 'a/file': '1' });
    const keep = ['kept/inside', 'a/cache'];
    const workspace = await rig.acquire(rig.pool({ keep }), tree);
    for (const path of keep) {
      mkdirSync(join(workspace.dir, path), { recursive: true });
      writeFileSync(join(workspace.dir, path, 'file'), '');
    }
    await rig.pool({ keep }).show(workspace, tree, false);
    expect(existsSync(join(workspace.dir, 'kept/inside/file'))).toBe(true);
    await rig.pool({ keep }).release(workspace);
    const other = await rig.acquire(rig.pool({ keep: ['a/cache'] }), tree);
    expect(other.dir).toBe(workspace.dir);
    expect(existsSync(join(other.dir, 'kept'))).toBe(false);
    await rig.pool().release(other);
    const none = await rig.acquire(rig.pool(), tree);
    expect(looks(none.dir)).toEqual(looksByGit(tree));
    // A tree that has files where the config keeps some is for git.
    const third = await rig.acquire(rig.pool({ keep: ['a'] }), tree);
    expect(third.shown.large).toBe(undefined);
  });

  it('trusts what folders look like on file systems of the machine only', () => {
    const later = 2n ** 62n;
    rig.scratch.write('folder/file', '');
    const own = folderLooks(rig.scratch.dir, ['folder', 'missing', 'f'], later);
    expect(Object.keys(own)).toEqual(['', 'folder']);
    expect(own.folder).not.toBe('');
    expect(folderLooks(rig.scratch.dir, ['folder'], 0n)).toEqual({ '': '', folder: '' });
    expect(folderLooks('/proc', ['self/fd'], later)).toEqual({ '': '', 'self/fd': '' });
  });

  it('writes files again when the rules are others', async () => {
    const tree = await treeOf({ 'a.txt': 'one\n' });
    const plain = await rig.acquire(rig.pool(), tree);
    await rig.pool().release(plain);
    const rules = { attributes: '*.txt eol=crlf\n', ignores: '' };
    const converted = await rig.acquire(rig.pool({ rules }), tree);
    expect(readFileSync(join(converted.dir, 'a.txt'), 'utf8')).toBe('one\r\n');
    expect(converted.shown.large).toBe(undefined);
    await rig.pool().release(converted);
    const again = await rig.acquire(rig.pool(), tree);
    expect(readFileSync(join(again.dir, 'a.txt'), 'utf8')).toBe('one\n');
  });
});

/** What a workspace without any history looks like. */
function looksByGit(tree: string): string[] {
  const dir = join(rig.scratch.cache, 'fresh');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  const index = join(rig.scratch.cache, 'fresh.index');
  rmSync(index, { force: true });
  execFileSync(
    'git',
    [`--git-dir=${rig.repository.store}`, `--work-tree=${dir}`, 'read-tree', '-u', '--reset', tree],
    {
      cwd: dir,
      env: { ...process.env, GIT_INDEX_FILE: index },
    },
  );
  return looks(dir);
}
