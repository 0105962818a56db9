/** Snapshots, workspaces, captures and publishing on real repositories: the person's one is only borrowed. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ok } from '../base/result.js';
import { GitError } from '../io/git/git-process.js';
import { GitObjects } from '../io/git/objects.js';
import { openRepository } from '../io/git/open-repository.js';
import type { Repository } from '../io/git/repository.js';
import type { Entry } from '../model/tree.js';
import { ScratchRepository } from '../test/rig/scratch-repository.js';
import { captureResult } from './capture.js';
import { commitTasks } from './commit/commit.js';
import { holds, statOf } from './in-the-way.js';
import { applyPatch } from './patches/patch.js';
import { publishTree, recoverPublish } from './publish.js';
import { type SnapshotOptions, takeSnapshot } from './snapshot.js';
import { type Workspace, WorkspacePool } from './workspace-pool.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function scratchRepository(...init: string[]): ScratchRepository {
  const scratch = new ScratchRepository(...init);
  cleanups.push(() => scratch.remove());
  return scratch;
}

class Rig {
  readonly scratch: ScratchRepository;
  readonly repository: Repository;
  readonly objects: GitObjects;
  constructor(scratch: ScratchRepository, repository: Repository) {
    this.scratch = scratch;
    this.repository = repository;
    this.objects = new GitObjects(repository);
    cleanups.push(() => this.objects.close());
  }
  async snapshot(options: Partial<SnapshotOptions> = {}): Promise<string> {
    const taken = await takeSnapshot(this.repository, this.objects, {
      secrets: [],
      named: [],
      force: [],
      ...options,
    });
    if (!taken.ok) throw new Error(JSON.stringify(taken.error));
    return taken.value.tree;
  }
  async paths(tree: string): Promise<string[]> {
    return [...(await this.objects.list(tree)).paths];
  }
  async text(tree: string, path: string): Promise<string | undefined> {
    const entry = (await this.objects.list(tree)).get(path);
    return entry && (await this.objects.read(entry.id))?.toString();
  }
  async entry(content: string, mode: Entry['mode'] = '100644'): Promise<Entry> {
    return { mode, id: await this.objects.writeBlob(Buffer.from(content)) };
  }
  async edit(tree: string, files: Record<string, string | undefined>): Promise<string> {
    const changes = new Map<string, Entry | undefined>();
    for (const [path, content] of Object.entries(files)) {
      changes.set(path, content === undefined ? undefined : await this.entry(content));
    }
    return this.objects.editTree(tree, changes);
  }
  pool(link: string[] = [], keep: string[] = []): WorkspacePool {
    return new WorkspacePool(this.repository, this.objects, {
      cacheDir: this.scratch.cache,
      link,
      keep,
      setupKey: '',
      isSandboxed: async () => false,
      setup: async () => ok(undefined),
    });
  }
  async workspace(inputTree: string, pool = this.pool()): Promise<Workspace> {
    const got = await pool.acquire(inputTree);
    if (!got.ok) throw new Error(JSON.stringify(got.error));
    return got.value;
  }
}

async function rig(scratch = scratchRepository(), dir = scratch.dir): Promise<Rig> {
  const opened = await openRepository(dir);
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  return new Rig(scratch, opened.value);
}

const STRANGE = ['a b', 'line\nfeed', '"quoted"', "it's", 'grün', '-leading', '[x]*?', ':(top)y'];

describe('a snapshot', () => {
  it('has uncommitted, untracked, strange, executable and linked files, and not the deleted and ignored ones', async () => {
    const scratch = scratchRepository();
    scratch.write('.gitignore', 'out/\n');
    scratch.write('old', '1');
    scratch.write('gone', '1');
    scratch.commit();
    scratch.write('old', '2');
    rmSync(join(scratch.dir, 'gone'));
    for (const name of STRANGE) scratch.write(name, 'x');
    scratch.write('run', '#!/bin/sh\n');
    chmodSync(join(scratch.dir, 'run'), 0o755);
    symlinkSync('old', join(scratch.dir, 'link'));
    scratch.write('out/made', '1');
    scratch.write('out/scratch', '1');
    // As the build logs leave it: a folder that ignores itself.
    scratch.write('.conductor/.gitignore', '*\n');
    scratch.write('.conductor/log', '1');
    const { repository, objects, ...rest } = await rig(scratch);
    const one = Object.assign(new Rig(scratch, repository), rest);
    const tree = await one.snapshot({ force: ['out/made', 'out/absent'] });
    expect(await one.paths(tree)).toEqual(
      expect.arrayContaining(['.gitignore', 'link', 'old', 'out/made', 'run', ...STRANGE]),
    );
    expect((await one.paths(tree)).filter((path) => !STRANGE.includes(path))).toEqual([
      '.gitignore',
      'link',
      'old',
      'out/made',
      'run',
    ]);
    const listing = await one.objects.list(tree);
    expect([listing.get('run')?.mode, listing.get('link')?.mode]).toEqual(['100755', '120000']);
    expect(await one.text(tree, 'old')).toBe('2');
    expect(await one.snapshot({ force: ['out/made'] })).toBe(tree);
    await objects.close();
  });

  it('works without any commit, and of nothing', async () => {
    const one = await rig();
    expect(await one.paths(await one.snapshot())).toEqual([]);
    one.scratch.write('f', '1');
    expect(await one.paths(await one.snapshot())).toEqual(['f']);
  });

  it('of a project in a sub-folder is relative to it and obeys the ignore rules above it', async () => {
    const scratch = scratchRepository();
    scratch.write('.gitignore', '*.log\n');
    scratch.write('sub dir/p/f', '1');
    scratch.write('sub dir/p/x.log', '1');
    scratch.write('other', '1');
    scratch.commit();
    const one = await rig(scratch, join(scratch.dir, 'sub dir/p'));
    expect(await one.paths(await one.snapshot())).toEqual(['f']);
    expect(await one.paths(await one.snapshot({ force: ['x.log'] }))).toEqual(['f', 'x.log']);
  });

  it('leaves secrets out, also committed ones and ones that a later list names, and keeps a named one', async () => {
    const scratch = scratchRepository();
    scratch.write('.env', 'KEY=1');
    scratch.write('a/.env', 'KEY=1');
    scratch.write('a/id.pem', 'KEY=1');
    scratch.write('f', '1');
    scratch.commit();
    const one = await rig(scratch);
    expect(await one.paths(await one.snapshot({ secrets: ['**/.env'] }))).toEqual(['a/id.pem', 'f']);
    expect(await one.paths(await one.snapshot({ secrets: ['**/.env', '**/*.pem'] }))).toEqual(['f']);
    expect(
      await one.paths(await one.snapshot({ secrets: ['**/.env', '**/*.pem'], named: ['.env'] })),
    ).toEqual(['.env', 'f']);
  });

  it('sees a change of equal size made in the second in which the person staged the file', async () => {
    const scratch = scratchRepository();
    const file = join(scratch.dir, 'f');
    const second = new Date(Math.floor(statSync(scratch.dir).mtimeMs / 1000) * 1000);
    scratch.git('config', 'core.trustctime', 'false');
    scratch.write('f', 'aaaa');
    utimesSync(file, second, second);
    scratch.git('add', 'f');
    // Written in place: the same inode, size and time.
    writeFileSync(file, 'bbbb');
    utimesSync(file, second, second);
    utimesSync(join(scratch.dir, '.git/index'), second, second);
    const one = await rig(scratch);
    expect(await one.text(await one.snapshot(), 'f')).toBe('bbbb');
  });

  it('sees through "assume unchanged" and through a split index', async () => {
    const scratch = scratchRepository();
    scratch.write('f', '1');
    scratch.commit();
    scratch.git('update-index', '--assume-unchanged', 'f');
    scratch.write('f', 'changed');
    const one = await rig(scratch);
    expect(await one.text(await one.snapshot(), 'f')).toBe('changed');
    const split = scratchRepository();
    split.write('f', '1');
    split.commit();
    split.git('update-index', '--split-index');
    split.write('f', 'changed');
    const two = await rig(split);
    expect(await two.text(await two.snapshot(), 'f')).toBe('changed');
  });

  it('is taken again when its index is damaged or still locked by a dead build', async () => {
    const one = await rig();
    one.scratch.write('f', '1');
    const tree = await one.snapshot();
    writeFileSync(join(one.repository.state, 'index'), 'rubbish');
    writeFileSync(join(one.repository.state, 'index.lock'), '');
    expect(await one.snapshot()).toBe(tree);
  });

  it('passes over an embedded repository without commits and shows a submodule by its commit', async () => {
    const scratch = scratchRepository();
    scratch.write('f', '1');
    for (const [name, isCommitted] of [
      ['empty', false],
      ['sub', true],
    ] as const) {
      scratch.write(`${name}/g`, '1');
      const inner = join(scratch.dir, name);
      scratch.gitIn(inner, 'init', '-q');
      if (!isCommitted) continue;
      scratch.gitIn(inner, 'add', '-A');
      scratch.gitIn(inner, '-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '-qm', 'x');
    }
    const one = await rig(scratch);
    const tree = await one.snapshot();
    expect((await one.objects.list(tree)).get('sub')?.mode).toBe('160000');
    expect(await one.text(tree, 'f')).toBe('1');
  });

  it('applies the filters of the local configuration, and publishing undoes them', async () => {
    const scratch = scratchRepository();
    scratch.git('config', 'filter.rot.clean', 'tr a-y b-z');
    scratch.git('config', 'filter.rot.smudge', 'tr b-z a-y');
    scratch.write('.gitattributes', '*.rot filter=rot\n');
    scratch.write('f.rot', 'abc');
    const one = await rig(scratch);
    const from = await one.snapshot();
    expect(await one.text(from, 'f.rot')).toBe('bcd');
    const done = await publishTree(one.repository, one.objects, {
      from,
      to: await one.edit(from, { 'f.rot': 'xyz' }),
    });
    expect([done.ok, scratch.text('f.rot')]).toEqual([true, 'wxy']);
  });

  it.each(['a linked worktree', 'a shallow clone', 'a SHA-256 repository'])('works in %s', async (kind) => {
    const scratch = scratchRepository(...(kind.includes('SHA') ? ['--object-format=sha256'] : []));
    scratch.write('f', '1');
    scratch.commit();
    scratch.write('f', '2');
    scratch.commit();
    let dir = scratch.dir;
    if (kind.includes('worktree')) {
      dir = join(scratch.root, 'linked');
      scratch.git('worktree', 'add', '-q', dir);
    }
    if (kind.includes('shallow')) {
      dir = join(scratch.root, 'shallow');
      scratch.gitIn(scratch.root, 'clone', '-q', '--depth=1', `file://${scratch.dir}`, dir);
    }
    const one = await rig(scratch, dir);
    const from = await one.snapshot();
    const workspace = await one.workspace(from);
    expect(readFileSync(join(workspace.dir, 'f'), 'utf8')).toBe('2');
    expect(
      (await publishTree(one.repository, one.objects, { from, to: await one.edit(from, { g: 'x' }) })).ok,
    ).toBe(true);
    expect(readFileSync(join(dir, 'g'), 'utf8')).toBe('x');
  });
});

