import { expect, test } from 'vitest';
import { bytes, duration, money, plural, visible, visibleBlock } from './style.js';
import { padTo, textWidth, truncate } from './width.js';

test('durations grow from milliseconds to hours', () => {
  const shown = [0, 42, 999.4, 3210, 59_940, 59_960, 72_000, 3_599_600, 7_500_000].map(duration);
  expect(shown).toEqual(['0ms', '42ms', '999ms', '3.2s', '59.9s', '1m 0s', '1m 12s', '1h 0m', '2h 5m']);
});

test('money shows cents, and less than a cent when there is less', () => {
  expect([0, 0.41, 12, 0.004, 0.0000001].map(money)).toEqual(['$0.00', '$0.41', '$12.00', '$0.004', '$0.00']);
});

test('numbers go with their nouns', () => {
  expect([plural(1, 'task'), plural(0, 'task'), bytes(1), bytes(2048), bytes(52_428_800)]).toEqual([
    ...['1 task', '0 tasks', '1 byte', '2.0 KB', '50.0 MB'],
  ]);
});

test('control characters become visible, colours of a log are dropped', () => {
  expect(visible('a\u001b[31m\n\t\u007f\u0085\u202e')).toBe('a␛[31m␊␉␡\\u0085\\u202e');
  expect(visible('a\n')).toBe('a␊');
  expect(visibleBlock('\u001b[1;31mred\u001b[0m\tx\r\n\u001b[2Jy')).toBe('red\tx\n␛[2Jy');
});

test('wide and combined characters are counted in columns', () => {
  expect(['abc', '漢字', 'e\u0301', '👩‍👩‍👧', '✔', '❤\ufe0f', ''].map(textWidth)).toEqual([
    3, 4, 1, 2, 1, 2, 0,
  ]);
  expect(truncate('漢字漢字', 5)).toBe('漢字…');
  expect(truncate('漢字漢字', 4)).toBe('漢…');
  expect(truncate('abc', 3)).toBe('abc');
  expect(truncate('abcd', 1)).toBe('…');
  expect(truncate('abcd', 0)).toBe('');
  expect(padTo('漢', 4)).toBe('漢  ');
});
