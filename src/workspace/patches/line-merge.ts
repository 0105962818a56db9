/** Three-way merges of texts line by line, where two insertions at one place are both kept. Knows no formats. */

import { randomBytes } from 'node:crypto';
import { mergeFile } from '../../io/git/merge-file.js';
import { linesOf } from '../../io/text-diff.js';
import { type DepthOf, indentOf, joined } from './insertions.js';
import { type OrderedSides, orderedMerge } from './ordered-merge.js';

/** The three texts of a merge. */
export interface Sides {
  readonly current: Buffer;
  readonly before: Buffer;
  readonly after: Buffer;
  /** A text that may tell the order of what both sides put at one place. */
  readonly order?: Buffer | undefined;
}

export interface MergedLines {
  readonly text: Buffer;
  /** No two insertions stand at one place. */
  readonly isClean: boolean;
}

/** Conflict markers get a width and labels that no file has by chance or by malice. */
const MARKER = 23;

/**
 * Undefined when both sides changed the same lines, or made insertions at one place that have no order. Where `order` has what
 * both put there, its order counts.
 */
export async function mergeLines(
  { current, before, after, order }: Sides,
  depthOf: DepthOf = indentOf,
): Promise<MergedLines | undefined> {
  const tag = randomBytes(12).toString('hex');
  const { text, conflicts } = await mergeFile(current, before, after, {
    labels: [`${tag}-ours`, `${tag}-base`, `${tag}-theirs`],
    size: MARKER,
  });
  if (conflicts === 0) return { text, isClean: true };
  if (order) {
    const [ours, base, theirs, told] = [current, before, after, order].map((one) => one.toString('latin1'));
    const sides = { current: ours, before: base, after: theirs, order: told } as OrderedSides;
    const ordered = orderedMerge(sides);
    if (ordered !== undefined) return { text: Buffer.from(ordered, 'latin1'), isClean: true };
  }
  const whole = joinInsertions(text, tag, depthOf);
  return whole && { text: whole, isClean: false };
}

/** Both sides of every conflict whose base is empty; undefined when some conflict is more than two insertions. */
function joinInsertions(merged: Buffer, tag: string, depthOf: DepthOf): Buffer | undefined {
  // Latin-1 keeps every byte as one character, whatever the encoding of the file is.
  const lines = linesOf(merged.toString('latin1'));
  const out: string[] = [];
  let side: 'none' | 'ours' | 'base' | 'theirs' = 'none';
  let ours: string[] = [];
  let theirs: string[] = [];
  const marks = (line: string, character: string, label: string) =>
    line.startsWith(character.repeat(MARKER)) && line.includes(`${tag}-${label}`);
  for (const line of lines) {
    if (side === 'none' && marks(line, '<', 'ours')) {
      side = 'ours';
      ours = [];
      theirs = [];
    } else if (side === 'ours' && marks(line, '|', 'base')) {
      side = 'base';
    } else if (side === 'base') {
      if (line.replace(/\r?\n$/, '') !== '='.repeat(MARKER)) return undefined;
      side = 'theirs';
    } else if (side === 'theirs' && marks(line, '>', 'theirs')) {
      const both = joined(ours, theirs, depthOf);
      if (!both) return undefined;
      out.push(...both);
      side = 'none';
    } else if (side === 'ours') ours.push(line);
    else if (side === 'theirs') theirs.push(line);
    else out.push(line);
  }
  return side === 'none' ? Buffer.from(out.join(''), 'latin1') : undefined;
}
