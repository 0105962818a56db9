/** Holds that the rest of a program's output is read to its end, however late its lines are taken, and no longer where it has none. */

import { performance } from 'node:perf_hooks';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { OutputReading } from './output-reading.js';
import { Output } from './process-output.js';

// Time passes by the clock alone, which the tests set.
vi.mock('node:timers/promises', async (original) => {
  const timers = await original<typeof import('node:timers/promises')>();
  return { ...timers, setTimeout: () => timers.setImmediate() };
});

afterEach(() => void vi.restoreAllMocks());

const never = new Promise<void>(() => {});

test('lines that are taken an hour after the end of their program are all read', async () => {
  const [stdout, lines] = [new PassThrough(), [] as string[]];
  const output = new Output({
    maxLogBytes: 0,
    maxTailBytes: 100,
    secrets: [],
    onRawLine: (line) => lines.push(line),
  });
  let resume = () => {};
  let taken: Promise<void> | undefined = new Promise((resolve) => {
    resume = () => {
      taken = undefined;
      resolve();
    };
  });
  const reading = new OutputReading({ stdout, stderr: null }, output, { untilTaken: () => taken });
  const closed = new Promise<void>((resolve) => stdout.once('close', resolve));
  stdout.write('first\n');
  await vi.waitFor(() => expect(lines).toEqual(['first']));
  stdout.end('it failed\n');
  let isOver = false;
  const over = reading.end(closed).then(() => {
    isOver = true;
  });
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 3_600_000);
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  expect([isOver, lines]).toEqual([false, ['first']]);
  resume();
  await over;
  expect(lines).toEqual(['first', 'it failed']);
});

test('what holds the pipe and prints without end is read for a moment only, also where it waits again and again', async () => {
  const stdout = new PassThrough();
  const output = new Output({ maxLogBytes: 0, maxTailBytes: 100, secrets: [] });
  const reading = new OutputReading({ stdout, stderr: null }, output, {
    untilTaken: () => setImmediate(undefined),
  });
  let isOver = false;
  const from = performance.now();
  const over = reading.end(never).then(() => {
    isOver = true;
  });
  while (!isOver) {
    stdout.write('more\n');
    await setImmediate();
  }
  await over;
  expect(performance.now() - from).toBeLessThan(20_000);
});
