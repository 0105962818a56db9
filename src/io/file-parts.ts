/** Reads parts of a file by their places, without the rest of it. Knows nothing of what they hold. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isMissing } from './errors.js';

/** Where a part begins, and its length, in bytes. */
export type Range = readonly [from: number, bytes: number];

/** The texts at these places; undefined where there is no such file, or it ends before one of them does. */
export function readPartsSync(path: string, ranges: readonly Range[]): string[] | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const texts: string[] = [];
    for (const [from, bytes] of ranges) {
      // What a damaged table asks for must not fill the memory.
      if (from < 0 || bytes < 0 || from + bytes > size) return undefined;
      const part = Buffer.allocUnsafe(bytes);
      if (readSync(file, part, 0, bytes, from) !== bytes) return undefined;
      texts.push(part.toString('utf8'));
    }
    return texts;
  } finally {
    closeSync(file);
  }
}
