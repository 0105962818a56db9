/** Holds that a key of sorted JSON is found as by parsing it, whatever keys and values there are. */

import { expect, onTestFinished, test, vi } from 'vitest';
import { SearchedJson, sortedJson } from './sorted-json.js';

const KEYS = [
  '',
  'a',
  'a b',
  'a"',
  'a","b',
  'a\t',
  'a\n',
  'a:',
  'aé',
  'b/c',
  'Ä',
  'ä',
  '€',
  '😀',
  '\\',
  '10',
  '9',
  '__proto__',
];
const VALUES = [1, 0.5, 'x', 'x,', '\t', '"', '}', null, '', '100644 f00'];

test('every key is found, and no other one', () => {
  for (let count = 0; count <= KEYS.length; count++) {
    const entries = KEYS.slice(0, count).map((key, i) => [key, VALUES[i % VALUES.length]] as const);
    const text = sortedJson(entries);
    const searched = new SearchedJson(text);
    for (const key of KEYS) expect(searched.get(key)).toBe(new Map(entries).get(key));
    for (const key of ['toString', 'a ', 'zz', '{', 'a":']) expect(searched.get(key)).toBeUndefined();
    // In the order of the entries, with keys between them that are not there.
    const ordered = new SearchedJson(text);
    for (const key of KEYS.map((one) => JSON.stringify(one)).sort()) {
      const one: string = JSON.parse(key);
      expect(ordered.get(`${one} `)).toBe(new Map(entries).get(`${one} `));
      expect(ordered.get(one)).toBe(new Map(entries).get(one));
    }
    expect(Object.entries(JSON.parse(text)).sort()).toEqual(
      entries
        .toSorted()
        .map((one) => [...one])
        .sort(),
    );
  }
});

test('an object in any order is searched too, and what is none has no entries', () => {
  const plain = new SearchedJson('{"b":1,"a":2}');
  expect(['a', 'b', 'c', 'toString'].map((key) => plain.get(key))).toEqual([2, 1, undefined, undefined]);
  for (const text of ['', '[1]', 'null', '{"a":1', '{"a":1,\t"b"\t}', '{\t}'])
    expect(new SearchedJson(text).get('b')).toBeUndefined();
});

test('questions in the order of the entries are answered without a search, however many they are', () => {
  const keys = Array.from({ length: 1000 }, (_, i) => `${i}`.padStart(4, '0'));
  const text = sortedJson(keys.map((key) => [key, [key]]));
  const parse = vi.spyOn(JSON, 'parse');
  onTestFinished(() => parse.mockRestore());
  const searched = new SearchedJson(text);
  for (const key of keys) expect(searched.get(key)).toEqual([key]);
  // The whole would be parsed where each was a question of its own.
  expect(Math.max(...parse.mock.calls.map(([one]) => one.length))).toBeLessThan(30);
  expect(parse).toHaveBeenCalledTimes(keys.length);
  expect(searched.get(keys[0] as string)).toEqual(['0000']);
});

test('few questions parse nothing but their values, and many parse the whole once', () => {
  const keys = Array.from({ length: 1000 }, (_, i) => `key ${i}`);
  const text = sortedJson(keys.map((key, i) => [key, i]));
  const parse = vi.spyOn(JSON, 'parse');
  onTestFinished(() => parse.mockRestore());
  const parsed = () => parse.mock.calls.reduce((sum, [one]) => sum + one.length, 0);
  const searched = new SearchedJson(text);
  for (const key of keys.slice(0, 10)) searched.get(key);
  expect(parsed()).toBeLessThan(500);
  for (let turn = 0; turn < 2; turn++) {
    expect(keys.map((key) => searched.get(key))).toEqual(keys.map((_, i) => i));
    expect(searched.get('key')).toBeUndefined();
  }
  expect(parse.mock.calls.length).toBeLessThan(500);
});
