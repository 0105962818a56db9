/** The word of a list that is most similar to a given one. Does not know what the words mean. */

import { compareBytes } from './order.js';

/** Edit distance (insert, delete, replace, swap of neighbours), or `limit + 1` when it is more than `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] as number) + 1);
      }
      row.push(cost);
      best = Math.min(best, cost);
    }
    if (best > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}

/** The nearest of `words` when it is near enough to be a slip of the hand; the first one of several equals. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let limit = Math.max(1, Math.floor(word.length / 3));
  let found: string | undefined;
  for (const one of words) {
    const distance = editDistance(wanted, one.toLowerCase(), limit);
    if (distance > limit) continue;
    found = one;
    limit = distance - 1;
    if (limit < 0) break;
  }
  return found;
}

/** The words most like one that was mistyped or cut short, the nearest first, at most three. */
export function suggestions(word: string, words: readonly string[]): string[] {
  const wanted = word.toLowerCase();
  const near = words.flatMap((one) => {
    const other = one.toLowerCase();
    const limit = Math.max(2, Math.floor(Math.max(word.length, one.length) / 3));
    const distance = other.includes(wanted) ? 1 : editDistance(wanted, other, limit);
    return distance > limit ? [] : [{ one, distance }];
  });
  near.sort((a, b) => a.distance - b.distance || compareBytes(a.one, b.one));
  return near.slice(0, 3).map(({ one }) => one);
}
