/** Holds that `npm run bench` measures: its smallest table, without tools that it would have to install. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE } from '../rig/command-line.js';

function bench(...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  return execFileSync(process.execPath, [join(PACKAGE, 'bench/run.js'), ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('the smallest table has a row for each case, with wall and processor time and a ratio of both', () => {
  const page = join(PACKAGE, 'docs/benchmarks.md');
  const before = readFileSync(page, 'utf8');
  const cases = ['first', 'nothing', 'edited', 'restored', 'load'];
  const printed = bench(...cases, '--sizes', '3', '--rounds', '1', '--tools', '', '--no-page');
  const rows = printed
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '));
  expect(rows.slice(1).map(([name]) => name)).toEqual([
    '3 render tasks from nothing',
    'nothing to do, 3 tasks',
    'one spec edited of 3 tasks',
    '3 results restored',
    'cold load and validation of 3 specs in 1 files',
    'cold load and validation of 3 specs in 3 files',
  ]);
  const time = /^[\d.]+ m?s$/;
  for (const [, wall, processor, memory] of rows.slice(1)) {
    expect(wall).toMatch(time);
    expect(processor).toMatch(time);
    expect(memory).toMatch(/^\d* ?(MB)?$/);
  }
  for (const [, , , , , ratio] of rows.slice(2)) expect(ratio).toMatch(/^[\d.]+ · [\d.]+$/);
  expect(printed).toContain(`Node ${process.versions.node}`);
  expect(readFileSync(page, 'utf8')).toBe(before);
}, 120_000);

test('a case that does not exist is named, with those that do', () => {
  expect(() => bench('nothin')).toThrow(/no case is named nothin: first nothing edited/);
});
