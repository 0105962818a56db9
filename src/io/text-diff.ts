/** The adapter of the package `diff`. Loaded only when a text is shown as a diff. */

import { diffArrays, diffWordsWithSpace, structuredPatch } from 'diff';

/** A unified diff's hunks, without file names; empty when the texts are equal. */
export function unifiedDiff(before: string, after: string): string[] {
  // A very different pair of long texts would take minutes: after a second both are shown whole.
  const patch = structuredPatch('', '', before, after, '', '', { context: 3, timeout: 1000 });
  if (!patch)
    return [...before.split('\n').map((line) => `-${line}`), ...after.split('\n').map((line) => `+${line}`)];
  return patch.hunks.flatMap((hunk) => [
    `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
    // That a text has no line break at its end tells a reader nothing here.
    ...hunk.lines.filter((line) => !line.startsWith('\\')),
  ]);
}

/** Lines `start` to `end` of a text (from 0, `end` not included) that others take the place of. */
export interface LineHunk {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** With their line breaks. */
export function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/**
 * Lines that may differ. The time for a comparison grows with the square of it: above, the texts are one change. A limit of
 * time would not do, because what is hand-written, and so keys, depends on it.
 */
const MAX_DIFFERING = 3000;

/** What leads from one text to the other, line by line; lines keep their line breaks. */
export function lineHunks(before: string, after: string): LineHunk[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  const parts = diffArrays(old, now, { maxEditLength: MAX_DIFFERING });
  if (!parts) return [wholeHunk(old, now)];
  const hunks: LineHunk[] = [];
  let at = 0;
  let open: { start: number; end: number; lines: string[] } | undefined;
  for (const { value, added, removed } of parts) {
    if (!added && !removed) {
      open = undefined;
      at += value.length;
      continue;
    }
    if (!open) {
      open = { start: at, end: at, lines: [] };
      hunks.push(open);
    }
    if (added) open.lines.push(...value);
    else {
      at += value.length;
      open.end = at;
    }
  }
  return hunks;
}

/** Everything between the lines that begin both and those that end both. */
function wholeHunk(old: readonly string[], now: readonly string[]): LineHunk {
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start++;
  let left = 0;
  while (left < shorter - start && old.at(-1 - left) === now.at(-1 - left)) left++;
  return { start, end: old.length - left, lines: now.slice(start, now.length - left) };
}

export interface WordPart {
  readonly text: string;
  readonly side: 'both' | 'old' | 'new';
}

/** Two lines word by word. */
export function wordDiff(before: string, after: string): WordPart[] {
  return diffWordsWithSpace(before, after).map(({ value, added, removed }) => ({
    text: value,
    side: added ? 'new' : removed ? 'old' : 'both',
  }));
}
