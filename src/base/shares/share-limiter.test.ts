import { expect, test } from 'vitest';
import { ShareLimiter } from './share-limiter.js';

/** A clock and jobs that end only when told. */
function rig(limit: number) {
  let time = 0;
  const log: string[] = [];
  const ends: (() => void)[] = [];
  const limiter = new ShareLimiter(limit, () => time);
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    limiter,
    log,
    settle,
    job: (name: string) => () =>
      new Promise<void>((resolve) => {
        log.push(name);
        ends.push(resolve);
      }),
    /** The oldest running job ends after so many milliseconds. */
    async end(ms: number) {
      time += ms;
      ends.shift()?.();
      await settle();
    },
  };
}

const terms = (weight: number, least = 0, most = 1000) => ({ least, most, weight: () => weight });

test('two sharers that always wait get places in proportion to their weights', async () => {
  const { limiter, log, job, end, settle } = rig(1);
  const heavy = limiter.add(terms(3));
  const light = limiter.add(terms(1));
  for (let n = 0; n < 40; n++) {
    void heavy.run(job('heavy'));
    void light.run(job('light'));
  }
  await settle();
  for (let n = 0; n < 40; n++) await end(10);
  const first = log.slice(0, 40);
  expect(first.filter((one) => one === 'heavy')).toHaveLength(30);
  expect(heavy.use).toMatchObject({ jobs: 30, workMs: 300 });
  expect(light.use.jobs).toBe(10);
});

test('the limit holds over all sharers, and no sharer exceeds its most', async () => {
  const { limiter, log, job, end, settle } = rig(4);
  const wide = limiter.add(terms(10, 0, 2));
  const other = limiter.add(terms(1));
  for (let n = 0; n < 6; n++) void wide.run(job('wide'));
  await settle();
  expect(log).toEqual(['wide', 'wide']);
  expect(wide.isFull).toBe(true);
  expect(other.isFull).toBe(false);
  for (let n = 0; n < 6; n++) void other.run(job('other'));
  await settle();
  expect(log).toEqual(['wide', 'wide', 'other', 'other']);
  expect(other.isFull).toBe(true);
  await end(5);
  expect(log).toHaveLength(5);
});

test('a least number is reached with the next free places', async () => {
  const { limiter, log, job, end, settle } = rig(3);
  const big = limiter.add(terms(100));
  for (let n = 0; n < 9; n++) void big.run(job('big'));
  await settle();
  const small = limiter.add(terms(1, 2));
  for (let n = 0; n < 9; n++) void small.run(job('small'));
  await settle();
  expect(log).toEqual(['big', 'big', 'big']);
  await end(10);
  await end(10);
  expect(log.slice(3)).toEqual(['small', 'small']);
});

test('a sharer that was idle gets its part and not all places', async () => {
  const { limiter, log, job, end, settle } = rig(1);
  const steady = limiter.add(terms(1));
  const late = limiter.add(terms(1));
  for (let n = 0; n < 100; n++) void steady.run(job('steady'));
  await settle();
  for (let n = 0; n < 50; n++) await end(10);
  for (let n = 0; n < 100; n++) void late.run(job('late'));
  const from = log.length;
  for (let n = 0; n < 20; n++) await end(10);
  const since = log.slice(from, from + 20);
  expect(since.filter((one) => one === 'late').length).toBeGreaterThanOrEqual(9);
  expect(since.filter((one) => one === 'steady').length).toBeGreaterThanOrEqual(9);
});

test('within one sharer the highest priority starts first; a job that is aborted while it waits never starts', async () => {
  const { limiter, log, job, end, settle } = rig(1);
  const share = limiter.add(terms(1));
  void share.run(job('first'));
  void share.run(job('low'), 1);
  void share.run(job('high'), 9);
  const stop = new AbortController();
  const stopped = share.run(job('stopped'), 99, stop.signal);
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  await settle();
  await end(1);
  await end(1);
  expect(log).toEqual(['first', 'high', 'low']);
});

test('a job that rejects gives its place back', async () => {
  const { limiter, log, job, settle } = rig(1);
  const share = limiter.add(terms(1));
  await expect(share.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  void share.run(job('next'));
  await settle();
  expect(log).toEqual(['next']);
});
