/** The adapter of the package `diff`. Loaded only when a text is shown as a diff. */

import { diffWordsWithSpace, structuredPatch } from 'diff';

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
