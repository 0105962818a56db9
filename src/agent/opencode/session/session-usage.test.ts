/** Holds what a session is said to have used. */

import { expect, test } from 'vitest';
import type { AssistantMessage, Part, StepFinishPart } from '../client.js';
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

const open = (id: string) =>
  ({ ...message(id, 0, none), sessionID: 's', time: { created: 1 } }) as AssistantMessage;
const text = (id: string, messageID: string, said: string) =>
  ({ type: 'text', id, messageID, sessionID: 's', text: said }) as Part;
const price = { input: 1, output: 10 };

test('a call that is cut off is estimated from the call before it, or from the prompt', () => {
  const usage = new SessionUsage(true, price);
  usage.estimate.prompt('s', 'x'.repeat(400));
  usage.message(open('a'));
  usage.estimate.delta({ sessionID: 's', messageID: 'a', partID: 'p', delta: 'x'.repeat(40) });
  usage.cutOff();
  expect(usage.total).toEqual({ tokensIn: 100, tokensOut: 10, tokensCached: 0, costUsd: 0.0002 });
  const second = new SessionUsage(true, price);
  second.message({
    ...message('a', 0.5),
    sessionID: 's',
    time: { created: 1, completed: 2 },
  } as AssistantMessage);
  second.message(open('b'));
  second.cutOff();
  expect(second.total).toMatchObject({ tokensIn: 15 + 60, tokensOut: 5, tokensCached: 40 });
  const refused = new SessionUsage(true, price);
  refused.message(open('a'));
  refused.estimate.retries('s');
  refused.cutOff();
  expect(refused.total).toEqual({});
});

test('a provider that sends no usage is estimated step by step; no answer costs nothing', () => {
  const usage = new SessionUsage(false);
  const end = (id: string, messageID: string) =>
    ({ ...step(id, messageID, 0), sessionID: 's', tokens: none }) as StepFinishPart;
  usage.estimate.prompt('s', 'x'.repeat(400));
  usage.step(end('1', 'empty'));
  expect(usage.total).toEqual({});
  usage.estimate.part(text('t', 'a', 'x'.repeat(80)));
  usage.step(end('2', 'a'));
  expect(usage.total).toEqual({ tokensIn: 100, tokensOut: 20, tokensCached: 0 });
  usage.estimate.part(text('u', 'b', 'x'.repeat(4)));
  usage.step(end('3', 'b'));
  expect(usage.total).toEqual({ tokensIn: 220, tokensOut: 21, tokensCached: 0 });
});
