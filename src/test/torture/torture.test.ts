/** A small seeded part of `npm run torture`; `.ci/run` does a larger one. TORTURE_SEED replays another one. */

import { expect, test } from 'vitest';
import { ensureBuilt } from '../rig/command-line.js';
import { compileLibrary } from './library.js';
import { BIN, torture } from './main.js';
import { unsynced } from './power-cut.js';

const SEED = Number(process.env.TORTURE_SEED ?? 20261123);
const library = compileLibrary();
library?.remove();

test.runIf(library)(
  'kills, failing disks, power cuts and damage (needs a C compiler)',
  { timeout: 300_000 },
  async () => {
    ensureBuilt();
    const cases = await torture({ seed: SEED, from: 0, cases: 8, seconds: 30, jobs: 2, bin: BIN });
    const failed = (cases ?? []).filter((one) => one.problems.length > 0);
    const told = failed.map(
      (one) =>
        `npm run torture -- --seed ${SEED} --only ${one.number}: ${one.scenario.name}, ${one.fault} (${one.told})\n${one.problems.join('\n')}`,
    );
    expect(told).toEqual([]);
    expect((cases ?? []).some((one) => one.happened)).toBe(true);
  },
);

test('what a power cut takes: written and never brought to disk, under its last name', () => {
  const trace = [
    'w\t/a\t-1',
    'w\t/b.lock\t-1',
    's\t/b.lock\t',
    'r\t/b.lock\t/b',
    'w\t/c.lock\t-1',
    'r\t/c.lock\t/c',
    'w\t/log\t12',
    'w\t/gone\t-1',
    'u\t/gone\t',
    'w\t/folder/x\t-1',
    'r\t/folder\t/moved',
  ].join('\n');
  expect([...unsynced(trace)]).toEqual([
    ['/a', -1],
    ['/c', -1],
    ['/log', 12],
    ['/moved/x', -1],
  ]);
});