describe("the person's repository", () => {
  it('is the same before and after a snapshot, a task and a publish', async () => {
    const scratch = scratchRepository();
    scratch.write('f', '1');
    scratch.commit();
    scratch.write('staged', '1');
    scratch.git('add', 'staged');
    scratch.write('untracked', '1');
    writeFileSync(join(scratch.dir, '.git/hooks/post-checkout'), '#!/bin/sh\ntouch ../ran\n', {
      mode: 0o755,
    });
    const before = scratch.borrowed();
    const one = await rig(scratch);
    const from = await one.snapshot();
    const workspace = await one.workspace(from);
    writeFileSync(join(workspace.dir, 'out'), 'made');
    const captured = await captureResult(workspace, one.objects, {
      inputTree: from,
      outputs: ['out'],
      edits: [],
      maxBytes: 1e6,
    });
    if (!captured.ok) throw new Error(JSON.stringify(captured.error));
    expect((await publishTree(one.repository, one.objects, { from, to: captured.value.tree })).ok).toBe(true);
    expect(scratch.text('out')).toBe('made');
    expect(scratch.borrowed()).toEqual(before);
  });
});

describe('a capture', () => {
  async function captured(
    outputs: string[],
    act: (dir: string) => void,
    files: Record<string, string> = {},
    edits: string[] = [],
  ) {
    const one = await rig();
    for (const [path, content] of Object.entries({
      '.gitignore': 'cache/\nout/\n',
      f: '1',
      'src/g': '1',
      ...files,
    }))
      one.scratch.write(path, content);
    const inputTree = await one.snapshot();
    const workspace = await one.workspace(inputTree);
    act(workspace.dir);
    const result = await captureResult(workspace, one.objects, {
      inputTree,
      outputs,
      edits,
      maxBytes: 1000,
    });
    return {
      one,
      workspace,
      result,
      kind: result.ok ? 'ok' : result.error.kind,
      facts: result.ok ? {} : result.error,
    };
  }
  const put = (dir: string, path: string, content = 'x') => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), content);
  };

  it('takes owned files, ignored ones too, and edits; scratch is gone afterwards', async () => {
    const got = await captured(
      ['out/**', 'new'],
      (dir) => {
        put(dir, 'out/a');
        put(dir, 'new');
        put(dir, 'cache/c');
        put(dir, 'f', '2');
      },
      {},
      ['f'],
    );
    if (!got.result.ok) throw new Error(got.kind);
    expect([...got.result.value.outputs.keys()].sort()).toEqual(['new', 'out/a']);
    expect(got.result.value.edits.map((edit) => edit.path)).toEqual(['f']);
    expect(existsSync(join(got.workspace.dir, 'cache'))).toBe(false);
    expect(readFileSync(join(got.workspace.dir, 'f'), 'utf8')).toBe('2');
  });

  it('keeps what an earlier attempt left when a later one adds to it', async () => {
    const got = await captured(['new', 'more'], (dir) => put(dir, 'new'));
    put(got.workspace.dir, 'more');
    const inputTree = await got.one.snapshot();
    const again = await captureResult(got.workspace, got.one.objects, {
      inputTree,
      outputs: ['new', 'more'],
      edits: [],
      maxBytes: 1000,
    });
    expect(again.ok && [...again.value.outputs.keys()].sort()).toEqual(['more', 'new']);
  });

  it('refuses writes, changes and deletions outside', async () => {
    const got = await captured(['new'], (dir) => {
      put(dir, 'stray');
      put(dir, 'f', '2');
      rmSync(join(dir, 'src/g'));
    });
    expect(got.facts).toEqual({ kind: 'wrote-outside-outputs', paths: ['f', 'src/g', 'stray'] });
  });

  it.each(['.gitignore', 'src/.gitignore'])(
    'hides nothing behind an ignore rule that the agent wrote in %s',
    async (rules) => {
      const got = await captured(['new'], (dir) => {
        put(dir, rules, '*\n');
        put(dir, 'src/stray');
      });
      expect(got.facts).toEqual({ kind: 'wrote-outside-outputs', paths: [rules, 'src/stray'] });
    },
  );

  it('believes neither a commit, nor an index flag, nor another .git of the agent', async () => {
    const got = await captured(['new'], (dir) => {
      put(dir, 'f', '2');
      const { scratch } = { scratch: new ScratchRepository() };
      cleanups.push(() => scratch.remove());
      scratch.gitIn(dir, 'update-index', '--assume-unchanged', 'f');
      scratch.gitIn(
        dir,
        '-c',
        'user.name=x',
        '-c',
        'user.email=x@y',
        'commit',
        '-q',
        '--allow-empty',
        '-m',
        'x',
      );
      rmSync(join(dir, '.git'));
      scratch.gitIn(dir, 'init', '-q');
    });
    expect(got.facts).toEqual({ kind: 'wrote-outside-outputs', paths: ['f'] });
    const again = await got.one.workspace(await got.one.snapshot());
    expect(lstatSync(join(again.dir, '.git')).isFile()).toBe(true);
  });

  it.each(['/etc/passwd', '../../x', 'a/../../x', '.git/config'])('refuses a link to %s', async (target) => {
    const got = await captured(['new'], (dir) => symlinkSync(target, join(dir, 'new')));
    expect(got.kind).toBe('link-leaves-tree');
  });

  it('refuses a link that leaves the tree by way of another link', async () => {
    const got = await captured(['a/**', 'new'], (dir) => {
      mkdirSync(join(dir, 'a/b'), { recursive: true });
      symlinkSync('../..', join(dir, 'a/b/up'));
      symlinkSync('a/b/up/../x', join(dir, 'new'));
    });
    expect(got.kind).toBe('link-leaves-tree');
  });

  it('refuses embedded repositories, names that some file system takes for .git, and too many bytes', async () => {
    const inner = (folder: string) => (dir: string) => {
      put(dir, `${folder}/h`);
      const scratch = new ScratchRepository();
      cleanups.push(() => scratch.remove());
      scratch.gitIn(join(dir, folder), 'init', '-q');
    };
    expect((await captured(['lib/**'], inner('lib'))).kind).toBe('unsafe-path');
    expect((await captured(['src/**'], inner('src'))).kind).toBe('unsafe-path');
    expect((await captured(['lib/**'], (dir) => put(dir, 'lib/.GIT/config'))).kind).toBe('unsafe-path');
    expect((await captured(['new'], (dir) => put(dir, 'new', 'x'.repeat(1001)))).kind).toBe(
      'output-too-large',
    );
  });
});

