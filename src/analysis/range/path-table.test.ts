/** A table of paths finds what a look at every row finds. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mayOverlap, parsePattern } from '../../model/paths/pattern.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import { EVERYTHING, linesOf, type PathRow, PathTable, rowsOf, tableText } from './path-table.js';

const name = fc.constantFrom('a', 'b', 'ab', 'a.ts', 'b.ts', 'é', 'A', 'x\ty', 'x\nz', '\u0001', '😀');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const glob = fc
  .tuple(fc.constantFrom('', 'a/', 'b/a/', 'é/'), fc.constantFrom('*', '**', '*.ts', '**/*.ts', 'a*', '[ab]'))
  .map((parts) => parts.join(''));
const list = fc.array(
  fc.oneof(
    path,
    glob,
    glob.map((one) => `!${one}`),
  ),
  { minLength: 1, maxLength: 3 },
);
const feature = fc.constantFrom('one', 'two', 'three');
const rows = fc.array(
  fc.oneof(
    fc.tuple(list, feature).map(([texts, of]) => rowsOf(texts, of)),
    feature.map((of): PathRow[] => [{ start: '', feature: of, list: EVERYTHING }]),
  ),
);

const features = (found: readonly PathRow[]) => [...new Set(found.map((row) => row.feature))].sort();
const opened = (all: readonly PathRow[]) => new PathTable(tableText(linesOf(all)));

test('the rows of a path and of a pattern are those that a look at every row finds', () => {
  fc.assert(
    fc.property(rows, path, fc.oneof(path, glob), (some, one, text) => {
      const all = some.flat();
      const table = opened(all);
      const has = ({ start, list: texts }: PathRow) =>
        texts === undefined ? start === one : texts === EVERYTHING || patternSet(texts).matches(one);
      expect(features(table.at(one))).toEqual(features(all.filter(has)));
      const pattern = parsePattern(text);
      const meets = ({ start, list: texts }: PathRow) =>
        texts === undefined
          ? pattern.matches(start)
          : texts === EVERYTHING || patternSet(texts).includes.some((each) => mayOverlap(each, pattern));
      expect(features(table.meeting(pattern))).toEqual(features(all.filter(meets)));
    }),
  );
});

test('other lines of some features give the table of all rows', () => {
  fc.assert(
    fc.property(rows, rows, (before, after) => {
      const all = before.flat();
      const own = after.flat().filter((row) => row.feature === 'one');
      const rest = all.filter((row) => row.feature !== 'one');
      expect(opened(all).with(new Set(['one']), linesOf(own))).toEqual(tableText(linesOf([...rest, ...own])));
      expect(opened(all).of(new Set(['one'])).length).toBe(linesOf(all).length - linesOf(rest).length);
    }),
  );
});

test('the row of a pattern is parsed once for all paths', () => {
  const table = opened(rowsOf(['**/*.txt'], 'one'));
  const [first] = table.at('a.txt');
  expect(table.at('b/c.txt')[0]).toBe(first);
  expect(first?.list).toEqual(['**/*.txt']);
});
