/** A file that takes the place of the one to remove is never lost, also where the file system has no links. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPassing, removePassing } from './passing-files.js';

const system = vi.hoisted(() => ({ hasLinks: true }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const linkSync = (from: string, to: string) => {
    if (!system.hasLinks) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
    real.linkSync(from, to);
  };
  return { ...real, linkSync };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-passing-'));
});
afterEach(() => {
  system.hasLinks = true;
  rmSync(folder, { recursive: true, force: true });
});

test.each([true, false])('another file is put back, with links: %s', (hasLinks) => {
  system.hasLinks = hasLinks;
  const path = join(folder, 'claim');
  writeFileSync(path, 'own');
  let asked = 0;
  const isRemoved = removePassing(path, (text) => {
    // Another process replaces the file when this one has read it.
    if (asked++ === 0) writeFileSync(path, 'of another');
    return text === 'own';
  });
  expect([isRemoved, asked]).toEqual([false, 2]);
  expect(readFileSync(path, 'utf8')).toBe('of another');
  expect(removePassing(path, (text) => text === 'of another')).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
});

test('a file is made where there is none; without links that is left to others', () => {
  const path = join(folder, 'claim');
  expect([createPassing(path, 'one'), createPassing(path, 'two')]).toEqual([true, false]);
  system.hasLinks = false;
  expect(createPassing(join(folder, 'more'), 'x')).toBeUndefined();
  expect(readFileSync(path, 'utf8')).toBe('one');
  expect(readdirSync(folder)).toEqual(['claim']);
});
