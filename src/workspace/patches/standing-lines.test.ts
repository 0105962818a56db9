import { expect, test } from 'vitest';
import { standingLines } from './standing-lines.js';

const texts = new Map<string, Buffer>();
const objects = {
  read: async (id: string) => texts.get(id),
  writeBlob: async () => {
    throw new Error('nothing is written');
  },
};
const file = (text: string) => {
  texts.set(text, Buffer.from(text));
  return { mode: '100644', id: text } as const;
};
const change = (before: string, after: string) =>
  standingLines(objects, { path: 'a.txt', before: file(before), after: file(after) });

test.each([
  ['the same line again', 'a\nb\n', 'a\nb\nb\n', { lines: ['b'], isWhole: true }],
  ['the same lines at another place', 'a\nb\nc\n', 'a\nb\nc\na\nb\n', { lines: ['a', 'b'], isWhole: true }],
  ['one of two insertions', 'a\nb\nc\n', 'x\na\nb\nc\nb\n', { lines: ['b'], isWhole: false }],
  ['the last line, which has no line break', 'é\nb', 'é\nb\né\n', undefined],
  ['lines that stand apart', 'a\nb\nc\n', 'a\nb\nc\na\nc\n', undefined],
  ['brackets', 'a {\n}\n', 'a {\n}\n}\n', undefined],
  ['a change of a line', 'a\nb\n', 'c\nb\nb\n', undefined],
  ['new lines', 'a\n', 'a\nb\n', undefined],
])('a patch with %s', async (_, before, after, expected) => {
  expect(await change(before, after)).toEqual(expected);
});
