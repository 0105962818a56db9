/** Small files: lines of a file that only grows are there at once, and no write is a part without an error. */

import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { canLimit, limitOwn } from '../test/torture/own-limit.js';
import { GrowingFile, readTailSync } from './growing-file.js';
import { createPassing } from './passing-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-growing-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Open files of this process with this path. */
function openFiles(path: string): number {
  const names = readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)];
    } catch {
      return [];
    }
  });
  return names.filter((name) => name === path).length;
}

test('every line is there when it was added, also from two writers and in a folder that was missing', async () => {
  const path = join(folder, 'of/its/own', 'lines');
  const [one, other] = [new GrowingFile(path), new GrowingFile(path)];
  let expected = '';
  for (let i = 0; i < 300; i++) {
    (i % 2 === 0 ? one : other).add(`${i}\n`);
    expected += `${i}\n`;
    if (i % 100 === 0) expect(readFileSync(path, 'utf8')).toBe(expected);
  }
  one.addLast('end\n');
  expect(readFileSync(path, 'utf8')).toBe(`${expected}end\n`);
  expect(readTailSync(path, expected.length).toString()).toBe('end\n');
});

test.runIf(process.platform === 'linux')('no file stays open', async () => {
  const path = join(folder, 'lines');
  const file = new GrowingFile(path);
  for (let i = 0; i < 300; i++) file.add(`${i}\n`);
  // One for each writer, however much it adds.
  expect(openFiles(path)).toBeLessThanOrEqual(1);
  await vi.waitFor(() => expect(openFiles(path)).toBe(0), { timeout: 20_000 });
  file.add('again\n');
  await vi.waitFor(() => expect(openFiles(path)).toBe(0), { timeout: 20_000 });
});

test('a folder that is no folder is an error of the system', () => {
  const file = new GrowingFile(join(folder, 'lines'));
  file.addLast('x\n');
  expect(() => new GrowingFile(join(folder, 'lines', 'more')).add('y\n')).toThrow(/ENOTDIR|EEXIST/);
});

test.runIf(canLimit)(
  'where a part of the text fits only, that is an error, and no temporary file stays',
  () => {
    const file = new GrowingFile(join(folder, 'lines'));
    const endLimit = limitOwn('fsize', 1000);
    try {
      // The system writes what fits and calls that a success.
      expect(() => file.add('x'.repeat(2000))).toThrow(/EFBIG/);
      expect(() => createPassing(join(folder, 'claim'), 'x'.repeat(2000))).toThrow(/EFBIG/);
    } finally {
      endLimit();
    }
    expect(readdirSync(folder)).toEqual(['lines']);
  },
);