describe('a workspace', () => {
  it('shows exactly the view, links what the project has, and never deletes through a link', async () => {
    const one = await rig();
    one.scratch.write('.gitignore', 'node_modules/\n');
    one.scratch.write('f', '1');
    one.scratch.write('node_modules/m/index.js', 'm');
    const inputTree = await one.snapshot();
    const pool = one.pool(['node_modules', 'absent'], ['kept']);
    const workspace = await one.workspace(inputTree, pool);
    expect(lstatSync(join(workspace.dir, 'node_modules/m')).isSymbolicLink()).toBe(true);
    writeFileSync(join(workspace.dir, 'junk'), 'x');
    mkdirSync(join(workspace.dir, 'kept'));
    writeFileSync(join(workspace.dir, 'kept/x'), 'x');
    await pool.release(workspace);
    const again = await one.workspace(await one.edit(inputTree, { f: undefined, 'd/g': '2' }), pool);
    expect(again.dir).toBe(workspace.dir);
    expect(['f', 'junk', 'absent', 'kept'].filter((path) => existsSync(join(again.dir, path)))).toEqual([]);
    expect(['d/g', 'node_modules/m/index.js'].every((path) => existsSync(join(again.dir, path)))).toBe(true);
    expect(one.scratch.text('node_modules/m/index.js')).toBe('m');
    await pool.close();
  });

  it('does not make a link through a folder of the view that is a link itself', async () => {
    const one = await rig();
    const outside = join(one.scratch.root, 'outside');
    mkdirSync(outside);
    one.scratch.write('.gitignore', 'node_modules\n');
    one.scratch.write('f', '1');
    const from = await one.snapshot();
    one.scratch.write('p/node_modules/m', '1');
    const inputTree = await one.objects.editTree(from, new Map([['p', await one.entry(outside, '120000')]]));
    await one.workspace(inputTree, one.pool(['p/node_modules']));
    expect(existsSync(join(outside, 'node_modules'))).toBe(false);
  });

  it.each(['worktree', 'git folder', 'index'])('whose %s is damaged is rebuilt', async (part) => {
    const one = await rig();
    one.scratch.write('f', '1');
    const inputTree = await one.snapshot();
    const pool = one.pool();
    const workspace = await one.workspace(inputTree, pool);
    await pool.release(workspace);
    if (part === 'index') writeFileSync(workspace.index, 'rubbish');
    else rmSync(part === 'worktree' ? workspace.dir : workspace.gitDir, { recursive: true });
    expect(readFileSync(join((await one.workspace(inputTree, pool)).dir, 'f'), 'utf8')).toBe('1');
  });
});

