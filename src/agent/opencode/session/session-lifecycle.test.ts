/** Holds when a session counts as over. */

import { expect, test } from 'vitest';
import type { AssistantMessage } from '../client.js';
import { SessionLifecycle } from './session-lifecycle.js';

const message = (id: string, summary = false) => ({ id, summary }) as AssistantMessage;
const error = { name: 'UnknownError', data: { message: 'no such model' } } as const;

test('idle before any work is the moment before it begins', () => {
  const lifecycle = new SessionLifecycle();
  lifecycle.status({ type: 'idle' });
  lifecycle.idle();
  expect(lifecycle.over).toBe(false);
  lifecycle.status({ type: 'busy' });
  expect(lifecycle.over).toBe(false);
  lifecycle.idle();
  expect(lifecycle.over).toBe(true);
});

test('a message of the model is work, even when no status was seen', () => {
  const lifecycle = new SessionLifecycle();
  lifecycle.message(message('a'));
  lifecycle.idle();
  expect(lifecycle.over).toBe(true);
});

test('an error ends what has not begun; what is at work ends when it is idle', () => {
  const lifecycle = new SessionLifecycle();
  lifecycle.error(error);
  expect(lifecycle.over).toBe(true);
  expect(lifecycle.errorSeen).toEqual(error);
  const working = new SessionLifecycle();
  working.status({ type: 'busy' });
  working.error(error);
  expect(working.over).toBe(false);
  working.idle();
  expect(working.over).toBe(true);
});

test('two summaries with no work between are a circle, with work they are not', () => {
  const lifecycle = new SessionLifecycle();
  lifecycle.message(message('s1', true));
  lifecycle.message(message('s1', true));
  lifecycle.step('s1');
  expect(lifecycle.overflowing).toBe(false);
  lifecycle.message(message('a'));
  lifecycle.step('a');
  lifecycle.message(message('s2', true));
  expect(lifecycle.overflowing).toBe(false);
  lifecycle.step('s2');
  lifecycle.message(message('s3', true));
  expect(lifecycle.overflowing).toBe(true);
});

const proper = (id: string, more: Partial<AssistantMessage> = {}) =>
  ({ id, finish: 'stop', ...more }) as AssistantMessage;

test('a session whose last message stops has ended well', () => {
  const lifecycle = new SessionLifecycle();
  expect(lifecycle.endedWell).toBe(false);
  lifecycle.message(proper('m1', { finish: 'tool-calls' }));
  lifecycle.message({ id: 'm2' } as AssistantMessage);
  expect(lifecycle.endedWell).toBe(false);
  lifecycle.message(proper('m2'));
  expect(lifecycle.endedWell).toBe(true);
  // An older message is told of once more.
  lifecycle.message(proper('m1', { finish: 'tool-calls' }));
  expect(lifecycle.endedWell).toBe(true);
});

test.each([
  ['its last message is a summary', (one: SessionLifecycle) => one.message(proper('m2', { summary: true }))],
  ['its last message has an error', (one: SessionLifecycle) => one.message(proper('m2', { error }))],
  [
    'it reached the length of an answer',
    (one: SessionLifecycle) => one.message(proper('m2', { finish: 'length' })),
  ],
  ['an error was told of it', (one: SessionLifecycle) => one.error(error)],
  ['events may have been missed', (one: SessionLifecycle) => one.missed()],
])('a session is not known to have ended well where %s', (_, happens) => {
  const lifecycle = new SessionLifecycle();
  lifecycle.message(proper('m1'));
  happens(lifecycle);
  expect(lifecycle.endedWell).toBe(false);
});
