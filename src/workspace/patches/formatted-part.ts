/**
 * What a task's patch keeps of a formatted file that others patch too: its own lines, and those of people where no other
 * patch stands beside them, so that all patches still fit on each other. Knows no formatter.
 */

import { type LineHunk, lineHunks, linesOf } from '../../io/text-diff.js';
import { splitByOwner } from './split-hunks.js';

export interface FormattedTexts {
  /** Without the patch of the task and those of tasks that it does not depend on. */
  readonly plain: string;
  /** With the task's patch. */
  readonly own: string;
  /** That, as the formatters leave it. */
  readonly formatted: string;
  /** The plain text with the patches of the others. */
  readonly beside: string;
  /** Lines of people that stand beside no patch go into one patch only: that of the first task. */
  readonly isFirst: boolean;
}

const OWN = 'own';

/** The text with the task's patch, formatted as far as that concerns no line beside another patch. */
export function formattedPart({ plain, own, formatted, beside, isFirst }: FormattedTexts): string {
  const lines = linesOf(own);
  const ours = lineHunks(plain, own);
  const { owners, places } = placesIn(ours, lines.length);
  const theirs = lineHunks(plain, beside);
  const isOwn = ({ start, end }: LineHunk) =>
    start < end
      ? owners.slice(start, end).every((owner) => owner === OWN)
      : owners[start - 1] === OWN && owners[start] === OWN;
  const kept = lineHunks(own, formatted)
    .flatMap((hunk) => splitByOwner(hunk, lines, owners))
    .filter((hunk) => {
      if (isOwn(hunk)) return true;
      const there = { ...hunk, start: places[hunk.start] as number, end: places[hunk.end] as number };
      const isBeside = (patch: readonly LineHunk[]) => patch.some((other) => touch(there, other));
      return !isBeside(theirs) && (isFirst || isBeside(ours));
    });
  for (const { start, end, lines: put } of kept.reverse()) lines.splice(start, end - start, ...put);
  return lines.join('');
}

/** Of each line of the patched text: whether the patch put it in, and in front of which line of the plain text it stands. */
function placesIn(patch: readonly LineHunk[], count: number) {
  const owners: (string | undefined)[] = [];
  const places: number[] = [];
  let at = 0;
  for (const { start, end, lines } of patch) {
    for (; at < start; at++) {
      owners.push(undefined);
      places.push(at);
    }
    for (const _ of lines) {
      owners.push(OWN);
      places.push(start);
    }
    at = end;
  }
  for (; places.length <= count; at++) {
    owners.push(undefined);
    places.push(at);
  }
  return { owners, places };
}

/** Also neighbours: a merge has no line between them that tells the two apart. */
function touch(a: LineHunk, b: LineHunk): boolean {
  return a.start <= b.end && b.start <= a.end;
}
