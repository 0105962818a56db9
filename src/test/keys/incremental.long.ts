/**
 * Long walks of random changes: analysis by induction and full analysis agree. By default as many as fit into three minutes;
 * `TEST_SEED=… TEST_STEPS=… npm run test:long -- incremental` makes so many steps, however long they take.
 */

import { expect, test, vi } from 'vitest';
import { walk } from './incremental-walk.js';
import { walkInParts } from './part-walk.js';

// No other process uses these projects: the programs that hold locks between containers would be a fifth of all that a step starts.
vi.mock('../../io/process/file-lock.js', () => ({ lockFileOf: async () => ({ kind: 'unknown' }) }));

const SEED = Number(process.env.TEST_SEED ?? 20261130);
const ASKED = process.env.TEST_STEPS === undefined ? undefined : Number(process.env.TEST_STEPS);
const STEPS = ASKED ?? 600;
/** A walk of its own repository each: what a failure has to repeat stays short. */
const WALK = 100;
/** After this time no further walk begins, unless `TEST_STEPS` asks for it. */
const LIMIT_MS = 120_000;

test('after any changes, what builds of parts leave is what whole ones leave', {
  timeout: 200_000 + STEPS * 5000,
}, async () => {
  const begun = performance.now();
  const sum = { parts: 0, builds: 0 };
  for (let made = 0, seed = SEED; made < STEPS; made += WALK, seed++) {
    if (ASKED === undefined && made > 0 && performance.now() - begun > LIMIT_MS) break;
    const { parts, builds } = await walkInParts(seed, Math.min(WALK, STEPS - made));
    sum.parts += parts;
    sum.builds += builds;
  }
  expect(sum.parts).toBeGreaterThan(sum.builds / 5);
});

test('after any changes, what is fresh by induction is fresh by a full analysis', {
  timeout: 200_000 + STEPS * 5000,
}, async () => {
  const begun = performance.now();
  const sum = { fresh: 0, all: 0 };
  for (let made = 0, seed = SEED; made < STEPS; made += WALK, seed++) {
    if (ASKED === undefined && made > 0 && performance.now() - begun > LIMIT_MS) break;
    const { fresh, all } = await walk(seed, Math.min(WALK, STEPS - made));
    sum.fresh += fresh;
    sum.all += all;
  }
  // A mechanism that analyses everything would pass as well.
  expect(sum.fresh).toBeGreaterThan(sum.all / 4);
});
