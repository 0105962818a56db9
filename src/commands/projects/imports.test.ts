/** Copies of another project's outputs: what a kill between two steps leaves, and what a person changed meanwhile. */

import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TemporaryProject } from '../../test/rig/command-line.js';
import { compareCopies, IMPORT_RECORD, writeCopies } from './imports.js';

/** A process that is killed writes nothing more. */
const disk = vi.hoisted(() => ({ writesLeft: Number.POSITIVE_INFINITY, written: (_place: string) => {} }));
vi.mock('../../io/files.js', async (original) => {
  const files = await original<typeof import('../../io/files.js')>();
  const writeAtomic: typeof files.writeAtomic = async (...args) => {
    if (disk.writesLeft-- <= 0) throw new Error('killed');
    await files.writeAtomic(...args);
    disk.written(args[0]);
  };
  return { ...files, writeAtomic };
});

const NEED = { project: 'api', outputs: ['**'], into: 'imports/api' };
let temporary: TemporaryProject;

beforeEach(() => {
  temporary = new TemporaryProject();
});
afterEach(() => temporary.dispose());

const files = (texts: Readonly<Record<string, string>>, executable: readonly string[] = []) =>
  new Map(
    Object.entries(texts).map(([path, text]) => [
      path,
      { content: Buffer.from(text), isExecutable: executable.includes(path) },
    ]),
  );
const place = (path: string) => join(temporary.dir, 'imports/api', path);
const write = (texts: Readonly<Record<string, string>>, executable?: readonly string[]) =>
  writeCopies(temporary.dir, NEED, files(texts, executable));
const compare = (texts: Readonly<Record<string, string>>) => compareCopies(temporary.dir, NEED, files(texts));
const read = (path: string) => (existsSync(place(path)) ? readFileSync(place(path), 'utf8') : undefined);
const put = (path: string, text: string) => {
  mkdirSync(dirname(place(path)), { recursive: true });
  writeFileSync(place(path), text);
};

test('killed before any of its writes, the next copies are made, also of newer files', async () => {
  const old = { 'a.txt': 'a1', 'b/c.txt': 'c1', 'd.txt': 'd1' };
  const next = { 'a.txt': 'a2', 'b/c.txt': 'c2', 'e.txt': 'e2' };
  const newer = { 'a.txt': 'a3', 'b/c.txt': 'c3', 'f.txt': 'f3' };
  let killed = 0;
  for (let writes = 0; writes < 10; writes++) {
    rmSync(join(temporary.dir, 'imports'), { recursive: true, force: true });
    expect(await write(old)).toMatchObject({ ok: true });
    disk.writesLeft = writes;
    const isKilled = await write(next).then(
      () => false,
      () => true,
    );
    disk.writesLeft = Number.POSITIVE_INFINITY;
    if (!isKilled) break;
    killed++;
    expect(await write(newer), `after ${writes} writes`).toMatchObject({ ok: true, value: { left: [] } });
    for (const [path, text] of Object.entries(newer)) expect(read(path)).toBe(text);
    expect([read('d.txt'), read('e.txt')]).toEqual([undefined, undefined]);
    expect(JSON.parse(read(IMPORT_RECORD) as string)).not.toHaveProperty('copying');
  }
  // Two records and three copies.
  expect(killed).toBe(5);
});

test('what a person changed is neither overwritten nor removed; copies without a record are theirs', async () => {
  await write({ 'a.txt': 'a1', 'b.txt': 'b1' });
  put('a.txt', 'mine');
  expect(await compare({ 'a.txt': 'a2', 'b.txt': 'b2' })).toEqual({
    ok: true,
    value: { from: 'api', into: 'imports/api', stale: ['imports/api/b.txt'], edited: ['imports/api/a.txt'] },
  });
  expect(await write({ 'a.txt': 'a2', 'b.txt': 'b2' })).toMatchObject({
    error: { kind: 'files-in-the-way', paths: ['imports/api/a.txt'], copiesOf: 'api' },
  });
  expect([read('a.txt'), read('b.txt')]).toEqual(['mine', 'b1']);
  expect(await write({ 'b.txt': 'b2' })).toMatchObject({ value: { left: ['imports/api/a.txt'] } });
  expect([read('a.txt'), read('b.txt')]).toEqual(['mine', 'b2']);
  put(IMPORT_RECORD, '{ "schema": 1, "files": [');
  expect(await write({ 'b.txt': 'b3' })).toMatchObject({ error: { kind: 'files-in-the-way' } });
  put(IMPORT_RECORD, '{ "schema": 1, "files": null }');
  expect(await write({ 'b.txt': 'b3' })).toMatchObject({ error: { kind: 'files-in-the-way' } });
});

test('what a person saves while copies are made is neither overwritten nor removed', async () => {
  await write({ 'a.txt': 'a1', 'b.txt': 'b1', 'c.txt': 'c1', 'd.txt': 'd1' });
  disk.written = (path) => {
    if (path !== place('a.txt')) return;
    put('b.txt', 'mine');
    put('c.txt', 'mine');
    rmSync(place('d.txt'));
  };
  try {
    expect(await write({ 'a.txt': 'a2', 'b.txt': 'b2' })).toMatchObject({
      error: { kind: 'files-in-the-way', paths: ['imports/api/b.txt'] },
    });
    put('b.txt', 'b1');
    put('c.txt', 'c1');
    put('d.txt', 'd1');
    expect(await write({ 'a.txt': 'a3' })).toMatchObject({
      value: { removed: [], left: ['imports/api/b.txt', 'imports/api/c.txt'] },
    });
  } finally {
    disk.written = () => {};
  }
  expect([read('a.txt'), read('b.txt'), read('c.txt')]).toEqual(['a3', 'mine', 'mine']);
});

test('an executable file stays one, and a file that is no more is no more; nothing is written where nothing changed', async () => {
  await write({ run: '#!/bin/sh' }, ['run']);
  expect(statSync(place('run')).mode & 0o111).toBe(0o111);
  const record = statSync(place(IMPORT_RECORD)).mtimeMs;
  expect(await write({ run: '#!/bin/sh' }, ['run'])).toMatchObject({ value: { written: [] } });
  expect(statSync(place(IMPORT_RECORD)).mtimeMs).toBe(record);
  expect(await write({ run: '#!/bin/sh' })).toMatchObject({ value: { written: ['imports/api/run'] } });
  expect(statSync(place('run')).mode & 0o111).toBe(0);
});

test('copies go through no link, and a hostile record removes nothing outside', async () => {
  mkdirSync(join(temporary.root, 'outside'));
  writeFileSync(join(temporary.root, 'outside/x'), 'theirs');
  mkdirSync(join(temporary.dir, 'imports'));
  symlinkSync(join(temporary.root, 'outside'), place(''));
  expect(await write({ 'a.txt': 'a' })).toMatchObject({ error: { kind: 'unsafe-path' } });
  rmSync(place(''));
  await write({ 'a.txt': 'a' });
  const { files: recorded, ...rest } = JSON.parse(read(IMPORT_RECORD) as string);
  const theirs = recorded['a.txt'];
  put('../../../outside/x', 'a');
  put(IMPORT_RECORD, JSON.stringify({ ...rest, files: { ...recorded, '../../../outside/x': theirs } }));
  expect(await write({})).toMatchObject({ value: { removed: ['imports/api/a.txt'], left: [] } });
  expect(readFileSync(join(temporary.root, 'outside/x'), 'utf8')).toBe('a');
});
