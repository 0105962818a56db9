/** Digests of labelled data: length-prefixed, so that two different lists of fields never give the same bytes. */

import { createHash } from 'node:crypto';

/** 64 lower-case hexadecimal digits of a SHA-256. */
export type Digest = string;

/** SHA-256 over `domain` and the fields, each with its byte length in front of it. */
export function digestFields(domain: string, fields: Iterable<string>): Digest {
  const hash = createHash('sha256');
  const add = (text: string) => {
    hash.update(`${Buffer.byteLength(text)}:`);
    hash.update(text);
  };
  add(domain);
  for (const field of fields) add(field);
  return hash.digest('hex');
}

/** JSON with sorted keys and without `undefined`, so that equal data give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    const sorted = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    // A null prototype keeps a key named `__proto__` a key.
    return Object.assign(Object.create(null) as object, Object.fromEntries(sorted));
  });
}
