/** Holds what the timeline says of waits: their sum, and the words on a bar. */

import { expect, test } from 'vitest';
import { spanTitle, waitedMs } from './lanes.js';

test('waits for a worker, a gate and a session of a provider count as waits, work does not', () => {
  const sums = [
    { phase: 'agent', ms: 1000 },
    { phase: 'wait', ms: 1 },
    { phase: 'gate-wait', ms: 20 },
    { phase: 'session-wait', ms: 300 },
  ] as const;
  expect(waitedMs(sums)).toBe(321);
});

test('the bar of a wait for a session names the provider', () => {
  const span = { phase: 'session-wait', attempt: 1, from: 0, detail: 'openai' } as const;
  expect(spanTitle({ label: 'f/T1' }, span)).toBe('f/T1: session wait (openai)');
  expect(spanTitle({ label: 'f/T1' }, { phase: 'agent', attempt: 2, from: 0 })).toBe(
    'f/T1: agent, attempt 2',
  );
});
