/** The days of a trend without gaps, so that days without builds show too. Pure. */

import { type Day, dayOf } from './metrics.js';

const DAY_MS = 86_400_000;
/** Longer gaps than a year are those of a clock that was wrong. */
const MAX_DAYS = 366;

const NOTHING: Omit<Day, 'day'> = {
  built: 0,
  failed: 0,
  cached: 0,
  firstAttempt: { of: 0, ok: 0 },
  calls: 0,
  tokensIn: 0,
  tokensOut: 0,
  tokensCached: 0,
  costUsd: 0,
  unpriced: 0,
};

/** From the first day to the last one, at most a year. */
export function filledDays(days: readonly Day[]): readonly Day[] {
  const last = days.at(-1);
  if (!last) return [];
  const known = new Map(days.map((day) => [day.day, day]));
  const end = Date.parse(last.day);
  const start = Math.max(Date.parse(days[0]?.day ?? last.day), end - (MAX_DAYS - 1) * DAY_MS);
  const count = Math.round((end - start) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, i) => {
    const day = dayOf(start + i * DAY_MS);
    return known.get(day) ?? { day, ...NOTHING };
  });
}
