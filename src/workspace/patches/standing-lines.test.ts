import { expect, test } from 'vitest';
import { handChange } from './placed-lines.js';
import { standingLines } from './standing-lines.js';

const texts = new Map<string, Buffer>();
const objects = {
  read: async (id: string) => texts.get(id),
  writeBlob: async () => {
    throw new Error('nothing is written');
  },
};
const file = (text: string, bytes = Buffer.from(text)) => {
  texts.set(text, bytes);
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
  ['the same line of Cyrillic letters', 'мир\n', 'мир\nмир\n', { lines: ['мир'], isWhole: true }],
  ['the same line of Chinese characters', '字\n', '字\n字\n', { lines: ['字'], isWhole: true }],
  ['bullets', '• —\n', '• —\n• —\n', undefined],
  ['brackets', 'a {\n}\n', 'a {\n}\n}\n', undefined],
  ['a change of a line', 'a\nb\n', 'c\nb\nb\n', undefined],
  ['new lines', 'a\n', 'a\nb\n', undefined],
])('a patch with %s', async (_, before, after, expected) => {
  expect(await change(before, after)).toEqual(expected);
});

test('a line in another encoding than UTF-8 tells as much', async () => {
  const bytes = (text: string) => file(text, Buffer.from(text, 'latin1'));
  const one = { path: 'a.txt', before: bytes('\xec\n'), after: bytes('\xec\n\xec\n') };
  expect(await standingLines(objects, one)).toMatchObject({ isWhole: true });
});

test.each(['word\n', 'мир\n', '字\n'])('a line that a patch took out and a person put back: %j', (line) => {
  const before = Buffer.from(`a\n${line}b\n`).toString('latin1');
  const after = 'a\nb\n';
  const change = handChange({ before, merged: after, now: before, patches: [{ task: 't', before, after }] });
  expect(change.touched.map(({ tasks }) => tasks)).toEqual([['t']]);
});
