import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeNewFiles, writeNewFolder } from './new-files.js';

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'conductor-new-files-'));
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

const file = (path: string, text = path) => ({ path, content: Buffer.from(text) });
const read = (path: string) => readFileSync(join(project, path), 'utf8');

test('files are written with their folders, and taken back with the folders that are empty then', async () => {
  mkdirSync(join(project, 'a'));
  writeFileSync(join(project, 'a/mine'), 'mine');
  const written = await writeNewFiles(project, [file('a/b/c'), file('d/e'), file('f')]);
  if (!written.ok) throw new Error(JSON.stringify(written.error));
  expect([read('a/b/c'), read('d/e'), read('f')]).toEqual(['a/b/c', 'd/e', 'f']);
  await written.value();
  expect([readdirSync(project), readdirSync(join(project, 'a'))]).toEqual([['a'], ['mine']]);
});

test('one file in the way, or one link to nowhere, and none is written', async () => {
  writeFileSync(join(project, 'there'), 'mine');
  symlinkSync('nowhere', join(project, 'link'));
  const refused = await writeNewFiles(project, [file('new'), file('there'), file('link')]);
  expect(refused).toEqual({ ok: false, error: { kind: 'files-in-the-way', paths: ['there', 'link'] } });
  expect([existsSync(join(project, 'new')), read('there')]).toEqual([false, 'mine']);
});

test('the same path twice writes none', async () => {
  const refused = await writeNewFiles(project, [file('a/one'), file('a/one')]);
  expect(refused).toMatchObject({ ok: false, error: { kind: 'files-in-the-way', paths: ['a/one'] } });
  expect(readdirSync(project)).toEqual([]);
});

test('a folder appears whole, never over another one', async () => {
  const made = await writeNewFolder(project, 'specs/one', [file('BACKLOG.yaml'), file('deep/er')]);
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  expect([read('specs/one/BACKLOG.yaml'), read('specs/one/deep/er')]).toEqual(['BACKLOG.yaml', 'deep/er']);
  const again = await writeNewFolder(project, 'specs/one', [file('BACKLOG.yaml', 'other')]);
  expect(again).toMatchObject({ ok: false, error: { kind: 'files-in-the-way', paths: ['specs/one'] } });
  expect(read('specs/one/BACKLOG.yaml')).toBe('BACKLOG.yaml');
  await made.value();
  expect(readdirSync(project).filter((name) => name !== '.conductor')).toEqual([]);
  expect(readdirSync(join(project, '.conductor'))).toEqual([]);
});

test('a link on the way is no folder', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'conductor-outside-'));
  symlinkSync(outside, join(project, 'specs'));
  expect(await writeNewFolder(project, 'specs/one', [file('a')])).toMatchObject({
    ok: false,
    error: { kind: 'usage' },
  });
  expect(await writeNewFiles(project, [file('specs/a/b')])).toMatchObject({
    ok: false,
    error: { kind: 'usage' },
  });
  expect(readdirSync(outside)).toEqual([]);
  rmSync(outside, { recursive: true });
});
