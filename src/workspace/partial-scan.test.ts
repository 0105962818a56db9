/** A glance says what a snapshot would say, or nothing. */

import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { observeGit } from '../io/git/git-process.js';
import { GitObjects } from '../io/git/objects.js';
import { openRepository } from '../io/git/open-repository.js';
import { ScratchRepository } from '../test/rig/scratch-repository.js';
import { scanPartially } from './partial-scan.js';
import { takeSnapshot } from './snapshot.js';

const FILES = {
  'plain.txt': '1',
  'folder/inner.txt': '1',
  'folder/grün b.txt': '1',
  '"quoted".txt': '1',
  'lines.win': 'a\r\nb\r\n',
  run: '1',
  '.gitattributes': '*.win text eol=crlf\n',
  '.gitignore': 'ignored/\n',
};

interface Look {
  readonly scratch: ScratchRepository;
  /** Makes a change, then asks for a glance at these paths and for a snapshot. */
  after(
    change: () => void,
    ...paths: string[]
  ): Promise<{ partial: string | undefined; taken: string; asked: readonly string[] }>;
}

async function looking(
  folder: string,
  body: (look: Look) => Promise<void>,
  files: Readonly<Record<string, string>> = FILES,
): Promise<void> {
  const scratch = new ScratchRepository();
  for (const [path, text] of Object.entries(files)) scratch.write(folder + path, text);
  const opened = await openRepository(join(scratch.dir, folder));
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const objects = new GitObjects(opened.value);
  const snapshot = async () => {
    const taken = await takeSnapshot(opened.value, objects, { secrets: [], named: [], force: [] });
    if (!taken.ok) throw new Error(JSON.stringify(taken.error));
    return taken.value.tree;
  };
  try {
    await body({
      scratch,
      async after(change, ...paths) {
        const tree = await snapshot();
        const listing = await objects.list(tree);
        change();
        const asked: string[] = [];
        observeGit(({ command }) => asked.push(command));
        const partial = await scanPartially(opened.value, objects, { tree, listing }, paths);
        observeGit(undefined);
        return { partial, taken: await snapshot(), asked };
      },
    });
  } finally {
    await objects.close();
    scratch.remove();
  }
}

test.each(['', 'sub/project/'])(
  'new contents are seen as by a snapshot (project in "%s")',
  async (folder) => {
    await looking(folder, async ({ scratch, after }) => {
      const write = (...paths: string[]) => {
        for (const path of paths) scratch.write(folder + path, `c\r\nd ${path}\r\n`);
      };
      for (const paths of [['plain.txt'], ['folder/inner.txt', 'folder/grün b.txt', 'run'], ['lines.win']]) {
        const { partial, taken } = await after(() => write(...paths), ...paths);
        expect(partial, paths.join()).toBe(taken);
      }
      const same = await after(() => {}, 'plain.txt');
      expect(same.partial).toBe(same.taken);
    });
  },
);

test('what is more than a new content takes a look', async () => {
  await looking('', async ({ scratch, after }) => {
    const at = (path: string) => join(scratch.dir, path);
    const cases: [string, () => void][] = [
      ['new.txt', () => scratch.write('new.txt', 'x')],
      ['ignored/x', () => scratch.write('ignored/x', 'x')],
      ['plain.txt', () => rmSync(at('plain.txt'))],
      ['run', () => chmodSync(at('run'), 0o755)],
      ['folder', () => scratch.write('folder/inner.txt', 'x')],
      ['.gitignore', () => scratch.write('.gitignore', 'plain.txt\n')],
      ['.gitattributes', () => scratch.write('.gitattributes', '')],
      [
        'lines.win',
        () => {
          rmSync(at('lines.win'));
          symlinkSync('run', at('lines.win'));
        },
      ],
      [
        'folder/inner.txt',
        () => {
          renameSync(at('folder'), join(scratch.root, 'away'));
          symlinkSync(join(scratch.root, 'away'), at('folder'));
        },
      ],
    ];
    for (const [path, change] of cases) expect((await after(change, path)).partial, path).toBeUndefined();
    mkdirSync(at('plain.txt'));
    expect((await after(() => {}, 'plain.txt')).partial).toBeUndefined();
    // git would read the quotes as its own.
    const quoted = await after(() => scratch.write('"quoted".txt', 'x'), '"quoted".txt');
    expect(quoted.partial).toBeUndefined();
  });
});

test('git is asked only for contents that it may convert', async () => {
  const files = {
    'plain.txt': '1',
    'sub/plain.txt': '1',
    '.gitattributes': '* text=auto\n*.png binary\n',
    'sub/.gitattributes': '*.txt filter=x\n',
    run: '1',
  };
  await looking(
    '',
    async ({ scratch, after }) => {
      const gits = async (path: string, text: string) => {
        const { partial, taken, asked } = await after(() => scratch.write(path, text), path);
        expect(partial, path).toBe(taken);
        return asked;
      };
      expect(await gits('plain.txt', 'a\n\u0000$Id$\n')).toEqual([]);
      expect(await gits('plain.txt', 'a\r\nb\r\n')).toEqual(['hash-object']);
      expect(await gits('sub/plain.txt', 'a')).toEqual(['hash-object']);
      scratch.git('config', 'core.autocrlf', 'input');
      expect(await gits('plain.txt', 'c\r\nd\r\n')).toEqual(['hash-object']);
      expect(await gits('plain.txt', 'c\nd\n')).toEqual([]);
      scratch.git('config', 'core.attributesFile', join(scratch.root, 'rules'));
      writeFileSync(join(scratch.root, 'rules'), 'plain.txt text ident\n');
      expect(await gits('plain.txt', '$Id: 1 $\n')).toEqual(['hash-object']);
    },
    files,
  );
});
