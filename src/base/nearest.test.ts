/** Holds which word is taken for the one that was meant. */

import { expect, test } from 'vitest';
import { editDistance, nearest } from './nearest.js';

test('the distance counts inserted, removed, replaced and swapped signs', () => {
  expect(editDistance('abc', 'abc', 3)).toBe(0);
  expect(editDistance('abc', 'acb', 3)).toBe(1);
  expect(editDistance('kitten', 'sitting', 5)).toBe(3);
  expect(editDistance('', 'ab', 3)).toBe(2);
  expect(editDistance('abcdef', 'uvwxyz', 2)).toBe(3);
});

test('a slip of the hand finds its word, another word none', () => {
  expect(nearest('dependson', ['outputs', 'depends_on'])).toBe('depends_on');
  expect(nearest('T03', ['T01', 'T04', 'T30'])).toBe('T01');
  expect(nearest('OUTPUTS', ['outputs'])).toBe('outputs');
  expect(nearest('zebra', ['outputs', 'inputs'])).toBeUndefined();
  expect(nearest('', ['a'])).toBe('a');
  expect(nearest('x', [])).toBeUndefined();
});
