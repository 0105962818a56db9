/** Which of several sharers gets the next free place: by their weights, and by what each has had so far. Pure. */

export interface Sharer {
  /** Jobs that wait. */
  readonly waiting: number;
  readonly running: number;
  /** Places that it gets before others while it has jobs. Nothing is kept free for it. */
  readonly least: number;
  /** Places that it never exceeds. */
  readonly most: number;
  /** Above 0: sharers that always have jobs get time in proportion to it. */
  readonly weight: number;
  /** Time that it has had, each part divided by the weight of its time. */
  readonly used: number;
}

/**
 * The position of the sharer that starts a job next; undefined if none can. Sharers below their least number go first. Of
 * the others the one that has had least for its weight does, so that each that waits gets its part, however small its weight.
 */
export function nextSharer(sharers: readonly Sharer[]): number | undefined {
  let best: number | undefined;
  for (const [at, sharer] of sharers.entries()) {
    if (sharer.waiting === 0 || sharer.running >= sharer.most) continue;
    if (best === undefined || compareSharers(sharer, sharers[best] as Sharer) < 0) best = at;
  }
  return best;
}

/**
 * What a sharer has used when it comes back with jobs. Time in which it had none is not saved: else it would have all
 * places until it had caught up.
 */
export function usedOnReturn(used: number, others: readonly Sharer[]): number {
  const busy = others.filter(({ waiting, running }) => waiting + running > 0).map((other) => other.used);
  return busy.length === 0 ? used : Math.max(used, Math.min(...busy));
}

/** Below 0: the first one starts before the second one. */
function compareSharers(a: Sharer, b: Sharer): number {
  const isShortA = a.running < a.least;
  const isShortB = b.running < b.least;
  if (isShortA !== isShortB) return isShortA ? -1 : 1;
  if (isShortA) {
    const filled = a.running / a.least - b.running / b.least;
    if (filled !== 0) return filled;
  }
  return a.used - b.used || a.running / a.weight - b.running / b.weight || b.weight - a.weight;
}
