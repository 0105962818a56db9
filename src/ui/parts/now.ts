/** The time, for parts that show how long something has lasted. */

import { useEffect, useState } from 'preact/hooks';
import { isReport } from '../source.js';

/** Moves on every `ms` milliseconds; stands still in a report. */
export function useNow(ms = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (isReport()) return undefined;
    const timer = setInterval(() => setNow(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
}
