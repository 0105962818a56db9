/** The outlines of many files, in a thread or inline. */

import { type Outline, outlineOf, type SourceFile } from './outline.js';

/** One outline per file, in order. Plain data in, plain data out. */
export default async function outlineMany(files: readonly SourceFile[]): Promise<Outline[]> {
  return files.map(outlineOf);
}
