/** Holds that a key of sorted JSON is found as by parsing it, whatever keys and values there are. */

import { expect, test } from 'vitest';
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
