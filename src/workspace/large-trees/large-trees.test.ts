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
import { ok } from '../../base/result.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Repository } from '../../io/git/repository.js';
import { NO_RULES, type RulesText } from '../../model/git-rules/git-rules.js';
import type { Entry } from '../../model/tree.js';
import { gitCommandsOf, ScratchRepository } from '../../test/rig/scratch-repository.js';
import { captureResult } from '../capture.js';
import { type Workspace, WorkspacePool } from '../workspace-pool.js';
import { folderLooks } from './record.js';

let scratch: ScratchRepository;
let repository: Repository;
let objects: GitObjects;
let texts: string[];
/** A file of attributes that convert nothing: the tree is not a small one, however few files it has. */
let ruled: string;

beforeAll(async () => {
  scratch = new ScratchRepository();
  scratch.write('f', '1');
  scratch.commit();
  const opened = await openRepository(scratch.dir);
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  repository = opened.value;
  objects = new GitObjects(repository);
  texts = await Promise.all(
    ['', 'one\n', 'two\n', 'abc\n'].map((text) => objects.writeBlob(Buffer.from(text))),
  );
  const rules = await objects.writeBlob(Buffer.from('*.md diff\n'));
  ruled = await objects.editTree(undefined, new Map([['.gitattributes', { mode: '100644', id: rules }]]));
});
afterAll(async () => {
  await objects.close();
  scratch.remove();
});

function poolWith({ rules = NO_RULES, keep = [] }: { rules?: RulesText; keep?: readonly string[] } = {}) {
  const setup = async () => ok(undefined);
  const options = { cacheDir: scratch.cache, link: [], keep, setupKey: '', isSandboxed: false, rules, setup };
  return new WorkspacePool(repository, objects, options);
}

async function acquire(pool: WorkspacePool, tree: string): Promise<Workspace> {
  const got = await pool.acquire(tree);
  if (!got.ok) throw new Error(JSON.stringify(got.error));
  return got.value;
}

async function treeOf(files: Readonly<Record<string, string>>, base = ruled): Promise<string> {
  const entries = new Map<string, Entry>();
  for (const [path, text] of Object.entries(files))
    entries.set(path, { mode: '100644', id: await objects.writeBlob(Buffer.from(text)) });
  return objects.editTree(base, entries);
}

/** The tree that git makes of all files of a folder, with an index of its own. */
function judged(workspace: Workspace): string {
  const gitDir = join(scratch.cache, 'judge');
  if (!existsSync(gitDir)) execFileSync('git', ['init', '-q', '--bare', gitDir]);
  rmSync(join(gitDir, 'index'), { force: true });
  const settings = ['core.autocrlf=false', 'core.excludesFile=/dev/null', 'advice.addEmbeddedRepo=false'];
  const args = [
    ...settings.flatMap((one) => ['-c', one]),
    `--git-dir=${gitDir}`,
    `--work-tree=${workspace.dir}`,
  ];
  const run = (...more: string[]) =>
    execFileSync('git', [...args, ...more], { cwd: workspace.dir, encoding: 'utf8' });
  run('add', '-A', '-f', '.');
  return run('write-tree').trim();
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

/** Small numbers that look random and are the same each time. */
function randomly(seed: number) {
  let state = seed;
  const next = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  return { next, of: <T>(list: readonly T[]): T => list[next(list.length)] as T };
}
type Random = ReturnType<typeof randomly>;

const NAMES = ['a', 'b', 'A', 'ö', 'x y', "it's", '-n', '.hidden', '日本', 'new\nline', '[x]', 'a*'];
const somePath = (random: Random) =>
  Array.from({ length: 1 + random.next(3) }, () => random.of(NAMES)).join('/');

async function someTree(random: Random, base: string): Promise<string> {
  const entries = new Map<string, Entry | undefined>();
  for (let i = 0; i < 25; i++) {
    const mode = random.of(['100644', '100644', '100755', '120000'] as const);
    // No link is without a target.
    const id = random.of(mode === '120000' ? texts.slice(1) : texts);
    entries.set(somePath(random), random.next(5) === 0 ? undefined : { mode, id });
  }
  return objects.editTree(base, entries);
}

/** What a program that wants to deceive does with a path. */
const CHANGES: Record<string, (at: { dir: string; path: string; other: string; random: Random }) => void> = {
  'writes a file': ({ path, random }) => {
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, random.of(['one\n', 'two\n', '']));
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
    if (existsSync(path)) chmodSync(path, random.of([0o755, 0o600, 0o700, 0o4755]));
  },
  'makes an empty folder': ({ path }) => {
    if (!lstatSync(path, { throwIfNoEntry: false })) mkdirSync(path);
  },
  'makes a link': ({ path, random }) => {
    rmSync(path, { recursive: true, force: true });
    symlinkSync(random.of(NAMES), path);
  },
  removes: ({ path }) => rmSync(path, { recursive: true, force: true }),
  'uses git': ({ dir, random }) => {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: dir, stdio: 'ignore' });
    git('add', '-A');
    if (random.next(2) === 0) git('rm', '-rq', '--cached', '--ignore-unmatch', '.');
    writeFileSync(join(dir, '.gitignore'), '*\n');
  },
};

