/** Which formatted lines go into the patch of a task, beside the patches of others. */

import { expect, test } from 'vitest';
import { formattedPart } from './formatted-part.js';

const text = (...lines: string[]) => lines.map((line) => `${line}\n`).join('');
const tight = (whole: string) => whole.replaceAll(' = ', '=');

const PLAIN = text('one = 1', 'two', 'three = 3', 'four', 'five = 5');

test.each([
  // Its own line, and lines of people that stand alone.
  ['a = 0', PLAIN + text('b = 9'), text('a=0', 'one=1', 'two', 'three=3', 'four', 'five = 5')],
  // Nobody else patches the file.
  ['a = 0', PLAIN, text('a=0', 'one=1', 'two', 'three=3', 'four', 'five=5')],
  // Another one stands at the same place.
  ['a = 0', text('b = 9') + PLAIN, text('a=0', 'one = 1', 'two', 'three=3', 'four', 'five=5')],
  // The other one is formatted already, and has formatted a line of people.
  ['a = 0', tight(PLAIN) + text('b=9'), text('a=0', 'one = 1', 'two', 'three = 3', 'four', 'five = 5')],
])('%s beside %j', (line, beside, expected) => {
  const own = text(line) + PLAIN;
  expect(formattedPart({ plain: PLAIN, own, formatted: tight(own), beside, isFirst: true })).toBe(expected);
});

test('a formatter that joins lines of the task keeps them joined; the lines beside another patch stay', () => {
  const own = text('one = 1', 'call(', '  a,', ')', 'two', 'three = 3', 'four', 'five = 5');
  const formatted = text('one=1', 'call(a)', 'two', 'three=3', 'four', 'five=5');
  const beside = text('zero') + PLAIN;
  expect(formattedPart({ plain: PLAIN, own, formatted, beside, isFirst: true })).toBe(
    text('one = 1', 'call(a)', 'two', 'three=3', 'four', 'five=5'),
  );
});

test('lines of people that stand alone are in the patch of the first task only', () => {
  const own = PLAIN + text('b = 9');
  const beside = text('a = 0') + PLAIN;
  const part = (isFirst: boolean) =>
    formattedPart({ plain: PLAIN, own, formatted: tight(own), beside, isFirst });
  expect(part(true)).toBe(text('one = 1', 'two', 'three=3', 'four', 'five=5', 'b=9'));
  expect(part(false)).toBe(text('one = 1', 'two', 'three = 3', 'four', 'five=5', 'b=9'));
});
