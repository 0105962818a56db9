/** Whether a patch adds lines that its file has already. Knows no task. */

import { lineHunks, linesOf } from '../../io/text-diff.js';
import type { FileChange } from '../../model/action.js';
import { type Blobs, readTexts } from './patch.js';

export interface StandingLines {
  /** Of the patch, those that stand together in the file before it. */
  readonly lines: readonly string[];
  /** Whether the patch is nothing else. */
  readonly isWhole: boolean;
}

/**
 * Undefined where the patch adds anything new only. Lines without a letter or digit (brackets, empty lines) stand in every
 * file and say nothing. A patch that changes or removes lines still has something to do, so it is not in the file.
 */
export async function standingLines(
  objects: Blobs,
  { before, after }: FileChange,
): Promise<StandingLines | undefined> {
  const texts = before && after && (await readTexts(objects, [before, after]));
  if (!texts) return undefined;
  // Latin-1 keeps every byte as one character, whatever the encoding of the file is.
  const [old, now] = texts.map((text) => text.toString('latin1')) as [string, string];
  const hunks = lineHunks(old, now);
  if (hunks.some(({ start, end }) => start < end)) return undefined;
  const telling = hunks.filter(({ lines }) => lines.some(isTelling));
  const all = linesOf(old).map(shown);
  const standing = telling.filter(({ lines }) => isIn(all, lines));
  if (standing.length === 0) return undefined;
  const lines = standing.flatMap((hunk) => hunk.lines.map(shown)).filter((line) => line.trim() !== '');
  return { lines, isWhole: standing.length === telling.length };
}

function isIn(all: readonly string[], lines: readonly string[]): boolean {
  const wanted = lines.map(shown);
  return all.some((_, at) => wanted.every((line, i) => all[at + i] === line));
}

/** Whether a line, with its bytes as characters, has a letter or digit of any language, or is in another encoding than UTF-8. */
export function isTelling(line: string): boolean {
  return /[\p{L}\p{N}_\uFFFD]/u.test(shown(line));
}

function shown(line: string): string {
  return Buffer.from(line.replace(/\r?\n?$/, ''), 'latin1').toString('utf8');
}
