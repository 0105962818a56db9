/** What goes on after a build was replaced by the next one. */

import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SessionState } from './session-state.js';

test('a build that waits for what has gone on waits for all of it, also if some of it fails', async () => {
  const state = new SessionState();
  let end = () => {};
  state.continueAfterBuild(Promise.reject(new Error('disk full')));
  state.continueAfterBuild(
    new Promise<void>((resolve) => {
      end = resolve;
    }),
  );
  let hasRested = false;
  const resting = state.rest().finally(() => {
    hasRested = true;
  });
  const failing = expect(resting).rejects.toThrow('disk full');
  for (let turns = 0; turns < 5; turns++) await setImmediate();
  expect(hasRested).toBe(false);
  end();
  await failing;
});

test('work that fails after its build fails the build that waits for it, and nothing else', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    const state = new SessionState();
    state.continueAfterBuild(Promise.reject(new Error('disk full')));
    await setImmediate();
    await expect(state.rest()).rejects.toThrow('disk full');
    await state.rest();
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
  }
});
