/** The engine that runs conductor: when it collects garbage, and whether its compiled code is worth keeping. */

import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { BuildSummary } from '../../model/event.js';

/** Releases of Node whose V8 is known to have the flags: another one would print that it does not know them. */
const LAST_KNOWN = 24;

function knowsFlags(): boolean {
  return Number.parseInt(process.versions.node, 10) <= LAST_KNOWN;
}

/**
 * While a program allocates much, V8 lets the heap grow to four times what is used before it collects. Half as much again is
 * enough: a build of 10,000 tasks needs 30 MB less than with the double, for an eighth more processor time.
 */
export function boundGarbage(): void {
  if (!knowsFlags()) return;
  setFlagsFromString('--heap-growing-percent=50');
  boundYoungGeneration();
}

/** Of the space for new objects. */
const YOUNG_BYTES = 8 * 2 ** 20;

/**
 * V8 doubles the space for new objects up to 32 MB, and lets the heap grow by so much more before it collects. A quarter of it
 * is enough: a build of 10,000 tasks needs about 10 MB less than with half of it, in the same processor time. V8 reads the largest size once, at its start, but
 * the growth factor at each collection: so this observer stops the growth when the space is large enough.
 */
function boundYoungGeneration(): void {
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    if (young !== undefined && young.space_size < YOUNG_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    observer.disconnect();
  });
  observer.observe({ entryTypes: ['gc'] });
}

/** In longer builds V8 gives up code that it has not used for a while, which is what each build needs at its start. */
const LONGEST_MS = 10_000;

let hasBuilt = false;

/** Called after each build of this process. One that ran tasks has compiled what the next one needs. */
export function noteBuild({ outcome }: BuildSummary): void {
  hasBuilt ||= outcome === 'built';
}

/** Called at the end of the process. V8 accepts code only under the flags that it was compiled under: those of the start. */
export function keepCompiledCode(keepCode: () => void): void {
  if (!hasBuilt || performance.now() > LONGEST_MS || !knowsFlags()) return;
  setFlagsFromString('--heap-growing-percent=0');
  setFlagsFromString('--semi-space-growth-factor=2');
  keepCode();
}
