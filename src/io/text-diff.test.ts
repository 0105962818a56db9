import { expect, test } from 'vitest';
import { lineHunks } from './text-diff.js';

const lines = (text: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${text} ${i}\n`).join('');

test('what leads from one text to the other, line by line', () => {
  expect(lineHunks('a\nb\nc\n', 'a\nB\nc\nd')).toEqual([
    { start: 1, end: 2, lines: ['B\n'] },
    { start: 3, end: 3, lines: ['d'] },
  ]);
  expect(lineHunks('', '')).toEqual([]);
});

test('texts with little in common are one change, between the lines that begin and end both', () => {
  const shared = lines('shared', 10);
  const [old, now] = ['old', 'new'].map(
    (text) => `same\n${lines(text, 2000)}${shared}${lines(text, 2000)}end\n`,
  );
  const [hunk, ...more] = lineHunks(old as string, now as string);
  expect(more).toEqual([]);
  expect(hunk).toMatchObject({ start: 1, end: 4011 });
  expect(hunk?.lines.join('')).toBe((now as string).slice('same\n'.length, -'end\n'.length));
  expect(lineHunks('a\na\n', 'a\n')).toEqual([{ start: 1, end: 2, lines: [] }]);
});