describe('publishing', () => {
  it('writes and removes, with the folders that became empty', async () => {
    const one = await rig();
    one.scratch.write('d/e/f', '1');
    one.scratch.write('g', '1');
    const from = await one.snapshot();
    const done = await publishTree(one.repository, one.objects, {
      from,
      to: await one.edit(from, { 'd/e/f': undefined, 'n/h': '2' }),
    });
    expect(done.ok && done.value).toEqual({ written: ['n/h'], removed: ['d/e/f'] });
    expect([existsSync(join(one.scratch.dir, 'd')), one.scratch.text('n/h'), one.scratch.text('g')]).toEqual([
      false,
      '2',
      '1',
    ]);
  });

  it.each([
    ['a changed file', 'f', 'mine'],
    ['an untracked file', 'new', 'mine'],
    ['an ignored file', 'out/new', 'mine'],
    ['a file where a folder is to be', 'deep', 'mine'],
  ])('is refused whole by %s in the way', async (_name, path, content) => {
    const one = await rig();
    one.scratch.write('.gitignore', 'out/\n');
    one.scratch.write('f', '1');
    one.scratch.write('a', '1');
    const from = await one.snapshot();
    const to = await one.edit(from, { a: '2', f: '2', new: '2', 'out/new': '2', 'deep/x': '2' });
    one.scratch.write(path, content);
    const done = await publishTree(one.repository, one.objects, { from, to });
    expect(done.ok ? done.value : done.error.kind).toBe('publish-refused');
    expect(!done.ok && done.error.kind === 'publish-refused' && done.error.paths.join()).toContain(path);
    expect([one.scratch.text(path), one.scratch.text('a')]).toEqual(['mine', '1']);
    expect(await recoverPublish(one.repository, one.objects)).toBe('nothing');
  });

  it("that was killed is completed: torn and missing files are written, a person's edit stays", async () => {
    const one = await rig();
    for (const name of ['same', 'torn', 'missing', 'edited', 'gone']) one.scratch.write(name, 'before');
    const from = await one.snapshot();
    const after = {
      same: 'after',
      torn: 'a whole new text',
      missing: 'after',
      edited: 'after',
      gone: undefined,
      'n/new': 'after',
    };
    const to = await one.edit(from, after);
    one.scratch.write('torn', 'a whole');
    rmSync(join(one.scratch.dir, 'missing'));
    one.scratch.write('edited', 'by hand');
    writeFileSync(join(one.repository.state, 'publish.json'), JSON.stringify({ from, to }));
    expect(await recoverPublish(one.repository, one.objects)).toBe('completed');
    const now = await one.snapshot();
    expect(now).toBe(await one.edit(to, { edited: 'by hand' }));
    expect(await recoverPublish(one.repository, one.objects)).toBe('nothing');
  });

  it("that wrote gone files again and was killed is completed: a person's file and a folder in a place stay, others are not touched", async () => {
    const one = await rig();
    const paths = ['deep/gone', 'deep/torn', 'edited', 'blocked', 'written', 'removed'];
    for (const name of paths) one.scratch.write(name, 'a whole text');
    const to = await one.snapshot();
    rmSync(join(one.scratch.dir, 'deep'), { recursive: true });
    for (const name of ['edited', 'blocked', 'removed']) rmSync(join(one.scratch.dir, name));
    one.scratch.write('deep/torn', 'a whole');
    one.scratch.write('edited', 'by hand');
    one.scratch.write('blocked/own', 'by hand');
    const gone = paths.filter((path) => path !== 'removed');
    writeFileSync(join(one.repository.state, 'publish.json'), JSON.stringify({ gone, to }));
    expect(await recoverPublish(one.repository, one.objects)).toBe('completed');
    expect(
      ['deep/gone', 'deep/torn', 'edited', 'blocked/own', 'written'].map(one.scratch.text, one.scratch),
    ).toEqual(['a whole text', 'a whole text', 'by hand', 'by hand', 'a whole text']);
    expect(existsSync(join(one.scratch.dir, 'removed'))).toBe(false);
    expect(await recoverPublish(one.repository, one.objects)).toBe('nothing');
  });

  it('that was killed is completed where files become folders and folders become files', async () => {
    const one = await rig();
    one.scratch.write('folder/x', 'before');
    one.scratch.write('file', 'before');
    one.scratch.write('theirs', 'before');
    const from = await one.snapshot();
    const after = {
      'folder/x': undefined,
      folder: 'after',
      file: undefined,
      'file/y': 'after',
      theirs: 'after',
    };
    const to = await one.edit(from, after);
    // A person put a folder where a file of the journal was.
    rmSync(join(one.scratch.dir, 'theirs'));
    one.scratch.write('theirs/own', 'by hand');
    writeFileSync(join(one.repository.state, 'publish.json'), JSON.stringify({ from, to }));
    expect(await recoverPublish(one.repository, one.objects)).toBe('completed');
    expect(['folder', 'file/y', 'theirs/own'].map((path) => one.scratch.text(path))).toEqual([
      'after',
      'after',
      'by hand',
    ]);
    expect(await recoverPublish(one.repository, one.objects)).toBe('nothing');
  });

  it.each([
    ['a tree that is gone', (from: string) => JSON.stringify({ from, to: from.replace(/./g, '1') })],
    ['a torn journal', (from: string) => `{"from":"${from}"`],
    ['a torn journal of gone files', (from: string) => `{"to":"${from}","gone":["torn"`],
    ['a journal without files', (from: string) => JSON.stringify({ to: from })],
  ])('that was killed is not called completed with %s', async (_, journal) => {
    const one = await rig();
    one.scratch.write('torn', '');
    const from = await one.snapshot();
    writeFileSync(join(one.repository.state, 'publish.json'), journal(from));
    expect(await recoverPublish(one.repository, one.objects)).toBe('damaged');
    expect(one.scratch.text('torn')).toBe('');
    expect(await recoverPublish(one.repository, one.objects)).toBe('nothing');
  });
});

