/** What conductor writes and reads without git is what git would write and read: random trees, with git as the judge. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GitObjects } from '../../io/git/objects.js';
import type { Entry } from '../../model/tree.js';
import { Dice } from '../../test/rig/random-project.js';
import { gitCommandsOf } from '../../test/rig/scratch-repository.js';
import { WorkspaceRig } from '../../test/workspaces/workspace-rig.js';
import { captureResult } from '../capture.js';
import { AT_A_TIME } from '../restore.js';

let rig: WorkspaceRig;
let objects: GitObjects;

beforeAll(async () => {
  rig = await WorkspaceRig.open();
  objects = rig.objects;
});
afterAll(() => rig.close());

const NAMES = [
  'a',
  'b',
  'A',
  'ö',
  'x y',
  "it's",
  '-n',
  'a.b',
  '.hidden',
  '.gitignore',
  '日本',
  'new\nline',
  '"q"',
  '[x]',
  'a*',
];
const TEXTS = ['', 'one\n', 'two\n', 'a\r\nb\r\n', '\0\u0001binary', '*\n!b\n'];
function somePath(random: Dice): string {
  return Array.from({ length: 1 + random.below(3) }, () => random.pick(NAMES)).join('/');
}

/** A random change of a folder: files, modes, links, a file in the place of a folder and the other way round. */
function change(dir: string, random: Dice): void {
  const path = join(dir, somePath(random));
  const kind = random.below(10);
  let folder = dir;
  for (const name of relative(dir, dirname(path)).split('/')) {
    folder = join(folder, name);
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(folder);
  }
  if (kind < 4 && lstatSync(path, { throwIfNoEntry: false })?.isFile()) {
    chmodSync(path, random.pick([0o755, 0o600, 0o644]));
    return;
  }
  rmSync(path, { recursive: true, force: true });
  if (kind < 2) return;
  mkdirSync(dirname(path), { recursive: true });
  if (kind === 4) symlinkSync(random.pick(NAMES), path);
  else if (kind === 5) mkdirSync(path);
  else writeFileSync(path, random.pick(TEXTS), { mode: random.pick([0o644, 0o755]) });
}

function shown(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const path = join(dir, name);
    const stat = lstatSync(path);
    if (name === '.git') continue;
    const text = stat.isFile()
      ? readFileSync(path, 'latin1')
      : stat.isSymbolicLink()
        ? readlinkSync(path)
        : '';
    found[name] = `${stat.mode.toString(8)} ${text}`;
  }
  return found;
}

const isLinux = process.platform === 'linux';

