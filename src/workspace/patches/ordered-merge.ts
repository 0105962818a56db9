/** Merges changes that touch each other in the order that a given text has. Knows no formats. */

import { type LineHunk, lineHunks, linesOf } from '../../io/text-diff.js';

export interface OrderedSides {
  readonly current: string;
  readonly before: string;
  readonly after: string;
  /** Tells which of two lines stands first where both sides allow either. */
  readonly order: string;
}

/**
 * Both changes, where they touch but share no line, and where `order` has all that they put there, one line after the
 * other. Undefined otherwise.
 */
export function orderedMerge({ current, before, after, order }: OrderedSides): string | undefined {
  const ours = lineHunks(before, current);
  const theirs = lineHunks(before, after);
  if (ours.some((a) => theirs.some((b) => a.start < b.end && b.start < a.end))) return undefined;
  const wanted = linesOf(order);
  const lines = linesOf(before);
  for (const zone of zonesOf(ours, theirs).reverse()) {
    const put = zone.theirs.length === 0 || zone.ours.length === 0;
    const both = put ? [...zone.ours, ...zone.theirs] : shuffled(zone.ours, zone.theirs, wanted);
    if (!both) return undefined;
    lines.splice(zone.start, zone.end - zone.start, ...both);
  }
  return lines.join('');
}

interface Zone {
  readonly start: number;
  readonly end: number;
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

/** Changes that touch each other, put together. */
function zonesOf(ours: readonly LineHunk[], theirs: readonly LineHunk[]): Zone[] {
  const all = [
    ...ours.map((hunk) => ({ hunk, isOurs: true })),
    ...theirs.map((hunk) => ({ hunk, isOurs: false })),
  ].sort((a, b) => a.hunk.start - b.hunk.start || a.hunk.end - b.hunk.end);
  const zones: Zone[] = [];
  for (const { hunk, isOurs } of all) {
    const last = zones.at(-1);
    const isTouching = last !== undefined && hunk.start <= last.end;
    const from = isTouching ? last : { start: hunk.start, end: hunk.end, ours: [], theirs: [] };
    const zone: Zone = {
      start: from.start,
      end: Math.max(from.end, hunk.end),
      ours: isOurs ? [...from.ours, ...hunk.lines] : from.ours,
      theirs: isOurs ? from.theirs : [...from.theirs, ...hunk.lines],
    };
    if (isTouching) zones[zones.length - 1] = zone;
    else zones.push(zone);
  }
  return zones;
}

/** Longer insertions are left to the plain merge: the table below has a cell for each pair of lines. */
const MAX_CELLS = 250_000;

/** The lines of both in one sequence that `order` has, each side in its own order; the shortest such part of `order`. */
function shuffled(
  ours: readonly string[],
  theirs: readonly string[],
  order: readonly string[],
): string[] | undefined {
  const width = theirs.length + 1;
  if ((ours.length + 1) * width > MAX_CELLS) return undefined;
  const places = new Map<string, number[]>();
  order.forEach((line, at) => {
    places.set(line, [...(places.get(line) ?? []), at]);
  });
  const next = (line: string, from: number) => places.get(line)?.find((at) => at >= from) ?? Number.NaN;
  // How much of `order` holds the first i and the first j lines; not a number: it does not.
  const ends = new Float64Array((ours.length + 1) * width).fill(Number.NaN);
  const isOurs = new Uint8Array(ends.length);
  ends[0] = 0;
  for (let i = 0; i <= ours.length; i++) {
    for (let j = i === 0 ? 1 : 0; j <= theirs.length; j++) {
      const up = i > 0 ? next(ours[i - 1] as string, ends[(i - 1) * width + j] as number) + 1 : Number.NaN;
      const left = j > 0 ? next(theirs[j - 1] as string, ends[i * width + j - 1] as number) + 1 : Number.NaN;
      const takesOurs = Number.isNaN(left) || up < left;
      ends[i * width + j] = takesOurs ? up : left;
      isOurs[i * width + j] = takesOurs ? 1 : 0;
    }
  }
  if (Number.isNaN(ends[ends.length - 1] as number)) return undefined;
  const both: string[] = [];
  for (let i = ours.length, j = theirs.length; i + j > 0; ) {
    const line = isOurs[i * width + j] ? ours[--i] : theirs[--j];
    both.push(line as string);
  }
  return both.reverse();
}
