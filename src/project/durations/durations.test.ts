/** Holds the record of durations: what one build adds, what a damaged line costs, and that it does not grow without end. */

import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readDurations } from './durations.js';

let state = '';
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'conductor-durations-'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const file = () => join(state, 'durations.json');

test('a build adds what it ran, and what ran last counts', async () => {
  writeFileSync(file(), JSON.stringify({ 'f/T1': 5, 'f/T2': 7 }));
  const first = await readDurations(state);
  first.set('f/T1', 9);
  await first.write(state);
  first.set('f/T3', 4);
  await first.write(state);
  await first.write(state);
  expect(readFileSync(file(), 'utf8')).toBe('{"f/T1":5,"f/T2":7}\n{"f/T1":9}\n{"f/T3":4}');
  const next = await readDurations(state);
  expect(['f/T1', 'f/T2', 'f/T3', 'f/T4'].map((label) => next.get(label))).toEqual([9, 7, 4, undefined]);
});

test('lines that are torn or of another form say nothing', async () => {
  const durations = await readDurations(state);
  durations.set('f/T1', 5);
  await durations.write(state);
  appendFileSync(file(), '\n{"f/T1":8,"f/T');
  appendFileSync(file(), '\n[1]\n{"f/T2":"long","f/T3":3,"f/T4":1e999}');
  const read = await readDurations(state);
  expect(['f/T1', 'f/T2', 'f/T3', 'f/T4', 'toString'].map((label) => read.get(label))).toEqual([
    5,
    undefined,
    3,
    undefined,
    undefined,
  ]);
});

test('most of the record is never changes', async () => {
  const durations = await readDurations(state);
  for (let i = 0; i < 3000; i++) {
    durations.set(`f/T${i % 3}`, i);
    await durations.write(state);
  }
  expect(statSync(file()).size).toBeLessThan(11_000);
  const read = await readDurations(state);
  expect(['f/T0', 'f/T1', 'f/T2'].map((label) => read.get(label))).toEqual([2997, 2998, 2999]);
});

test('a large record that has to be parsed is written anew once', async () => {
  const entries = Array.from({ length: 2000 }, (_, i) => [`f/T${i}`, i] as const);
  writeFileSync(file(), JSON.stringify(Object.fromEntries(entries)));
  const durations = await readDurations(state);
  durations.set('f/T7', 1);
  await durations.write(state);
  const lines = readFileSync(file(), 'utf8').split('\n');
  expect([lines.length, JSON.parse(lines[0] as string)['f/T7']]).toEqual([1, 1]);
  const next = await readDurations(state);
  expect(['f/T7', 'f/T8', 'f/T1999', 'f/T2000'].map((label) => next.get(label))).toEqual([
    1,
    8,
    1999,
    undefined,
  ]);
  next.set('f/T9', 2);
  await next.write(state);
  expect(readFileSync(file(), 'utf8').split('\n')).toEqual([lines[0], '{"f/T9":2}']);
});
