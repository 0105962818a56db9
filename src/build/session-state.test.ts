/** What goes on after a build was replaced by the next one. */

import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SessionState } from './session-state.js';

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
