/** The one text of equal data: the same as from `JSON.stringify` with sorted objects, by which stored keys were made. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../model/digest.js';

/** Slow and simple: sorts every object, and lets the language write it. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    const sorted = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return Object.assign(Object.create(null) as object, Object.fromEntries(sorted));
  });
}

test('any data gives the text of the simple way', () => {
  const name = fc.oneof(
    fc.string(),
    fc.nat().map(String),
    fc.constantFrom('__proto__', '01', '4294967295', '-1'),
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.constantFrom(undefined, null, true, false, -0),
      fc.array(tie('value')),
      fc.dictionary(name, tie('value'), { noNullPrototype: false }),
    ),
  }));
  fc.assert(
    fc.property(value, (one) => {
      fc.pre(one !== undefined);
      expect(canonicalJson(one)).toBe(sortedJson(one));
      expect(canonicalJson({ one })).toBe(sortedJson({ one }));
    }),
    { numRuns: 2000 },
  );
});
