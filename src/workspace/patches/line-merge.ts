/** Three-way merges of texts line by line, where two insertions at one place are both kept. Knows no formats. */

import { randomBytes } from 'node:crypto';
import { mergeFile } from '../../io/git/merge-file.js';

/** The three texts of a merge. */
export interface Sides {
  readonly current: Buffer;
  readonly before: Buffer;
  readonly after: Buffer;
}

export interface MergedLines {
  readonly text: Buffer;
  /** No two insertions stand at one place. */
  readonly isClean: boolean;
}

/** Conflict markers get a width and labels that no file has by chance or by malice. */
const MARKER = 23;

/** Undefined when both sides changed the same lines. */
export async function mergeLines({ current, before, after }: Sides): Promise<MergedLines | undefined> {
  const tag = randomBytes(12).toString('hex');
  const { text, conflicts } = await mergeFile(current, before, after, {
    labels: [`${tag}-ours`, `${tag}-base`, `${tag}-theirs`],
    size: MARKER,
  });
  if (conflicts === 0) return { text, isClean: true };
  const joined = joinInsertions(text, tag);
  return joined && { text: joined, isClean: false };
}

/** Both sides of every conflict whose base is empty; undefined when some conflict is more than two insertions. */
function joinInsertions(merged: Buffer, tag: string): Buffer | undefined {
  // Latin-1 keeps every byte as one character, whatever the encoding of the file is.
  const lines = merged.toString('latin1').split(/(?<=\n)/);
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
      out.push(...ours, ...withoutContained(theirs, ours));
      side = 'none';
    } else if (side === 'ours') ours.push(line);
    else if (side === 'theirs') theirs.push(line);
    else out.push(line);
  }
  return side === 'none' ? Buffer.from(out.join(''), 'latin1') : undefined;
}

/**
 * The same insertion on both sides is one, and so is each line that both have where every line stands for itself: an entry
 * of a list, an import, a call. What they share at their ends git has set apart already.
 */
function withoutContained(added: readonly string[], other: readonly string[]): readonly string[] {
  if (added.length === other.length && added.every((line, i) => other[i] === line)) return [];
  const areEntries = [...added, ...other].every(isEntry);
  const lines = areEntries ? added.filter((line) => !other.some((one) => one.trim() === line.trim())) : added;
  if (lines.length === 0) return lines;
  const last = other.at(-1);
  // A file without a newline at its end: the next insertion starts a line of its own.
  return last !== undefined && !last.endsWith('\n') ? ['\n', ...lines] : lines;
}

/** Whether a line says something without the lines around it. */
function isEntry(line: string): boolean {
  const text = line.trim();
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  const isWhole = count(/[([{]/g) === count(/[)\]}]/g) && !/^[)\]}]/.test(text);
  return (
    isWhole &&
    (/[,;]$/.test(text) || /^([-*+] \S|#?(import|from|export|include|require|use|mod)\b)/.test(text))
  );
}
