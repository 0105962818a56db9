import { expect, test } from 'vitest';
import { splitByOwner } from './split-hunks.js';

const OLD = ['Text.\n', 'line of aa\n', 'line of bb\n'];
const OWNERS = [undefined, 'aa', 'bb'];

test.each([
  [
    'each changed',
    ['My text.\n', 'line of AA\n', 'line of BB\n'],
    ['0-1 My text.', '1-2 line of AA', '2-3 line of BB'],
  ],
  ['all other', ['one\n', 'two\n', 'three\n'], ['0-1 one', '1-2 two', '2-3 three']],
  ['one of them is what it was', ['Text!\n', 'line of aa\n', 'x\n'], ['0-1 Text!', '2-3 x']],
  [
    'a line put between',
    ['Text!\n', 'line of AA\n', 'mine\n', 'line of BB\n'],
    ['0-1 Text!', '1-2 line of AA', '2-2 mine', '2-3 line of BB'],
  ],
  ['patches gone', ['My text.\n'], ['0-1 My text.', '1-2 ', '2-3 ']],
  ['something else there', ['# Other\n', 'x\n'], ['0-1 # Other x', '1-2 ', '2-3 ']],
])('a change of lines of several owners, %s', (_, lines, expected) => {
  const found = splitByOwner({ start: 0, end: 3, lines }, OLD, OWNERS);
  const shown = found.map(
    ({ start, end, lines: put }) => `${start}-${end} ${put.map((line) => line.trim()).join(' ')}`,
  );
  expect(shown).toEqual(expected);
});