describe.runIf(isLinux)('a workspace without git', () => {
  it('is captured as git would capture it, and shows what git would show, whatever a program did', async () => {
    const pool = rig.pool();
    const random = new Dice(7);
    let tree = await objects.empty();
    let small = 0;
    for (let step = 0; step < 40; step++) {
      const workspace = await rig.acquire(pool, tree);
      expect(rig.judged(workspace)).toBe(tree);
      for (let times = random.below(6); times >= 0; times--) change(workspace.dir, random);
      if (workspace.shown.small) small++;
      const expected = rig.judged(workspace);
      // An attempt may begin with what an earlier one has left.
      const inputTree = random.pick([tree, await objects.empty()]);
      const options = { inputTree, outputs: ['**'], edits: [], maxBytes: 1e6 };
      const captured = await captureResult(workspace, objects, options);
      if (!captured.ok) throw new Error(JSON.stringify(captured.error));
      expect(captured.value.tree).toBe(expected);
      expect(rig.judged(workspace)).toBe(expected);
      const listing = await objects.list(expected);
      expect([...captured.value.outputs].sort()).toEqual([...listing.files].sort());
      // The next task begins with another tree than the one that this task has left.
      tree = random.below(3) === 0 ? tree : expected;
      await pool.release(workspace);
    }
    expect(small).toBe(40);
  });

  it('finds the same outside of the outputs as with git', async () => {
    const random = new Dice(11);
    const pools = [rig.pool(), rig.pool({ rules: { attributes: '* ident\n', ignores: '' } })] as const;
    let tree = await objects.empty();
    for (let step = 0; step < 12; step++) {
      const seed = random.below(1e9);
      const outputs = [random.pick(['a/**', '**/b', 'x y', 'ö/**'])];
      const inputTree = random.pick([tree, await objects.empty()]);
      const answers: unknown[] = [];
      let next = tree;
      for (const pool of pools) {
        const workspace = await rig.acquire(pool, tree);
        expect(workspace.shown.small !== undefined).toBe(
          pool === pools[0] || tree === (await objects.empty()),
        );
        const same = new Dice(seed);
        for (let times = 0; times < 6; times++) change(workspace.dir, same);
        const options = { inputTree, outputs, edits: ['a.b'], maxBytes: 1e6, ignoreOthers: true };
        const captured = await captureResult(workspace, objects, options);
        answers.push([captured, shown(workspace.dir)]);
        if (captured.ok) next = captured.value.tree;
        await pool.release(workspace);
      }
      expect(answers[0]).toEqual(answers[1]);
      tree = next;
    }
  });

  it.each([
    ['without git', ''],
    ['with git', '* ident\n'],
  ])('a folder takes the place of an output, and a file that of a folder (%s)', async (_, attributes) => {
    const pool = rig.pool({ rules: { attributes, ignores: '' } });
    const entry: Entry = { mode: '100644', id: await objects.writeBlob(Buffer.from('x')) };
    const files = new Map(['d/in', 'out'].map((path) => [path, entry]));
    const inputTree = await objects.editTree(undefined, files);
    const workspace = await rig.acquire(pool, inputTree);
    expect(workspace.shown.small === undefined).toBe(attributes !== '');
    for (const path of ['d', 'out']) rmSync(join(workspace.dir, path), { recursive: true });
    writeFileSync(join(workspace.dir, 'd'), 'y');
    mkdirSync(join(workspace.dir, 'out'));
    writeFileSync(join(workspace.dir, 'out/in'), 'y');
    const options = { inputTree, outputs: ['d', 'd/**', 'out', 'out/**'], edits: [], maxBytes: 1e6 };
    const captured = await captureResult(workspace, objects, options);
    expect(captured.ok && [...captured.value.outputs.keys()]).toEqual(['d', 'out/in']);
    expect(captured.ok && captured.value.tree).toBe(rig.judged(workspace));
    await pool.release(workspace);
  });

  it('leaves nothing of a former task, with git in between too', async () => {
    const pool = rig.pool();
    const blob = await objects.writeBlob(Buffer.from('x'));
    const entry: Entry = { mode: '100644', id: blob };
    const plain = await objects.editTree(undefined, new Map([['d/in', entry]]));
    const ruled = await objects.editTree(plain, new Map([['.gitattributes', entry]]));
    for (const tree of [plain, ruled, plain, ruled, ruled, plain, plain]) {
      const workspace = await rig.acquire(pool, tree);
      expect(workspace.shown.small !== undefined).toBe(tree === plain);
      const files = { ...shown(workspace.dir) };
      expect(Object.keys(files).sort()).toEqual(
        tree === plain ? ['d', 'd/in'] : ['.gitattributes', 'd', 'd/in'],
      );
      writeFileSync(join(workspace.dir, 'd/in'), 'y');
      mkdirSync(join(workspace.dir, 'left/over'), { recursive: true });
      writeFileSync(join(workspace.dir, 'left/over/file'), 'secret');
      await pool.release(workspace, tree === ruled);
    }
  });

  it('lets an agent see its changes with git', async () => {
    const pool = rig.pool();
    const id = await objects.writeBlob(Buffer.from('x\n'));
    const tree = await objects.editTree(
      undefined,
      new Map<string, Entry>([
        ['d/in', { mode: '100755', id }],
        ['b', { mode: '100644', id }],
      ]),
    );
    const workspace = await rig.acquire(pool, tree);
    expect(workspace.shown.small?.tree).toBe(tree);
    const git = (...args: string[]) => execFileSync('git', args, { cwd: workspace.dir, encoding: 'utf8' });
    expect(git('diff-files')).toBe('');
    expect(git('status', '--porcelain')).toBe('');
    writeFileSync(join(workspace.dir, 'b'), 'y\n');
    expect(git('status', '--porcelain')).toBe(' M b\n');
    await pool.release(workspace);
  });

  it('lets others go on while it removes what a program has left', async () => {
    const pool = rig.pool();
    const workspace = await rig.acquire(pool, await objects.empty());
    // Neither the files nor the folders are enough alone.
    for (let i = 0; i <= AT_A_TIME; i++) {
      const place = join(workspace.dir, String(i));
      if (i % 2 === 0) writeFileSync(place, '');
      else mkdirSync(place);
    }
    const left = new Set<number>();
    let isOver = false;
    const look = (): void => {
      if (isOver) return;
      left.add(readdirSync(workspace.dir).filter((name) => name !== '.git').length);
      setImmediate(look);
    };
    setImmediate(look);
    await pool.show(workspace, await objects.empty());
    isOver = true;
    expect([...left].sort((a, b) => b - a).slice(0, 2)).toEqual([AT_A_TIME + 1, 1]);
    await pool.release(workspace);
  });

  it('keeps what the config keeps', async () => {
    const pool = rig.pool({ keep: ['kept/inside'] });
    const id = await objects.writeBlob(Buffer.from('x'));
    const one = await objects.editTree(
      undefined,
      new Map<string, Entry>([['kept/a', { mode: '100644', id }]]),
    );
    const other = await objects.editTree(undefined, new Map<string, Entry>([['b', { mode: '100644', id }]]));
    const workspace = await rig.acquire(pool, one);
    mkdirSync(join(workspace.dir, 'kept/inside'));
    writeFileSync(join(workspace.dir, 'kept/inside/cache'), '');
    await pool.show(workspace, other, false);
    expect(Object.keys(shown(workspace.dir)).sort()).toEqual([
      'b',
      'kept',
      'kept/inside',
      'kept/inside/cache',
    ]);
    await pool.release(workspace);
  });

  it('is captured without git where an attempt goes on from earlier work', async () => {
    const pool = rig.pool();
    const [one, two] = await Promise.all(['1', '2'].map((text) => objects.writeBlob(Buffer.from(text))));
    const entry = (id = ''): Entry => ({ mode: '100644', id });
    const inputTree = await objects.editTree(undefined, new Map([['patched', entry(one)]]));
    const earlier = new Map([
      ['patched', entry(two)],
      ['out/earlier', entry(one)],
    ]);
    const left = await objects.editTree(inputTree, earlier);
    const workspace = await rig.acquire(pool, left);
    writeFileSync(join(workspace.dir, 'out/now'), 'now');
    const options = { inputTree, outputs: ['out/**'], edits: ['patched'], maxBytes: 1e6 };
    let captured: Awaited<ReturnType<typeof captureResult>> | undefined;
    const commands = await gitCommandsOf(async () => {
      captured = await captureResult(workspace, objects, options);
    });
    expect(commands).toEqual([]);
    if (!captured?.ok) throw new Error(JSON.stringify(captured));
    expect(captured.value.tree).toBe(rig.judged(workspace));
    expect([...captured.value.outputs.keys()]).toEqual(['out/earlier', 'out/now']);
    expect(captured.value.edits).toEqual([{ path: 'patched', before: entry(one), after: entry(two) }]);
    await pool.release(workspace);
  });

  it.each(['* text\n', '* text eol=lf\n'])(
    'calls no file changed that is as it was where git takes over (%j)',
    async (attributes) => {
      const pool = rig.pool({ rules: { attributes, ignores: '' } });
      const [id, link] = await Promise.all(
        ['a\r\nb\r\n', 'windows'].map((text) => objects.writeBlob(Buffer.from(text))),
      );
      const tree = await objects.editTree(
        undefined,
        new Map<string, Entry>([
          ['windows', { mode: '100644', id: id as string }],
          ['link', { mode: '120000', id: link as string }],
          ['run', { mode: '100755', id: id as string }],
        ]),
      );
      const cases: [string, (place: string) => void, string[]][] = [
        ['untouched', () => {}, []],
        ['changed', (place) => writeFileSync(place, 'b\r\n'), ['windows']],
        ['executable', (place) => chmodSync(place, 0o755), ['windows']],
        ['removed', (place) => rmSync(place), ['windows']],
        ['a folder', (place) => [rmSync(place), mkdirSync(place)], ['windows']],
        ['a link', (place) => [rmSync(place), symlinkSync('run', place)], ['windows']],
      ];
      for (const [kind, work, paths] of cases) {
        const workspace = await rig.acquire(pool, tree);
        expect(workspace.shown.small?.tree).toBe(tree);
        // This one is for git to judge.
        writeFileSync(join(workspace.dir, 'out'), 'new\r\n');
        work(join(workspace.dir, 'windows'));
        const options = { inputTree: tree, outputs: ['out'], edits: [], maxBytes: 1e6 };
        const captured = await captureResult(workspace, objects, options);
        expect(workspace.shown.small).toBe(undefined);
        if (captured.ok) {
          expect([kind, []]).toEqual([kind, paths]);
          const { out, ...others } = Object.fromEntries((await objects.list(captured.value.tree)).files);
          expect((await objects.read(out?.id ?? ''))?.toString()).toBe('new\n');
          expect(others).toEqual(Object.fromEntries((await objects.list(tree)).files));
        } else expect([kind, captured.error]).toEqual([kind, { kind: 'wrote-outside-outputs', paths }]);
        await pool.release(workspace);
      }
    },
  );

  it.each([
    ['a path that a file system might take for one of git', { path: 'GIT~1/x' }],
    ['a file of attributes', { path: 'd/.gitattributes' }],
    ['a file that rules convert', { path: 'x.txt', attributes: '*.txt eol=crlf\n' }],
  ])('is git work for %s', async (_, { path, attributes = '' }: { path: string; attributes?: string }) => {
    const pool = rig.pool({ rules: { attributes, ignores: '' } });
    const tree = await objects.empty();
    const workspace = await rig.acquire(pool, tree);
    expect(workspace.shown.small?.tree).toBe(tree);
    mkdirSync(dirname(join(workspace.dir, path)), { recursive: true });
    writeFileSync(join(workspace.dir, path), 'x\n');
    const options = { inputTree: tree, outputs: ['**'], edits: [], maxBytes: 1e6 };
    const captured = await captureResult(workspace, objects, options);
    if (captured.ok) expect([...captured.value.outputs.keys()]).toEqual([path]);
    else expect(captured.error.kind).toBe('unsafe-path');
    expect(workspace.shown.small).toBe(undefined);
    await pool.release(workspace);
  });
});
