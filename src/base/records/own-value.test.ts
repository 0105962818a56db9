import { expect, test } from 'vitest';
import { ownValue } from './own-value.js';

test.each(['constructor', 'toString', '__proto__'])('%s is a name like any other', (name) => {
  expect(ownValue({ other: 1 }, name)).toBeUndefined();
  expect(ownValue(Object.fromEntries([[name, 1]]), name)).toBe(1);
  expect(ownValue(undefined, name)).toBeUndefined();
});
