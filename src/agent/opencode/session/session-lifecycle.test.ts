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