function change(dir: string, random: Random): void {
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
  if (existsSync(dirname(path))) CHANGES[random.of(Object.keys(CHANGES))]?.({ dir, path, other, random });
}

describe.runIf(process.platform === 'linux')('a workspace with a record', () => {
  it('is captured as git would capture it, and shows what git would show', async () => {
    const random = randomly(5);
    const pool = poolWith();
    let tree = await someTree(random, ruled);
    let recorded = 0;
    for (let step = 0; step < 16; step++) {
      const workspace = await acquire(pool, tree);
      expect(judged(workspace)).toBe(tree);
      expect(workspace.shown.large?.tree).toBe(tree);
      for (let times = random.next(5); times >= 0; times--) change(workspace.dir, random);
      const expected = judged(workspace);
      const isLast = random.next(3) === 0;
      const options = { inputTree: tree, outputs: ['**'], edits: [], maxBytes: 1e6, isLast };
      const captured = await captureResult(workspace, objects, options);
      if (captured.ok) {
        expect(captured.value.tree).toBe(expected);
        if (!isLast) {
          expect(judged(workspace)).toBe(expected);
          if (workspace.shown.large) recorded++;
        }
        expect([...captured.value.outputs]).toEqual([...(await objects.list(expected)).files]);
      } else expect(captured.error).toMatchObject({ kind: 'link-leaves-tree' });
      if (random.next(2) === 0) {
        tree = await someTree(random, tree);
        await pool.show(workspace, tree);
        expect([step, judged(workspace)]).toEqual([step, tree]);
        expect(looks(workspace.dir)).toEqual(looksByGit(tree));
      }
      await pool.release(workspace);
    }
    expect(recorded).toBeGreaterThan(3);
  });

  it('costs one look of git at the files, however many there are', async () => {
    const pool = poolWith();
    const files = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`d${i % 7}/${i}`, `${i}`]));
    const tree = await treeOf(files, await objects.empty());
    const work = async (shown: string, isLast = false) => {
      const workspace = await acquire(pool, shown);
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
    const shown = await acquire(pool, tree);
    expect(judged(shown)).toBe(tree);
    await pool.release(shown);
  });

  it('goes on from its record when thousands of files only look changed', async () => {
    const pool = poolWith();
    const entry: Entry = { mode: '100644', id: texts[1] as string };
    // More than git is left to change.
    const paths = Array.from({ length: 5100 }, (_, i) => `d${i % 9}/${i}`);
    const tree = await objects.editTree(ruled, new Map(paths.map((path) => [path, entry])));
    const next = await treeOf({ 'd3/3': 'changed', 'new/one': '' }, tree);
    const workspace = await acquire(pool, tree);
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
    scratch.git('config', 'feature.manyFiles', 'true');
    scratch.git('config', 'index.version', '4');
    scratch.git('config', 'core.ignoreStat', 'true');
    try {
      const tree = await treeOf({ a: 'one', b: 'settings of a person' });
      const workspace = await acquire(poolWith(), tree);
      // Begun anew, as one that was never used.
      rmSync(workspace.index, { force: true });
      await poolWith().show(workspace, tree);
      expect(workspace.shown.large?.tree).toBe(tree);
      writeFileSync(join(workspace.dir, 'a'), 'two');
      const options = { inputTree: tree, outputs: ['a'], edits: [], maxBytes: 1e6 };
      const captured = await captureResult(workspace, objects, options);
      expect(captured.ok && captured.value.tree).toBe(await treeOf({ a: 'two' }, tree));
      await poolWith().release(workspace);
    } finally {
      for (const key of ['feature.manyFiles', 'index.version', 'core.ignoreStat'])
        scratch.git('config', '--unset', key);
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
    const pool = poolWith();
    const tree = await treeOf({ 'out/old': 'old', other: 'other' });
    const workspace = await acquire(pool, tree);
    work(workspace.dir);
    const options = { inputTree: tree, outputs: ['out/**'], edits: [], maxBytes: 1e8 };
    const captured = await captureResult(workspace, objects, options);
    if (outputs)
      expect(captured.ok && [...captured.value.outputs.keys()]).toEqual([...outputs, 'out/old'].sort());
    else expect(captured.ok).toBe(false);
    if (captured.ok) expect(judged(workspace)).toBe(captured.value.tree);
    await pool.release(workspace);
    const again = await acquire(pool, tree);
    expect(judged(again)).toBe(tree);
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
    const pool = poolWith();
    const tree = await treeOf({ 'd/in': '1', 'd/e/in': '2', other: '' });
    for (const next of [tree, await treeOf({ d: 'a file' }, ruled)]) {
      const workspace = await acquire(pool, tree);
      work(workspace.dir);
      const options = { inputTree: tree, outputs: ['d/**'], edits: [], maxBytes: 1e6, ignoreOthers: true };
      const captured = await captureResult(workspace, objects, options);
      expect(captured.ok && looks(workspace.dir)).toEqual(captured.ok && looksByGit(captured.value.tree));
      await pool.show(workspace, next, false);
      expect(judged(workspace)).toBe(next);
      expect(looks(workspace.dir)).toEqual(looksByGit(next));
      await pool.release(workspace);
    }
  });

  it('removes what the config keeps no longer, and keeps the rest', async () => {
    const tree = await treeOf({ 'a/file': '1' });
    const keep = ['kept/inside', 'a/cache'];
    const workspace = await acquire(poolWith({ keep }), tree);
    for (const path of keep) {
      mkdirSync(join(workspace.dir, path), { recursive: true });
      writeFileSync(join(workspace.dir, path, 'file'), '');
    }
    await poolWith({ keep }).show(workspace, tree, false);
    expect(existsSync(join(workspace.dir, 'kept/inside/file'))).toBe(true);
    await poolWith({ keep }).release(workspace);
    const other = await acquire(poolWith({ keep: ['a/cache'] }), tree);
    expect(other.dir).toBe(workspace.dir);
    expect(existsSync(join(other.dir, 'kept'))).toBe(false);
    await poolWith().release(other);
    const none = await acquire(poolWith(), tree);
    expect(looks(none.dir)).toEqual(looksByGit(tree));
    // A tree that has files where the config keeps some is for git.
    const third = await acquire(poolWith({ keep: ['a'] }), tree);
    expect(third.shown.large).toBe(undefined);
  });

  it('trusts what folders look like on file systems of the machine only', () => {
    const later = 2n ** 62n;
    scratch.write('folder/file', '');
    const own = folderLooks(scratch.dir, ['folder', 'missing', 'f'], later);
    expect(Object.keys(own)).toEqual(['', 'folder']);
    expect(own.folder).not.toBe('');
    expect(folderLooks(scratch.dir, ['folder'], 0n)).toEqual({ '': '', folder: '' });
    expect(folderLooks('/proc', ['self/fd'], later)).toEqual({ '': '', 'self/fd': '' });
  });

  it('writes files again when the rules are others', async () => {
    const tree = await treeOf({ 'a.txt': 'one\n' });
    const plain = await acquire(poolWith(), tree);
    await poolWith().release(plain);
    const rules = { attributes: '*.txt eol=crlf\n', ignores: '' };
    const converted = await acquire(poolWith({ rules }), tree);
    expect(readFileSync(join(converted.dir, 'a.txt'), 'utf8')).toBe('one\r\n');
    expect(converted.shown.large).toBe(undefined);
    await poolWith().release(converted);
    const again = await acquire(poolWith(), tree);
    expect(readFileSync(join(again.dir, 'a.txt'), 'utf8')).toBe('one\n');
  });
});

/** What a workspace without any history looks like. */
function looksByGit(tree: string): string[] {
  const dir = join(scratch.cache, 'fresh');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  const index = join(scratch.cache, 'fresh.index');
  rmSync(index, { force: true });
  execFileSync(
    'git',
    [`--git-dir=${repository.store}`, `--work-tree=${dir}`, 'read-tree', '-u', '--reset', tree],
    {
      cwd: dir,
      env: { ...process.env, GIT_INDEX_FILE: index },
    },
  );
  return looks(dir);
}
