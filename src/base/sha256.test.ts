import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from './sha256.js';

const theirs = (text: string) => createHash('sha256').update(text).digest('hex');

test('it says what the digest of node says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      expect(sha256(text)).toBe(theirs(text));
    }),
  );
  // Every length around the ends of blocks.
  for (let length = 0; length < 200; length++)
    expect(sha256('a'.repeat(length))).toBe(theirs('a'.repeat(length)));
});
