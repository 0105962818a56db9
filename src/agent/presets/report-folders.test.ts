/** Holds that an attempt never finds what another one left in its folder. */

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lookSync } from '../../io/files.js';
import { ReportFolders } from './report-folders.js';

let root: string;
let folders: ReportFolders;
const parent = () => join(root, 'agents');
const take = () => folders.take(join(root, 'prompt.md'));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'conductor-reports-'));
  folders = new ReportFolders(parent());
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('attempts at the same time have folders of their own, and what is left empty is used again', async () => {
  const [a, b] = [await take(), await take()];
  expect(a).not.toBe(b);
  await folders.giveBack(a);
  expect(await take()).toBe(a);
  await folders.giveBack(b);
  await folders.giveBack(a);
  await folders.close();
  expect(readdirSync(parent())).toEqual([]);
});

const left: [what: string, leave: (folder: string) => void][] = [
  ['a report', (folder) => writeFileSync(join(folder, 'needs.json'), '{}')],
  ['a folder', (folder) => mkdirSync(join(folder, 'usage.json'))],
  ['a link', (folder) => symlinkSync('/etc/passwd', join(folder, 'usage.json'))],
  ['other rights', (folder) => chmodSync(folder, 0o755)],
  ['other times', (folder) => utimesSync(folder, 1, 1)],
  [
    'a link in its place',
    (folder) => {
      rmSync(folder, { recursive: true });
      mkdirSync(join(root, 'elsewhere'));
      symlinkSync(join(root, 'elsewhere'), folder);
    },
  ],
  ['nothing', (folder) => rmSync(folder, { recursive: true })],
];
test.each(left)('a folder in which an agent left %s is not used again', async (_, leave) => {
  const folder = await take();
  leave(folder);
  await folders.giveBack(folder);
  expect(lookSync(folder)).toBeUndefined();
  const next = await take();
  expect(next).not.toBe(folder);
  expect(readdirSync(next)).toEqual([]);
});

test.each(left)('a folder where %s is left after it was given back is not used again', async (_, leave) => {
  const folder = await take();
  await folders.giveBack(folder);
  leave(folder);
  const next = await take();
  expect(next).not.toBe(folder);
  expect(readdirSync(next)).toEqual([]);
  expect(lookSync(folder)).toBeUndefined();
});

test('what is given back after the end is removed', async () => {
  const folder = await take();
  await folders.close();
  await folders.giveBack(folder);
  expect(readdirSync(parent())).toEqual([]);
});

test('without a place for them, each attempt has one beside its prompt', async () => {
  folders = new ReportFolders(undefined);
  const folder = await take();
  await folders.giveBack(folder);
  expect(folder.startsWith(join(root, 'prompt.md.'))).toBe(true);
  expect(readdirSync(root)).toEqual([]);
});
