/** Holds that canonical JSON is what it always was, since keys are made of it, and that values are compared as their texts are. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, isSameJson } from '../../model/digest.js';

const keys = fc.constantFrom('a', 'b', 'B', '1', '10', '2', '__proto__', 'ä', '');
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, -0, 1.5, '', 'a', undefined),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .uniqueArray(fc.tuple(keys, tie('value')), { selector: ([key]) => key, maxLength: 4 })
      .map(Object.fromEntries),
  ),
})).value;

/** Text by text: the keys in the order of their code units, as far as the engine keeps an order of them. */
function plainly(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`;
  const isNumber = (key: string) => /^(?:0|[1-9]\d*)$/.test(key);
  const names = Object.keys(value).sort();
  const ordered = [
    ...names.filter(isNumber).sort((x, y) => Number(x) - Number(y)),
    ...names.filter((name) => !isNumber(name)),
  ];
  const known = value as Record<string, unknown>;
  const fields = ordered.filter((key) => known[key] !== undefined);
  return `{${fields.map((key) => `${JSON.stringify(key)}:${plainly(known[key])}`).join(',')}}`;
}

test('keys are sorted, and what is undefined is left out', () => {
  expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}');
  fc.assert(
    fc.property(values, (value) => {
      expect(canonicalJson([value])).toBe(plainly([value]));
    }),
  );
});

test('two values are the same when their texts are', () => {
  const pairs = fc.oneof(
    fc.tuple(values, values),
    values.map((one) => [one, structuredClone(one)] as const),
  );
  fc.assert(
    fc.property(pairs, ([a, b]) => {
      expect(isSameJson([a], [b])).toBe(canonicalJson([a]) === canonicalJson([b]));
    }),
    { numRuns: 500 },
  );
  expect(isSameJson({ a: 1, b: { c: [] } }, { b: { c: [], d: undefined }, a: 1 })).toBe(true);
  expect(isSameJson({ a: [] }, { a: {} })).toBe(false);
});
