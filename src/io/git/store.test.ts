/** Conductor's own repository is made once, in whatever order commands start, and what one command has put in it stays. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gitOk } from './git-process.js';
import { openRepository } from './open-repository.js';

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-store-')));
  execFileSync('git', ['init', '-q'], { cwd: dir });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const home = () => join(dir, '.git/conductor');

/** Opens the repository and puts a blob into the store; gives its id. */
async function openAndKeep(text: string): Promise<string> {
  const opened = await openRepository(dir);
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const call = { gitDir: opened.value.store, input: text };
  return (await gitOk(['hash-object', '-w', '--stdin'], call)).toString().trim();
}

test('commands that come first at the same time share one store, and none takes away what another has kept', async () => {
  for (let round = 0; round < 5; round++) {
    rmSync(home(), { recursive: true, force: true });
    const texts = Array.from({ length: 6 }, (_, at) => `${round} ${at}`);
    const ids = await Promise.all(texts.map(openAndKeep));
    for (const [at, id] of ids.entries()) {
      const read = await gitOk(['cat-file', 'blob', id], { gitDir: join(home(), 'repo') });
      expect(read.toString()).toBe(texts[at]);
    }
    expect(readdirSync(home()).sort()).toEqual(['projects', 'repo']);
  }
});

test.each([
  ['a folder without a repository', () => mkdirSync(join(home(), 'repo/objects'), { recursive: true })],
  [
    'a file',
    () => {
      mkdirSync(home(), { recursive: true });
      writeFileSync(join(home(), 'repo'), '');
    },
  ],
])('%s in its place does not stop the next command, and is not deleted', async (_what, make) => {
  make();
  const id = await openAndKeep('kept');
  expect((await gitOk(['cat-file', 'blob', id], { gitDir: join(home(), 'repo') })).toString()).toBe('kept');
  const names = readdirSync(home()).map((name) => name.replace(/-[0-9a-f-]{36}$/, ''));
  expect(['repo', 'repo.set-aside']).toEqual(
    expect.arrayContaining(names.filter((name) => name !== 'projects')),
  );
});

test.each(['sha1', 'sha256'])(
  'a new store is a bare repository of %s in which git finds nothing wrong',
  async (format) => {
    rmSync(join(dir, '.git'), { recursive: true });
    execFileSync('git', ['init', '-q', `--object-format=${format}`], { cwd: dir });
    const id = await openAndKeep('kept');
    const call = { gitDir: join(home(), 'repo') };
    const said = await gitOk(['rev-parse', '--is-bare-repository', '--show-object-format'], call);
    expect(said.toString().trim().split('\n')).toEqual(['true', format]);
    await gitOk(['update-ref', 'refs/conductor/one', id], call);
    expect((await gitOk(['fsck', '--strict'], call)).toString()).toBe('');
  },
);

test.each([
  ['HEAD', (store: string) => rmSync(join(store, 'HEAD'))],
  ['an empty HEAD', (store: string) => writeFileSync(join(store, 'HEAD'), '')],
  ['config', (store: string) => rmSync(join(store, 'config'))],
  ['alternates', (store: string) => rmSync(join(store, 'objects/info/alternates'))],
  ['the folder of refs', (store: string) => rmSync(join(store, 'refs'), { recursive: true })],
])('a store without %s keeps everything that it held', async (_what, damage) => {
  const id = await openAndKeep('kept');
  const store = join(home(), 'repo');
  const person = execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: dir, input: 'theirs' });
  damage(store);
  await openAndKeep('another');
  expect((await gitOk(['cat-file', 'blob', id], { gitDir: store })).toString()).toBe('kept');
  const theirs = await gitOk(['cat-file', 'blob', person.toString().trim()], { gitDir: store });
  expect(theirs.toString()).toBe('theirs');
});
