/** Snapshots depend on files, rules and the person's index, and not on what earlier snapshots have seen. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { fileIdentity } from '../io/files.js';
import { GitObjects } from '../io/git/objects.js';
import { openRepository } from '../io/git/open-repository.js';
import type { Repository } from '../io/git/repository.js';
import { copyIndex } from './index-record.js';
import { takeSnapshot } from './snapshot.js';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

class Checkout {
  readonly dir: string;

  constructor() {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-snapshot-')));
    roots.push(root);
    this.dir = join(root, 'project');
    mkdirSync(this.dir);
    this.git('init', '-q');
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.dir, path)), { recursive: true });
      writeFileSync(join(this.dir, path), text);
    }
  }

  async repository(folder = ''): Promise<Repository> {
    const opened = await openRepository(join(this.dir, folder));
    if (!opened.ok) throw new Error(JSON.stringify(opened.error));
    return opened.value;
  }

  /** Paths of the snapshot with their texts. `isFresh`: without anything that earlier ones have left. */
  async snapshot({ folder = '', isFresh = false, secrets = ['.env'] } = {}): Promise<Record<string, string>> {
    const repository = await this.repository(folder);
    const objects = new GitObjects(repository);
    if (isFresh) {
      rmSync(repository.state, { recursive: true });
      mkdirSync(repository.state);
    }
    try {
      const taken = await takeSnapshot(repository, objects, { secrets, named: [], force: [] });
      if (!taken.ok) throw new Error(JSON.stringify(taken.error));
      const listing = await objects.list(taken.value.tree);
      const texts = await objects.readMany(listing.paths.map((path) => listing.get(path)?.id as string));
      return Object.fromEntries(
        listing.paths.map((path) => [
          path,
          texts.get(listing.get(path)?.id as string)?.toString('utf8') ?? '',
        ]),
      );
    } finally {
      await objects.close();
    }
  }

  /** A warm snapshot, which must be that of a fresh one. */
  async same(folder = ''): Promise<Record<string, string>> {
    const warm = await this.snapshot({ folder });
    expect(await this.snapshot({ folder, isFresh: true })).toEqual(warm);
    return warm;
  }
}

const STEPS: readonly [string, (one: Checkout) => void, readonly string[]][] = [
  [
    'an ignored file',
    (one) => one.write({ '.gitignore': '*.log\n', 'a.log': '1', b: '2' }),
    ['.gitignore', 'b'],
  ],
  ['that the person tracks', (one) => one.git('add', '-f', 'a.log'), ['.gitignore', 'a.log', 'b']],
  ['and changes', (one) => one.write({ 'a.log': 'new' }), ['.gitignore', 'a.log', 'b']],
  ['and tracks no more', (one) => one.git('rm', '-q', '--cached', '-f', 'a.log'), ['.gitignore', 'b']],
  [
    'an untracked file that is ignored later',
    (one) => one.write({ '.gitignore': '*.log\nb\n' }),
    ['.gitignore'],
  ],
  ['by a rule that goes', (one) => one.write({ '.gitignore': '*.log\n' }), ['.gitignore', 'b']],
  ['ignored by this clone', (one) => one.write({ '.git/info/exclude': 'b\n' }), ['.gitignore']],
  ['tracked and then ignored', (one) => one.git('add', '-f', 'b'), ['.gitignore', 'b']],
  ['in a split index', (one) => one.git('update-index', '--split-index'), ['.gitignore', 'b']],
  ['which gets an ignored file', (one) => one.git('add', '-f', 'a.log'), ['.gitignore', 'a.log', 'b']],
];

test.each(['', 'sub/project'])(
  'an input is what is tracked, or neither tracked nor ignored (project in "%s")',
  async (folder) => {
    const one = new Checkout();
    const at = (checkout: Checkout): Checkout =>
      Object.assign(Object.create(checkout) as Checkout, {
        write: (files: Record<string, string>) =>
          checkout.write(
            Object.fromEntries(
              Object.entries(files).map(([path, text]) => [
                path.startsWith('.git/') ? path : join(folder, path),
                text,
              ]),
            ),
          ),
        git: (...args: string[]) => checkout.git('-C', join(checkout.dir, folder), ...args),
      });
    one.write({ [join(folder, '.keep')]: '' });
    for (const [, step, expected] of STEPS) {
      step(at(one));
      expect(Object.keys(await one.same(folder)).filter((path) => path !== '.keep')).toEqual(expected);
    }
  },
);

