/** Digests of labelled data: length-prefixed, so that two different lists of fields never give the same bytes. */

import { hash } from 'node:crypto';

/** 64 lower-case hexadecimal digits of a SHA-256. */
export type Digest = string;

/** For digests that come from elsewhere. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
}

/** SHA-256 over `domain` and the fields, each with its byte length in front of it. */
export function digestFields(domain: string, fields: Iterable<string>): Digest {
  let text = `${Buffer.byteLength(domain)}:${domain}`;
  for (const field of fields) text += `${Buffer.byteLength(field)}:${field}`;
  // In one call: each call into the library costs more than to hash a short field.
  return hash('sha256', text, 'hex');
}

/** SHA-256 of the content of a file. */
export function digestBytes(content: Uint8Array): Digest {
  return hash('sha256', content, 'hex');
}

/**
 * JSON with sorted keys and without `undefined`, so that equal data give equal text. Names that are array indices come first, by
 * number, as in every object of JavaScript.
 */
export function canonicalJson(value: unknown): string {
  return jsonOf(value) as string;
}

/** Undefined for what JSON does not have. */
function jsonOf(value: unknown): string | undefined {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one) => jsonOf(one) ?? 'null').join(',')}]`;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return JSON.stringify(value);
  const parts: string[] = [];
  for (const name of sortedNames(value)) {
    const text = jsonOf((value as Record<string, unknown>)[name]);
    if (text !== undefined) parts.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${parts.join(',')}}`;
}

function sortedNames(value: object): string[] {
  const names = Object.keys(value).sort();
  if (!names.some(isIndex)) return names;
  const indices = names.filter(isIndex).sort((a, b) => Number(a) - Number(b));
  return [...indices, ...names.filter((name) => !isIndex(name))];
}

function isIndex(name: string): boolean {
  return /^(0|[1-9]\d{0,9})$/.test(name) && Number(name) < 2 ** 32 - 1;
}

/** Whether two values are the same JSON: their `canonicalJson` is equal. Makes no text. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((one, i) => isSameJson(one ?? null, b[i] ?? null));
  }
  const [mine, theirs] = [definedKeys(a), definedKeys(b)];
  if (mine.length !== theirs.length) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return mine.every((key) => Object.hasOwn(y, key) && isSameJson(x[key], y[key]));
}

function definedKeys(value: object): string[] {
  return Object.keys(value).filter((key) => (value as Record<string, unknown>)[key] !== undefined);
}
