/** Holds what a session is said to have used. */

import { expect, test } from 'vitest';
import type { AssistantMessage, StepFinishPart } from '../client.js';
import { SessionUsage } from './session-usage.js';

const tokens = { input: 10, output: 3, reasoning: 2, cache: { read: 40, write: 5 } };
const none = { input: 0, output: 0, reasoning: 0, cache: { read: 0, write: 0 } };
const message = (id: string, cost: number, spent = tokens) =>
  ({ id, cost, tokens: spent }) as AssistantMessage;
const step = (id: string, messageID: string, cost: number) =>
  ({ id, messageID, cost, tokens }) as StepFinishPart;
const once = { tokensIn: 15, tokensOut: 5, tokensCached: 40 };

test('a model call that is told of several times counts once', () => {
  const usage = new SessionUsage(true);
  usage.message(message('a', 0, none));
  expect(usage.total).toEqual({});
  usage.step(step('p', 'a', 0.5));
  usage.step(step('p', 'a', 0.5));
  usage.message(message('a', 0.5));
  expect(usage.total).toEqual({ costUsd: 0.5, ...once });
  expect(usage.stepCount).toBe(1);
});

test('calls are added up, whosever session they are of', () => {
  const usage = new SessionUsage(true);
  usage.message(message('a', 0.5));
  usage.message(message('b', 0.25));
  expect(usage.total).toEqual({ costUsd: 0.75, tokensIn: 30, tokensOut: 10, tokensCached: 80 });
});

test('without a price the cost is unknown and not zero', () => {
  const unpriced = new SessionUsage(false);
  unpriced.message(message('a', 0));
  expect(unpriced.total).toEqual(once);
  unpriced.message(message('b', 0.25));
  expect(unpriced.total.costUsd).toBe(0.25);
  const free = new SessionUsage(true);
  free.message(message('a', 0));
  expect(free.total.costUsd).toBe(0);
});