/** What happens after a look that saw `a/b/edited.txt` and `top.txt` with another content, and before the snapshot. */
const MEANWHILE: readonly [string, (path: (name: string) => string) => void][] = [
  ['nothing', () => {}],
  ['another edit', (path) => writeFileSync(path('top.txt'), 'later\n')],
  ['a file that goes with its folders', (path) => rmSync(path('a/b/edited.txt'))],
  ['another mode', (path) => chmodSync(path('top.txt'), 0o755)],
  [
    'a folder in the place of a file',
    (path) => {
      rmSync(path('top.txt'));
      mkdirSync(path('top.txt'));
      writeFileSync(path('top.txt/x'), 'x');
    },
  ],
];

test.each(
  MEANWHILE.flatMap(([name, change]) => ['', 'sub/project'].map((folder) => ({ name, change, folder }))),
)('a snapshot that goes on from a look is that of git after $name (project in "$folder")', async (one) => {
  const { change, folder } = one;
  const checkout = new Checkout();
  const path = (name: string) => join(checkout.dir, folder, name);
  const files = { 'a/b/edited.txt': '1\n', a0: 'beside\n', 'top.txt': '1\n', 'z/last.txt': 'z\n' };
  checkout.write(Object.fromEntries(Object.entries(files).map(([name, text]) => [join(folder, name), text])));
  const repository = await checkout.repository(folder);
  const objects = new GitObjects(repository);
  const index = join(repository.state, 'index');
  const how = { secrets: ['.env'], named: [], force: [] };
  const take = async (options: Parameters<typeof takeSnapshot>[2] = how) => {
    const taken = await takeSnapshot(repository, objects, options);
    if (!taken.ok) throw new Error(JSON.stringify(taken.error));
    return taken.value.tree;
  };
  const known = { large: [], paths: ['a/b/edited.txt', 'top.txt'].map((name) => join(folder, name)) };
  const asGit = () =>
    checkout
      .git(
        `--git-dir=${repository.store}`,
        ...['-c', 'core.bare=false', `--work-tree=${repository.top}`, 'ls-tree', '-r'],
        execFileSync('git', [`--git-dir=${repository.store}`, 'write-tree'], {
          env: { ...process.env, GIT_INDEX_FILE: index },
          encoding: 'utf8',
        }).trim(),
      )
      .trim();
  try {
    for (const isKnown of [true, false]) {
      // Where the tree of before cannot be read, git is asked.
      const tree = isKnown ? await take() : '1'.repeat(repository.objectFormat === 'sha1' ? 40 : 64);
      if (isKnown) for (const name of known.paths) writeFileSync(join(checkout.dir, name), '2\n');
      if (isKnown) change(path);
      const seen = { ...known, index: fileIdentity(index) as string, tree };
      const found = await objects.list(await take({ ...how, seen }));
      const lines = found.paths.map((name) => {
        const { mode, id } = found.get(name) ?? {};
        return `${mode} blob ${id}\t${join(folder, name)}`;
      });
      expect(lines).toEqual(asGit().split('\n'));
    }
  } finally {
    await objects.close();
  }
});

const TEXT = 'a\r\nb\r\n';
const PLAIN = 'a\nb\n';

test.each<[string, (one: Checkout) => void, string]>([
  ['core.autocrlf', (one) => one.git('config', 'core.autocrlf', 'true'), PLAIN],
  ['attributes of the project', (one) => one.write({ '.gitattributes': '*.txt text\n' }), PLAIN],
  ['attributes of a folder', (one) => one.write({ 'in/.gitattributes': '*.txt text eol=crlf\n' }), PLAIN],
  ['attributes of the clone', (one) => one.write({ '.git/info/attributes': '*.txt text\n' }), PLAIN],
  [
    'a filter',
    (one) => {
      one.write({ '.gitattributes': '*.txt filter=big\n' });
      one.git('config', 'filter.big.clean', 'tr a-z A-Z');
    },
    'A\r\nB\r\n',
  ],
])('%s change the snapshot at once, as in a fresh clone of the files', async (_name, set, expected) => {
  const one = new Checkout();
  one.write({ 'in/a.txt': TEXT });
  expect((await one.same())['in/a.txt']).toBe(TEXT);
  set(one);
  expect((await one.same())['in/a.txt']).toBe(expected);
});

