/** Holds the estimate of what is left of a build: from former durations, never from nothing. */

import { expect, test } from 'vitest';
import type { TaskView } from '../../model/build-view.js';
import { TaskFold } from '../../report/build-view/task-fold.js';
import { leftMs } from './left.js';

const lasted = (ms: Record<string, number>) => new Map(Object.entries(ms));
const view = (label: string, state: TaskView['state'], startedAt?: number): TaskView => ({
  ...new TaskFold(label).view,
  state,
  ...(startedAt === undefined ? {} : { startedAt }),
});

test('the sum over the workers, or the longest task, without what has passed', () => {
  const tasks = [
    view('f/1', 'done'),
    view('f/2', 'running', 9000),
    view('f/3', 'queued'),
    view('f/4', 'queued'),
  ];
  const durations = lasted({ 'f/1': 5000, 'f/2': 4000, 'f/3': 2000, 'f/4': 6000 });
  // 3,000 are left of the second.
  expect(leftMs({ workers: 1 }, tasks, durations, 10_000)).toBe(11_000);
  expect(leftMs({ workers: 4 }, tasks, durations, 10_000)).toBe(6000);
});

test('nothing is said when most of it was never run, or nothing is left', () => {
  const tasks = [view('f/1', 'queued'), view('f/2', 'queued'), view('f/3', 'queued')];
  expect(leftMs({ workers: 1 }, tasks, lasted({ 'f/1': 1000 }), 0)).toBeUndefined();
  expect(leftMs({ workers: 1 }, tasks, lasted({ 'f/1': 1000, 'f/2': 3000 }), 0)).toBe(6000);
  expect(leftMs({ workers: 1 }, [view('f/1', 'done')], lasted({ 'f/1': 1 }), 0)).toBeUndefined();
});
