/** Holds that a lock is read as it was written, in a form that merges well, and never when it is damaged. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateSchema } from '../io/document/document.js';
import type { FeatureLock, LockedTask } from '../model/feature-lock.js';
import { formatLock, parseLock } from './lock-file.js';
import { mergeLocks } from './merge-locks.js';

const FILE = 'specs/f/.metadata.json';
const digest = 'd'.repeat(64);
const blob = 'b'.repeat(40);

const task: LockedTask = {
  acceptance: ['x'],
  recipe: 'agent',
  outputs: { 'z.ts': blob, 'a.ts': `100755:${blob}`, 'Ä\n': blob },
  interface: digest,
  result: blob,
  key: digest,
  edits: { 'r.ts': { merged: blob, after: '', base: blob }, 'n.ts': { base: '', after: blob, merged: blob } },
  gates: digest,
  agent: 'claude',
};
const lock: FeatureLock = {
  tasks: { T2: task, T1: { ...task, resultKey: digest } },
  feature: 'f',
};

test('what was written is read, and fits the schema that ships', async () => {
  const text = formatLock(lock, FILE);
  expect(parseLock(text, FILE)).toEqual({ ok: true, value: lock });
  expect(await validateSchema('metadata', JSON.parse(text))).toEqual([]);
});

test('a lock with another reference to the schema, or with none, reads the same', () => {
  const text = formatLock(lock, FILE);
  for (const line of ['', '  "$schema": "conductor-build/schemas/metadata.schema.json",\n']) {
    const older = text.replace(/^ {2}"\$schema".*\n/m, line);
    expect(older).not.toBe(text);
    expect(parseLock(older, FILE)).toEqual({ ok: true, value: lock });
  }
  expect(formatLock(lock, 'specs/f.spec.metadata.json')).toContain(
    '"$schema": "../node_modules/conductor-build/',
  );
});

test('a lock of format 1 is read without its times and sums, which belong to results', async () => {
  const older = {
    ...(JSON.parse(formatLock(lock, FILE)) as { tasks: Record<string, object> }),
    ...{ schema: 1, version: '1.4.2', status: 'complete', lastGenerated: '2026-01-01T00:00:00.000Z' },
    ...{ attempts: 3, costUsd: 0.5 },
  };
  const sums = { attempts: 1, costUsd: 0.5, tokens: 100 };
  const tasks = Object.fromEntries(Object.entries(older.tasks).map(([id, one]) => [id, { ...one, ...sums }]));
  const text = JSON.stringify({ ...older, tasks });
  expect(parseLock(text, FILE)).toEqual({ ok: true, value: { ...lock, version: '1.4.2' } });
  expect(await validateSchema('metadata', JSON.parse(text))).toEqual([]);
});

test('nothing is written that changes while no task does: no time, no sum, no version', () => {
  expect(Object.keys(JSON.parse(formatLock(lock, FILE)))).toEqual(['$schema', 'schema', 'feature', 'tasks']);
});

test('the order of keys in memory does not show', () => {
  const reversed = (value: unknown): unknown =>
    value === null || typeof value !== 'object' || Array.isArray(value)
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([key, inner]) => [key, reversed(inner)]),
        );
  const text = formatLock(lock, FILE);
  expect(formatLock(reversed(lock) as FeatureLock, FILE)).toBe(text);
  expect(
    text.startsWith(
      '{\n  "$schema": "../../node_modules/conductor-build/schemas/metadata.schema.json",\n  "schema": 2,\n',
    ),
  ).toBe(true);
  expect(text.endsWith('}\n')).toBe(true);
  expect(text.indexOf('"T1"')).toBeLessThan(text.indexOf('"T2"'));
  expect(text.indexOf('"a.ts"')).toBeLessThan(text.indexOf('"z.ts"'));
});

const good = JSON.parse(formatLock(lock, FILE)) as Record<string, unknown>;
const withTask = (more: object) => JSON.stringify({ ...good, tasks: { T1: { ...task, ...more } } });
const damaged: [what: string, text: string, message: RegExp, line?: number][] = [
  ['nothing', '', /damaged/, 1],
  ['half of it', formatLock(lock, FILE).slice(0, 300), /damaged/],
  [
    'marks of a merge',
    formatLock(lock, FILE).replace('  "feature"', '<<<<<<< HEAD\n  "feature"'),
    /conflict markers/,
    4,
  ],
  ['a list', '[]', /not an object/],
  ['a newer one', JSON.stringify({ ...good, schema: 3 }), /newer conductor \(schema 3/],
  ['no schema', JSON.stringify({ ...good, schema: undefined }), /`schema`/],
  ['no version', JSON.stringify({ ...good, schema: 1, version: 'x' }), /`version`/],
  ['tasks that are none', JSON.stringify({ ...good, tasks: { T1: 7 } }), /task `T1`: is no object/],
  ['a key that is none', withTask({ key: 'x' }), /task `T1`: `key`/],
  ['a result that is an option of git', withTask({ result: '--help' }), /`result`/],
  ['outputs that are none', withTask({ outputs: { a: '../x' } }), /`outputs`/],
  ['edits that are none', withTask({ edits: { a: { base: 'x', after: '', merged: '' } } }), /`edits`/],
  ['an unknown recipe', withTask({ recipe: 'magic' }), /`recipe`/],
  ['criteria that are none', withTask({ acceptance: [1] }), /`acceptance`/],
];

test.each(damaged)('%s is refused', (_what, text, message, line) => {
  const result = parseLock(text, FILE);
  if (result.ok) throw new Error('was read');
  expect(result.error.file).toBe(FILE);
  expect(result.error.message).toMatch(message);
  expect(result.error.hint).toBeTruthy();
  if (line !== undefined) expect(result.error.line).toBe(line);
});

test('whatever the text is, reading it gives a value', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(parseLock(text, FILE).ok).toBe(false);
    }),
  );
});

const mine = { ...lock, tasks: { T1: task, T2: { ...task, key: 'e'.repeat(64) }, T3: task } };
const hers = {
  ...lock,
  tasks: { T1: { ...task, key: 'f'.repeat(64) }, T2: { ...task, key: 'a'.repeat(64) } },
};
const start = { ...lock, tasks: { T1: task, T2: task } };
const marked = (style: string) => {
  const dir = mkdtempSync(join(tmpdir(), 'conductor-lock-'));
  const sides = { ours: mine, base: start, theirs: hers };
  for (const [name, side] of Object.entries(sides)) writeFileSync(join(dir, name), formatLock(side, FILE));
  const args = ['merge-file', '-p', ...(style === '' ? [] : [style]), 'ours', 'base', 'theirs'];
  try {
    return spawnSync('git', args, { cwd: dir, encoding: 'utf8' }).stdout;
  } finally {
    rmSync(dir, { recursive: true });
  }
};

test.each(['', '--diff3', '--zdiff3'])(
  'the conflict markers of a merge are read as both sides (%s)',
  (style) => {
    const text = marked(style);
    expect(text).toContain('<<<<<<<');
    const read = parseLock(text, FILE);
    if (!read.ok) throw new Error(read.error.message);
    expect(read.value).toMatchObject({ hasMarkers: true });
    const { T1, T2, T3 } = read.value.tasks;
    expect(T3).toEqual(task);
    expect(T1).toEqual(hers.tasks.T1);
    // Both sides built it: a merge in either direction gives the same.
    expect([T2?.key, T2?.unmerged?.sides.map(({ key }) => key)]).toEqual(['a'.repeat(64), ['e'.repeat(64)]]);
    const whole = mergeLocks({ ours: mine, theirs: hers, base: start });
    expect(mergeLocks({ ours: hers, theirs: mine, base: start })).toEqual(whole);
    const again = formatLock(whole, FILE);
    expect(parseLock(again, FILE)).toEqual({ ok: true, value: whole });
    expect(whole.tasks.T2?.unmerged?.bases).toEqual([task]);
  },
);