test('a tracked file that the person checked out under older attributes is read as today', async () => {
  const one = new Checkout();
  one.write({ 'a.txt': TEXT });
  one.git('-c', 'core.autocrlf=false', 'add', 'a.txt');
  one.write({ '.gitattributes': '*.txt text\n' });
  expect((await one.same())['a.txt']).toBe(PLAIN);
  expect(readFileSync(join(one.dir, 'a.txt'), 'utf8')).toBe(TEXT);
});

test('rules above the project are noticed', async () => {
  const one = new Checkout();
  one.write({ 'sub/a.txt': TEXT, 'sub/b.log': '' });
  expect(await one.same('sub')).toEqual({ 'a.txt': TEXT, 'b.log': '' });
  one.write({ '.gitattributes': 'sub/*.txt text\n', '.gitignore': '*.log\n' });
  expect(await one.same('sub')).toEqual({ 'a.txt': PLAIN });
});

test('a secret that git tracks is left out by a plain pattern, also in a project in a sub-folder', async () => {
  const one = new Checkout();
  const inside = { 'config/prod.json': '1', 'inner/config/prod.json': '2', 'one.txt': '3' };
  for (const folder of ['', 'sub/', 'odd[1]/']) {
    one.write(Object.fromEntries(Object.entries(inside).map(([path, text]) => [`${folder}${path}`, text])));
  }
  one.git('add', '-A');
  const secrets = ['config/prod.json'];
  for (const folder of ['', 'sub', 'odd[1]']) {
    const paths = Object.keys(await one.snapshot({ folder, secrets }));
    expect(
      paths.filter((path) => !path.startsWith('sub/') && !path.startsWith('odd')),
      folder,
    ).toEqual(['inner/config/prod.json', 'one.txt']);
  }
});

test('a first snapshot reads files that git is told not to look at, and leaves out a secret among them', async () => {
  const one = new Checkout();
  one.write({ '.env': '1', 'a.txt': '1', 'b.txt': '1' });
  one.git('add', '-A');
  one.git('update-index', '--assume-unchanged', 'a.txt', '.env');
  one.git('update-index', '--skip-worktree', 'b.txt');
  one.write({ '.env': '2', 'a.txt': 'changed', 'b.txt': 'changed, too' });
  expect(await one.snapshot()).toEqual({ 'a.txt': 'changed', 'b.txt': 'changed, too' });
});

test('where git cannot read the person’s index, a first snapshot reads the files', async () => {
  const one = new Checkout();
  one.write({ '.env': '1', 'a.txt': '1' });
  one.git('add', '-A');
  one.write({ '.git/index': 'damaged' });
  expect(await one.snapshot()).toEqual({ 'a.txt': '1' });
});

test('a copied index is kept with what it knows, and one without its records or of changed files is not believed', async () => {
  const checkout = new Checkout();
  checkout.write({ 'a.txt': 'a', 'b.txt': 'b', '.env': 'secret' });
  for (const file of ['a.txt', 'b.txt']) utimesSync(join(checkout.dir, file), 1e9, 1e9);
  const repository = await checkout.repository();
  const first = await checkout.snapshot();
  const read = async (state: string, secrets = ['.env']) => {
    const objects = new GitObjects(repository);
    try {
      const taken = await takeSnapshot({ ...repository, state }, objects, { secrets, named: [], force: [] });
      return taken.ok ? (await objects.list(taken.value.tree)).paths : taken.error;
    } finally {
      await objects.close();
    }
  };
  const scratch = async (name: string) => {
    const state = join(repository.state, name);
    mkdirSync(state);
    await copyIndex(repository.state, state);
    return { state, index: fileIdentity(join(state, 'index')) };
  };
  const kept = await scratch('kept');
  expect(await read(kept.state)).toEqual(Object.keys(first));
  expect(fileIdentity(join(kept.state, 'index'))).toBe(kept.index);
  const other = await scratch('other');
  expect(await read(other.state, [])).toEqual(['.env', ...Object.keys(first)]);
  const changed = await scratch('changed');
  checkout.write({ 'a.txt': 'changed', 'c.txt': 'c' });
  expect(await read(changed.state)).toEqual([...Object.keys(first), 'c.txt']);
  rmSync(join(repository.state, 'index-settings.json'));
  await expect(copyIndex(repository.state, changed.state)).rejects.toThrow('ENOENT');
});
