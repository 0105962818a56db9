import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OneByOne } from './one-by-one.js';

const host = { idle: 0, time: 0, idleShare: () => host.idle, now: () => host.time };

beforeEach(() => {
  Object.assign(host, { idle: 0, time: 0 });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => void vi.useRealTimers());

/** Jobs that come back, and which of them go on, in their order. */
function comingBack(own: OneByOne, names: string) {
  const went: string[] = [];
  const ends = new Map<string, () => void>();
  for (const name of names)
    void own.comeBack().then((end) => {
      went.push(name);
      ends.set(name, end);
    });
  return { went, end: (name: string) => ends.get(name)?.() };
}

/** A millisecond, and all that follows from it. */
async function ask(): Promise<void> {
  await vi.advanceTimersByTimeAsync(1);
  await setImmediate();
}

test('jobs that come back together go on one after the other', async () => {
  const { went, end } = comingBack(new OneByOne(host), 'abc');
  await setImmediate();
  expect(went).toEqual(['a']);
  end('a');
  await setImmediate();
  await setImmediate();
  expect(went).toEqual(['a', 'b']);
});

test('what the end of a piece lets begin goes on before the next job that waits', async () => {
  const own = new OneByOne(host);
  const { went, end } = comingBack(own, 'ab');
  await setImmediate();
  end('a');
  await Promise.resolve();
  const begun = await own.begin();
  await setImmediate();
  await setImmediate();
  expect(went).toEqual(['a']);
  begun();
  await setImmediate();
  await setImmediate();
  expect(went).toEqual(['a', 'b']);
});

test('jobs that begin together begin one after the other, and before those that come back', async () => {
  const own = new OneByOne(host);
  const { went, end } = comingBack(own, 'ab');
  await setImmediate();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  for (const number of [1, 2]) void own.begin().then((ended) => void [begun.push(number), ends.push(ended)]);
  await setImmediate();
  expect(begun).toEqual([]);
  for (const ended of [() => end('a'), () => ends[0]?.()]) {
    ended();
    await setImmediate();
    await setImmediate();
    await setImmediate();
  }
  expect(begun).toEqual([1, 2]);
  expect(went).toEqual(['a']);
  ends[1]?.();
  await setImmediate();
  await setImmediate();
  expect(went).toEqual(['a', 'b']);
});

test('where the process has nothing to do, the next one goes on although no piece has ended', async () => {
  const { went, end } = comingBack(new OneByOne(host), 'abc');
  await ask();
  expect(went).toEqual(['a']);
  host.idle = 0.9;
  await ask();
  expect(went).toEqual(['a', 'b']);
  host.idle = 0;
  // It has lost its place: its end lets nobody go on.
  end('a');
  await ask();
  expect(went).toEqual(['a', 'b']);
});

test('one that uses the process for long keeps nobody waiting for long', async () => {
  const own = new OneByOne(host);
  const { went } = comingBack(own, 'ab');
  let isBegun = false;
  void own.begin().then(() => {
    isBegun = true;
  });
  await ask();
  expect([isBegun, went]).toEqual([false, ['a']]);
  host.time = 60;
  await ask();
  expect([isBegun, went]).toEqual([true, ['a']]);
  host.time = 120;
  await ask();
  expect(went).toEqual(['a', 'b']);
});

test('what waits until it is quiet goes on together when no piece is left, or after a time', async () => {
  const own = new OneByOne(host);
  const { end } = comingBack(own, 'ab');
  await setImmediate();
  const done: number[] = [];
  for (const number of [1, 2]) void own.untilQuiet().then(() => done.push(number));
  end('a');
  await setImmediate();
  await setImmediate();
  expect(done).toEqual([]);
  end('b');
  await setImmediate();
  await setImmediate();
  expect(done).toEqual([1, 2]);
  await own.untilQuiet();
  await own.begin();
  void own.untilQuiet().then(() => done.push(3));
  host.time = 10;
  await ask();
  expect(done).toEqual([1, 2]);
  host.time = 300;
  await ask();
  expect(done).toEqual([1, 2, 3]);
});