describe('a patch', () => {
  const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('');
  it.each([
    [
      'is applied beside another change',
      lines('A', 'b', 'c', 'd', 'e'),
      lines('a', 'b', 'c', 'd', 'e'),
      lines('a', 'b', 'c', 'd', 'E'),
      lines('A', 'b', 'c', 'd', 'E'),
    ],
    ['is found already applied', lines('x', 'a', 'n'), lines('a'), lines('a', 'n'), lines('x', 'a', 'n')],
    ['conflicts on one line', lines('mine'), lines('a'), lines('theirs'), 'conflict'],
    [
      'keeps two insertions at one place',
      lines('a', 'one', 'z'),
      lines('a', 'z'),
      lines('a', 'two', 'z'),
      lines('a', 'one', 'two', 'z'),
    ],
    [
      'is taken back',
      lines('a', 'n', 'z', 'q', 'r', 's'),
      lines('a', 'n', 'z', 'q', 'r'),
      lines('a', 'z', 'q', 'r'),
      lines('a', 'z', 'q', 'r', 's'),
    ],
    ['of a binary file conflicts', 'x\0', 'y\0', 'z\0', 'conflict'],
  ])('%s', async (_name, current, before, after, expected) => {
    const one = await rig();
    const [c, b, a] = await Promise.all([current, before, after].map((text) => one.entry(text)));
    const merged = await applyPatch(one.objects, c, { path: 'a.txt', before: b, after: a });
    const text = merged.ok
      ? merged.value && (await one.objects.read(merged.value.id))?.toString()
      : merged.error;
    expect(text).toBe(expected);
  });
});

