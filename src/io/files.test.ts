import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { append, asFailure, exists, readText, removeTree, sweepTemporary, writeAtomic } from './files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor files '));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a file that is not there reads as undefined, also below a file', async () => {
  await writeFile(join(folder, 'a'), 'x');
  expect(await readText(join(folder, 'b'))).toBeUndefined();
  expect(await readText(join(folder, 'a', 'b'))).toBeUndefined();
  await expect(readText(folder)).rejects.toThrow('EISDIR');
});

test('a write makes the folder, replaces the whole file and leaves nothing beside it', async () => {
  const path = join(folder, 'deep', 'er', 'a\nfile');
  await writeAtomic(path, 'a long first text');
  await writeAtomic(path, 'short', 0o755);
  expect(await readFile(path, 'utf8')).toBe('short');
  expect((await stat(path)).mode & 0o777).toBe(0o755);
  expect(await readdir(join(folder, 'deep', 'er'))).toEqual(['a\nfile']);
});

test('a write that fails leaves the old state and no temporary file', async () => {
  await mkdir(join(folder, 'taken', 'inner'), { recursive: true });
  await expect(writeAtomic(join(folder, 'taken'), 'text')).rejects.toThrow();
  expect(await readdir(folder)).toEqual(['taken']);
});

test('a sweep removes what dead writers left and nothing else', async () => {
  const dead = '.conductor-tmp-999999999-00ff';
  const alive = `.conductor-tmp-${process.pid}-00ff`;
  for (const name of [dead, alive, 'file', '.conductor-tmp-notes']) await writeFile(join(folder, name), '');
  expect(await sweepTemporary(folder)).toBe(1);
  expect((await readdir(folder)).sort()).toEqual([alive, '.conductor-tmp-notes', 'file'].sort());
  expect(await sweepTemporary(join(folder, 'missing'))).toBe(0);
});

test('removing a link leaves what it points at', async () => {
  await writeFile(join(folder, 'kept'), 'x');
  await symlink('kept', join(folder, 'link'));
  await symlink('nowhere', join(folder, 'broken'));
  expect(await exists(join(folder, 'broken'))).toBe(true);
  await removeTree(join(folder, 'link'));
  await removeTree(join(folder, 'broken'));
  await removeTree(join(folder, 'never was'));
  expect(await readdir(folder)).toEqual(['kept']);
});

test('text is added at the end, in a new folder too', async () => {
  const path = join(folder, 'logs', 'events');
  await append(path, 'a\n');
  await append(path, 'b\n');
  expect(await readText(path)).toBe('a\nb\n');
});

test('a full disk is a failure with its path, any other error is none', async () => {
  const full = await writeFile('/dev/full', 'x').catch((error: unknown) => error);
  expect(asFailure(full)).toMatchObject({ kind: 'disk-full' });
  expect(asFailure(Object.assign(new Error('no space'), { code: 'ENOSPC', path: '/a/b' }))).toEqual({
    kind: 'disk-full',
    path: '/a/b',
  });
  expect(asFailure(Object.assign(new Error('denied'), { code: 'EACCES' }))).toBeUndefined();
  expect(asFailure('text')).toBeUndefined();
  const refused = { code: 'ENOENT', syscall: 'mkdir', path: '/a/b' };
  expect(
    asFailure(Object.assign(new Error('ENOENT: no such file or directory, mkdir'), refused)),
  ).toMatchObject({
    kind: 'system-error',
    path: '/a/b',
  });
  const named = await rm(folder).catch((error: unknown) => error);
  expect(asFailure(named)).toMatchObject({ kind: 'system-error', code: 'EISDIR', path: folder });
});
