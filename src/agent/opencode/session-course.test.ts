/** Holds when a session counts as over. */

import { expect, test } from 'vitest';
import type { AssistantMessage } from './client.js';
import { SessionCourse } from './session-course.js';

const message = (id: string, summary = false) => ({ id, summary }) as AssistantMessage;
const error = { name: 'UnknownError', data: { message: 'no such model' } } as const;

test('idle before any work is the moment before it begins', () => {
  const course = new SessionCourse();
  course.status({ type: 'idle' });
  course.idle();
  expect(course.over).toBe(false);
  course.status({ type: 'busy' });
  expect(course.over).toBe(false);
  course.idle();
  expect(course.over).toBe(true);
});

test('a message of the model is work, even when no status was seen', () => {
  const course = new SessionCourse();
  course.message(message('a'));
  course.idle();
  expect(course.over).toBe(true);
});

test('an error ends what has not begun; what is at work ends when it is idle', () => {
  const course = new SessionCourse();
  course.error(error);
  expect(course.over).toBe(true);
  expect(course.errorSeen).toEqual(error);
  const working = new SessionCourse();
  working.status({ type: 'busy' });
  working.error(error);
  expect(working.over).toBe(false);
  working.idle();
  expect(working.over).toBe(true);
});

test('two summaries with no work between are a circle, with work they are not', () => {
  const course = new SessionCourse();
  course.message(message('s1', true));
  course.message(message('s1', true));
  course.step('s1');
  expect(course.overflowing).toBe(false);
  course.message(message('a'));
  course.step('a');
  course.message(message('s2', true));
  expect(course.overflowing).toBe(false);
  course.step('s2');
  course.message(message('s3', true));
  expect(course.overflowing).toBe(true);
});