describe('committing', () => {
  it.each(['sha1', 'sha256'])(
    'makes one commit each and a merge, and leaves dirty work alone (%s)',
    async (format) => {
      const scratch = scratchRepository(`--object-format=${format}`);
      scratch.write('f', '1');
      scratch.write('gone', '1');
      scratch.commit();
      scratch.write('f', 'dirty');
      const one = await rig(scratch);
      const from = await one.snapshot();
      const to = await one.edit(from, { 'out 1': 'x', gone: undefined });
      await publishTree(one.repository, one.objects, { from, to });
      const steps = [
        { message: 'one\n', changes: new Map([['out 1', await one.entry('x')]]) },
        { message: 'two\n', changes: new Map([['gone', undefined]]) },
      ];
      const done = await commitTasks(one.repository, one.objects, {
        steps,
        mergeMessage: 'merge\n',
        guarded: new Map(),
        hooks: true,
      });
      expect(done.ok).toBe(true);
      expect(scratch.git('log', '--format=%s %an').trim().split('\n').sort()).toEqual([
        'merge Ada',
        'one Ada',
        'two Ada',
        'work Ada',
      ]);
      expect(scratch.git('status', '--porcelain')).toBe(' M f\n');
      expect(scratch.git('show', 'HEAD:f')).toBe('1');
      expect(scratch.git('fsck', '--no-dangling', '--connectivity-only')).toBe('');
    },
  );

  it('uses the names of the environment, and signs when git is told to', async () => {
    const scratch = scratchRepository();
    scratch.write('f', '1');
    scratch.commit();
    const key = join(scratch.root, 'key');
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    process.env.GIT_COMMITTER_NAME = 'Grace';
    cleanups.push(() => delete process.env.GIT_COMMITTER_NAME);
    const one = await rig(scratch);
    const commit = async () =>
      commitTasks(one.repository, one.objects, {
        steps: [{ message: 'one\n', changes: new Map([['out', await one.entry(String(Math.random()))]]) }],
        mergeMessage: 'merge\n',
        guarded: new Map(),
        hooks: true,
      });
    expect((await commit()).ok).toBe(true);
    expect(scratch.git('log', '-1', '--format=%an %cn')).toBe('Ada Grace\n');
    if (made.status !== 0) return;
    scratch.git('config', 'gpg.format', 'ssh');
    scratch.git('config', 'user.signingKey', key);
    scratch.git('config', 'commit.gpgSign', 'true');
    expect((await commit()).ok).toBe(true);
    expect(scratch.git('cat-file', 'commit', 'HEAD')).toContain('gpgsig -----BEGIN SSH SIGNATURE-----');
    scratch.git('config', 'user.signingKey', `${key}-gone`);
    expect(await commit()).toMatchObject({
      error: { kind: 'commit-refused', reason: expect.stringContaining('could not sign') },
    });
  });

  it('works on an unborn branch; is refused by staged changes, a merge under way, and an unknown name', async () => {
    const scratch = scratchRepository();
    const one = await rig(scratch);
    const step = async (content: string) => [
      { message: 'm\n', changes: new Map([['out', await one.entry(content)]]) },
    ];
    const commit = async (content: string) =>
      commitTasks(one.repository, one.objects, {
        steps: await step(content),
        mergeMessage: 'merge\n',
        guarded: new Map(),
        hooks: true,
      });
    expect((await commit('1')).ok).toBe(true);
    expect(scratch.git('rev-list', '--count', 'HEAD').trim()).toBe('1');
    scratch.write('out', 'staged');
    scratch.git('add', 'out');
    const staged = await commit('2');
    expect(!staged.ok && staged.error).toMatchObject({ kind: 'commit-refused', paths: ['out'] });
    scratch.git('reset', '-q', '--hard');
    const head = scratch.git('rev-parse', 'HEAD');
    writeFileSync(join(scratch.dir, '.git/MERGE_HEAD'), head);
    expect((await commit('3')).ok).toBe(false);
    rmSync(join(scratch.dir, '.git/MERGE_HEAD'));
    scratch.git('config', 'user.name', '');
    const nameless = await commit('4');
    expect(!nameless.ok && nameless.error).toMatchObject({ fix: expect.stringContaining('user.name') });
    expect(scratch.git('rev-parse', 'HEAD')).toBe(head);
  });
});

