/** The engine that runs conductor: when it collects garbage and optimises code, and whether its compiled code is worth keeping. */

import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { BuildSummary } from '../../model/event.js';

/** Releases of Node whose V8 is known to have the flags: another one would print that it does not know them. */
const LAST_KNOWN = 24;

function knowsFlags(): boolean {
  return Number.parseInt(process.versions.node, 10) <= LAST_KNOWN;
}

interface Growth {
  /** Of a heap of so many bytes, and of larger ones. */
  readonly from: number;
  /** How far it grows beyond what was used after a collection before V8 collects again. By itself, V8 would let it grow to four times that. */
  readonly percent: number;
}

const MB = 2 ** 20;

/** What is alive in a large heap is most of it, and the same share of it would be hundreds of megabytes. */
const GROWTH: readonly Growth[] = [
  { from: 0, percent: 75 },
  { from: 40 * MB, percent: 50 },
  { from: 150 * MB, percent: 25 },
];

/** How often the size of the heap is looked at. A heap does not become much larger in this time. */
const LOOK_MS = 500;

/** Limits how much garbage the heap holds. A program can set V8's sizes only at its start, but these flags are read at each collection. */
export function boundGarbage(): void {
  if (!knowsFlags()) return;
  const steps = [...GROWTH];
  const take = (used: number) => {
    for (; steps[0] && steps[0].from <= used; steps.shift())
      setFlagsFromString(`--heap-growing-percent=${steps[0].percent}`);
  };
  take(0);
  boundYoungGeneration();
  const look = setInterval(() => {
    take(getHeapStatistics().used_heap_size);
    if (steps.length === 0) clearInterval(look);
  }, LOOK_MS).unref();
}

/** Of the space for new objects: both halves. */
const YOUNG_BYTES = 8 * MB;

/**
 * V8 doubles the space for new objects up to 32 MB while many of them survive, and lets the heap grow by so much more before it
 * collects. Here it grows once, and not again. This is done at once and not when V8 has grown it that far: a program hears of a
 * collection in the next turn of its event loop, and loading many specs is one turn.
 */
function boundYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=4');
  const survivors: unknown[] = [];
  while (youngBytes() < YOUNG_BYTES && survivors.length < MOST_SURVIVORS)
    for (let i = 0; i < 32; i++) survivors.push(new Array(512).fill(0));
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** 8 MB of them: the space has grown after about 3. */
const MOST_SURVIVORS = 2048;

function youngBytes(): number {
  return (
    getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? YOUNG_BYTES
  );
}

/** The release for which the number below was measured. */
const MEASURED_RELEASE = 20;

/** Bytes of its code that a function runs before V8 optimises it, and what V8 takes by itself. */
const OPTIMISED_AFTER = 700_000;
const OPTIMISED_BY_DEFAULT = 67_584;

/**
 * Most commands end within a second. By itself V8 optimises so much of what they run that this takes longer than it saves;
 * what a long build runs is optimised all the same.
 */
export function optimiseLater(): void {
  setOptimisedAfter(OPTIMISED_AFTER);
}

function setOptimisedAfter(bytes: number): void {
  if (Number.parseInt(process.versions.node, 10) === MEASURED_RELEASE)
    setFlagsFromString(`--interrupt-budget=${bytes}`);
}

/** In longer builds V8 gives up code that it has not used for a while, which is what each build needs at its start. */
const LONGEST_MS = 10_000;
/** And in builds with a larger heap, of which it marked all several times. Where such code was kept, each edited build took a quarter longer. */
const LARGEST_HEAP = 45 * MB;

let hasBuilt = false;

/** Called after each build of this process. One that ran tasks has compiled what the next one needs. */
export function noteBuild({ outcome }: BuildSummary): void {
  hasBuilt ||= outcome === 'built';
}

/** Called at the end of the process. V8 accepts code only under the flags that it was compiled under: those of the start. */
export function keepCompiledCode(keepCode: () => void): void {
  if (!hasBuilt || performance.now() > LONGEST_MS || !knowsFlags()) return;
  if (getHeapStatistics().used_heap_size > LARGEST_HEAP) return;
  setFlagsFromString('--heap-growing-percent=0');
  setFlagsFromString('--semi-space-growth-factor=2');
  setOptimisedAfter(OPTIMISED_BY_DEFAULT);
  keepCode();
}
