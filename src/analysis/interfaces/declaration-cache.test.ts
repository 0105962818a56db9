/** What is kept of the declarations of files: for which content, and when no compiler is loaded. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { GitObjects } from '../../io/git/objects.js';
import { loadTypescript } from '../../io/typescript.js';
import type { ObjectId } from '../../model/tree.js';
import { DeclarationCache } from './declaration-cache.js';

vi.mock('../../io/typescript.js', async (original) => {
  const real = await original<typeof import('../../io/typescript.js')>();
  return { ...real, loadTypescript: vi.fn(real.loadTypescript) };
});

const ID = 'a'.repeat(40) as ObjectId;
let state = '';
const read = vi.fn<(id: ObjectId) => Promise<Buffer | undefined>>();

function cache(text: string): DeclarationCache {
  read.mockReset().mockResolvedValue(Buffer.from(text));
  vi.mocked(loadTypescript).mockClear();
  return new DeclarationCache({ project: process.cwd(), state }, { read } as unknown as GitObjects);
}

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'declarations-'));
});
afterEach(() => rmSync(state, { recursive: true }));

test('a content is read once, and again where another reader has read it', async () => {
  const first = cache('export const a = 1;');
  const found = await first.of('a.ts', ID);
  expect(found).toEqual([['a', 'export const a = 1', '']]);
  await first.save();
  expect(await cache('').of('b.ts', ID)).toEqual(found);
  expect(read).not.toHaveBeenCalled();
  const kept = readFileSync(join(state, 'interfaces.jsonl'), 'utf8');
  writeFileSync(join(state, 'interfaces.jsonl'), kept.replace(/"\d+ a/, '"a'));
  expect(await cache('export const b = 1;').of('a.ts', ID)).toEqual([['b', 'export const b = 1', '']]);
});

test('the same content may be a module and a file of declarations', async () => {
  const one = cache('export const a = 1;');
  expect(await one.of('a.d.ts', ID)).toBeUndefined();
  expect(await one.of('a.ts', ID)).toHaveLength(1);
  expect(await one.of('b.d.ts', ID)).toBeUndefined();
});

test('those that ask together wait for one reading, which is written once', async () => {
  const one = cache('export const a = 1;');
  const found = await Promise.all([one.of('a.ts', ID), one.of('b.ts', ID), one.of('a.ts', ID)]);
  expect(found).toEqual(Array.from({ length: 3 }, () => [['a', 'export const a = 1', '']]));
  expect(read).toHaveBeenCalledTimes(1);
  await one.save();
  expect(readFileSync(join(state, 'interfaces.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1);
});

test('a reading that failed is tried again', async () => {
  const one = cache('export const a = 1;');
  read.mockRejectedValueOnce(new Error('disk'));
  await expect(one.of('a.ts', ID)).rejects.toThrow('disk');
  expect(await one.of('a.ts', ID)).toHaveLength(1);
});

test.each(['a.d.ts', 'a.d.mts', 'a.d.cts'])(
  '%s is a file of declarations: nothing reads it',
  async (path) => {
    expect(await cache('export const a = 1;').of(path, ID)).toBeUndefined();
    expect(read).not.toHaveBeenCalled();
  },
);

test.each(['a.d.js', 'a.d.tsx'])('%s is a module like others', async (path) => {
  expect(await cache('export const a = 1;').of(path, ID)).toHaveLength(1);
});

test.each([
  ['is too large', `${' '.repeat(1_000_001)}`],
  ['is no text', 'a\0b'],
])('of a script that %s no compiler is loaded, and it is not read again', async (_what, text) => {
  const first = cache(text);
  expect(await first.of('a.js', ID)).toBeUndefined();
  expect(loadTypescript).not.toHaveBeenCalled();
  await first.save();
  expect(await cache(text).of('a.js', ID)).toBeUndefined();
  expect(read).not.toHaveBeenCalled();
});
