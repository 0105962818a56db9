/** A build that reads only the features that a change may concern does what one does that reads everything. */

import { expect, test } from 'vitest';
import { walkInParts } from './part-walk.js';

const SEED = Number(process.env.TEST_SEED ?? 20261129);
const STEPS = Number(process.env.TEST_STEPS ?? 14);
const TIMED = { timeout: 200_000 + STEPS * 3000 };

test('after any changes, what a build of a part leaves is what a whole one leaves', TIMED, async () => {
  const { parts } = await walkInParts(SEED, STEPS);
  // A mechanism that reads everything would pass as well.
  expect(parts).toBeGreaterThan(0);
});
