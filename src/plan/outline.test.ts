/** Holds which names a source file offers, language by language. */

import { expect, test } from 'vitest';
import { hasOutline, outlineOf } from './outline.js';

test.each([
  [
    'a.ts',
    'import x from "y";\nexport interface A {}\nexport async function b() {}\nexport const c = 1;\nfunction hidden() {}\nexport default class D {}\nexport { e as f, type G } from "z";\n',
    ['A', 'b', 'c', 'D', 'f', 'G'],
  ],
  ['a.cjs', 'exports.one = 1;\nmodule.exports.two = 2;\n', ['one', 'two']],
  ['a.py', 'class A:\n    def inner(self): pass\ndef b(): pass\nasync def c(): pass\n', ['A', 'b', 'c']],
  [
    'a.go',
    'type Store struct {}\nfunc (s *Store) Get() {}\nfunc hidden() {}\nfunc Open() {}\n',
    ['Store', 'Get', 'Open'],
  ],
  [
    'a.rs',
    'pub struct A;\nimpl A {\n    pub fn b() {}\n    fn c() {}\n}\npub(crate) enum D {}\n',
    ['A', 'b', 'D'],
  ],
  ['A.java', 'public final class A {\n  public static record B() {}\n}\n', ['A', 'B']],
  ['a.md', '# Notes\n\n## Use it ##\n\n### Deep\n', ['Notes', 'Use it']],
  ['a.sql', 'CREATE TABLE IF NOT EXISTS notes (id int);\n', ['notes']],
] as const)('%s', (path, text, names) => {
  expect(outlineOf({ path, text })).toEqual(names);
});

test('an unknown language has none, and a file of a thousand names is cut', () => {
  expect(hasOutline('a.bin')).toBe(false);
  expect(outlineOf({ path: 'a.bin', text: 'export const a = 1;' })).toEqual([]);
  const text = Array.from({ length: 1000 }, (_, i) => `export const name${i} = 1;`).join('\n');
  expect(outlineOf({ path: 'a.ts', text })).toHaveLength(40);
});

test('a hostile file costs no time', () => {
  const begin = process.cpuUsage();
  for (const text of [
    'export {'.repeat(20_000),
    'export '.repeat(30_000),
    '#'.repeat(200_000),
    'pub '.repeat(50_000),
  ]) {
    for (const ending of ['ts', 'md', 'rs', 'java', 'rb', 'py', 'sql', 'cs'])
      outlineOf({ path: `a.${ending}`, text });
  }
  expect(process.cpuUsage(begin).user / 1000).toBeLessThan(5000);
});