describe('what stands in the way of a publish', () => {
  it('is not missing where it cannot be looked at', () => {
    const scratch = scratchRepository();
    scratch.write('file', '');
    mkdirSync(join(scratch.dir, 'folder'));
    symlinkSync('loop', join(scratch.dir, 'loop'));
    const at = (path: string) => statOf(join(scratch.dir, path));
    expect(at('folder')?.isDirectory()).toBe(true);
    for (const path of ['missing', 'missing/inside', 'file/inside', 'loop/inside'])
      expect(at(path)).toBe(undefined);
    expect(() => at('n'.repeat(300))).toThrow('ENAMETOOLONG');
  });

  it('is nobody’s where git cannot read it', async () => {
    const { scratch, repository, objects } = await rig();
    scratch.write('.gitattributes', '*.odd filter=odd\n');
    scratch.commit();
    scratch.git('config', 'filter.odd.clean', 'false');
    scratch.git('config', 'filter.odd.required', 'true');
    const entry: Entry = { mode: '100644', id: await objects.writeBlob(Buffer.from('one')) };
    scratch.write('plain.txt', 'two');
    expect(await holds(repository, objects, 'plain.txt', entry)).toBe(false);
    scratch.write('file.odd', 'one');
    expect(await holds(repository, objects, 'file.odd', entry)).toBe(true);
    scratch.write('file.odd', 'two');
    await expect(holds(repository, objects, 'file.odd', entry)).rejects.toThrow(GitError);
  });
});
