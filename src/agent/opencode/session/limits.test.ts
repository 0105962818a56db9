/** Holds when a session has gone on for too long. */

import { expect, test } from 'vitest';
import { LimitWatch, type SessionLimits } from './limits.js';

const output = { tail: '' };
const MINUTE = 60_000;
const limits: SessionLimits = {
  steps: 3,
  wallMs: 30 * MINUTE,
  endsAt: 30 * MINUTE,
  silenceMs: 5 * MINUTE,
  toolSilenceMs: 20 * MINUTE,
  retryWaitMs: 2 * MINUTE,
};
const watch = () => new LimitWatch(limits, 'acme', 0);
const kind = (one: LimitWatch, now: number) => one.exceeded(now, output)?.kind;

test('the last step that is allowed may end the work, but not ask for another', () => {
  const one = watch();
  one.stepped(3, false);
  expect(kind(one, 1)).toBeUndefined();
  one.stepped(3, true);
  expect(one.exceeded(1, output)).toEqual({ kind: 'step-limit', limit: 3, output });
  one.stepped(4, false);
  expect(kind(one, 1)).toBe('step-limit');
});

test('silence is counted from the last sign of life', () => {
  const one = watch();
  one.heard(2 * MINUTE);
  expect(one.deadline).toBe(7 * MINUTE);
  expect(kind(one, 7 * MINUTE - 1)).toBeUndefined();
  expect(one.exceeded(7 * MINUTE, output)).toEqual({ kind: 'stalled', minutes: 5, output });
});

test('the whole time is over however much is heard', () => {
  const one = watch();
  one.heard(29 * MINUTE);
  expect(one.deadline).toBe(30 * MINUTE);
  expect(one.exceeded(30 * MINUTE, output)).toMatchObject({ kind: 'timed-out', minutes: 30 });
});

test('a short wait of the provider is no silence, a long one is not begun', () => {
  const one = watch();
  one.status({ type: 'retry', attempt: 1, message: 'busy', next: 2 * MINUTE }, 0);
  expect(kind(one, 6 * MINUTE)).toBeUndefined();
  expect(one.deadline).toBe(7 * MINUTE);
  one.status({ type: 'busy' }, 2 * MINUTE);
  one.status({ type: 'retry', attempt: 2, message: 'busy', next: 62 * MINUTE }, 2 * MINUTE);
  expect(one.exceeded(2 * MINUTE, output)).toEqual({
    kind: 'provider-unavailable',
    provider: 'acme',
    detail: 'busy',
    waitMinutes: 60,
    output,
  });
});

test('a quota is believed to be used up when the provider says so twice', () => {
  const one = watch();
  const message = 'You exceeded your current quota, please check your plan and billing details.';
  one.status({ type: 'retry', attempt: 1, message, next: 2000 }, 0);
  expect(kind(one, 1)).toBeUndefined();
  one.status({ type: 'retry', attempt: 2, message, next: 4000 }, 2000);
  expect(one.exceeded(2001, output)).toMatchObject({ kind: 'provider-refused', detail: message });
});

test('a quiet tool is no silence, but has a limit of its own', () => {
  const one = watch();
  one.tool('a', true);
  one.tool('b', true);
  expect(kind(one, 19 * MINUTE)).toBeUndefined();
  expect(one.deadline).toBe(20 * MINUTE);
  expect(one.exceeded(20 * MINUTE, output)).toEqual({ kind: 'stalled', minutes: 20, output });
  one.tool('a', false);
  expect(kind(one, 19 * MINUTE)).toBeUndefined();
  one.tool('b', false);
  expect(one.exceeded(5 * MINUTE, output)).toEqual({ kind: 'stalled', minutes: 5, output });
});
