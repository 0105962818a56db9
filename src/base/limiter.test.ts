import { expect, test } from 'vitest';
import { bothTurns, Limiter } from './limiter.js';

function rig() {
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    log,
    job: (name: string) => () =>
      new Promise<void>((resolve) => {
        log.push(name);
        ends.set(name, resolve);
      }),
    async end(name: string) {
      ends.get(name)?.();
      await quiet();
    },
  };
}

const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

test('the highest priority starts first, equal ones in order of arrival', async () => {
  const { log, job, end } = rig();
  const limiter = new Limiter(1);
  for (const [name, priority] of [
    ['a', 0],
    ['b', 1],
    ['c', 5],
    ['d', 5],
  ] as const)
    void limiter.run(job(name), priority);
  await quiet();
  expect(limiter.isFull).toBe(true);
  for (const name of ['a', 'c', 'd', 'b']) await end(name);
  expect(log).toEqual(['a', 'c', 'd', 'b']);
  expect(limiter.isFull).toBe(false);
});

test('a lower limit counts from then on; what runs goes on', async () => {
  const { log, job, end } = rig();
  const limiter = new Limiter(2);
  for (const name of ['a', 'b', 'c', 'd']) void limiter.run(job(name));
  await quiet();
  limiter.lower(1);
  limiter.lower(3);
  await end('a');
  expect(log).toEqual(['a', 'b']);
  await end('b');
  expect(log).toEqual(['a', 'b', 'c']);
});

test('a job that is aborted while it waits never starts', async () => {
  const { log, job, end } = rig();
  const limiter = new Limiter(1);
  void limiter.run(job('a'));
  const stop = new AbortController();
  const waiting = limiter.run(job('b'), 0, stop.signal);
  stop.abort('enough');
  await expect(waiting).rejects.toBe('enough');
  await end('a');
  expect(log).toEqual(['a']);
  expect(limiter.isFull).toBe(false);
});

test('of two limits both hold, and none is kept by a job that waits for the other', async () => {
  const { log, job, end } = rig();
  const outer = new Limiter(2);
  const one = bothTurns(outer, new Limiter(1));
  const two = bothTurns(outer, new Limiter(2));
  for (const name of ['1a', '1b']) void one.run(job(name));
  for (const name of ['2a', '2b']) void two.run(job(name));
  await quiet();
  expect(log).toEqual(['1a', '2a']);
  expect([one.isFull, two.isFull]).toEqual([true, true]);
  await end('2a');
  expect(log).toEqual(['1a', '2a', '2b']);
  await end('1a');
  expect(log).toEqual(['1a', '2a', '2b', '1b']);
});
