/** Divides one change of neighbouring lines where these lines have several owners: which new line stands for which old one. */

import type { LineHunk } from '../../io/text-diff.js';

/** Two lines this alike are one line that was changed. */
const ALIKE = 0.5;
/** More pairs of lines are not compared. */
const MAX_PAIRS = 40_000;

/** Whose a line is; undefined: of people. */
type Owner = string | undefined;

/**
 * The change as several ones, each of lines of one owner. A new line that is like an old one takes its place. Where nothing
 * tells which old lines others stand for, they are what people wrote in place of their own lines.
 */
export function splitByOwner(hunk: LineHunk, lines: readonly string[], owners: readonly Owner[]): LineHunk[] {
  const { start, end } = hunk;
  if (new Set(owners.slice(start, end)).size < 2) return [hunk];
  const found: LineHunk[] = [];
  const between = (from: number, to: number, put: readonly string[]) => {
    if (from < to || put.length > 0) found.push(...unlike({ start: from, end: to, lines: put }, owners));
  };
  let [old, next] = [start, 0];
  for (const [at, put] of pairs(lines.slice(start, end), hunk.lines)) {
    between(old, start + at, hunk.lines.slice(next, put));
    found.push({ start: start + at, end: start + at + 1, lines: hunk.lines.slice(put, put + 1) });
    [old, next] = [start + at + 1, put + 1];
  }
  between(old, end, hunk.lines.slice(next));
  return found.filter((one) => one.lines.join('') !== lines.slice(one.start, one.end).join(''));
}

function unlike({ start, end, lines }: LineHunk, owners: readonly Owner[]): LineHunk[] {
  const runs: { start: number; end: number; owner: Owner }[] = [];
  for (let at = start; at < end; at++) {
    const last = runs.at(-1);
    if (last && last.owner === owners[at]) last.end = at + 1;
    else runs.push({ start: at, end: at + 1, owner: owners[at] });
  }
  if (runs.length < 2) return [{ start, end, lines }];
  const isOneForOne = lines.length === end - start;
  const taker = runs.findLast(({ owner }) => owner === undefined) ?? runs.at(-1);
  return runs.map((run) => {
    if (isOneForOne)
      return { start: run.start, end: run.end, lines: lines.slice(run.start - start, run.end - start) };
    return { start: run.start, end: run.end, lines: run === taker ? lines : [] };
  });
}

/** Places of old and new lines that are alike, in order, so that they are as much alike as can be. */
function pairs(before: readonly string[], after: readonly string[]): [number, number][] {
  if (before.length * after.length > MAX_PAIRS) return [];
  const [old, now] = [before, after].map((lines) => lines.map(bigrams)) as [Bigrams[], Bigrams[]];
  const width = now.length + 1;
  const best = new Float64Array((old.length + 1) * width);
  const score = (i: number, j: number) => best[i * width + j] as number;
  const worth = (i: number, j: number) => {
    const like = likeness(old[i] as Bigrams, now[j] as Bigrams);
    return like < ALIKE ? 0 : like;
  };
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      const own = worth(i, j);
      const taken = own > 0 ? own + score(i + 1, j + 1) : 0;
      best[i * width + j] = Math.max(taken, score(i + 1, j), score(i, j + 1));
    }
  }
  const found: [number, number][] = [];
  for (let i = 0, j = 0; i < old.length && j < now.length; ) {
    if (score(i, j) === score(i + 1, j)) i++;
    else if (score(i, j) === score(i, j + 1)) j++;
    else found.push([i++, j++]);
  }
  return found;
}

type Bigrams = ReadonlyMap<string, number>;

function bigrams(line: string): Bigrams {
  const text = ` ${line.trim()} `;
  const found = new Map<string, number>();
  for (let at = 0; at + 2 <= text.length; at++) {
    const pair = text.slice(at, at + 2);
    found.set(pair, (found.get(pair) ?? 0) + 1);
  }
  return found;
}

/** From 0, nothing in common, to 1. */
function likeness(a: Bigrams, b: Bigrams): number {
  const size = (one: Bigrams) => [...one.values()].reduce((sum, count) => sum + count, 0);
  let common = 0;
  for (const [pair, count] of a) common += Math.min(count, b.get(pair) ?? 0);
  return (2 * common) / (size(a) + size(b));
}
