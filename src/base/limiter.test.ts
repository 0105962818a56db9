import { expect, test } from 'vitest';
import { bothTurns, type HeldTurn, Limiter, withHeldTurn } from './limiter.js';
import { OneByOne } from './own-work/one-by-one.js';

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

/** Jobs that go on when they are told to. */
function heldRig({ turns = 1, leaving = 1, own }: { turns?: number; leaving?: number; own?: OneByOne } = {}) {
  const log: string[] = [];
  const held = new Map<string, HeldTurn>();
  const ends = new Map<string, () => void>();
  const options = {
    turns: new Limiter(turns),
    leaving: new Limiter(leaving),
    own,
    priority: 0,
    signal: new AbortController().signal,
  };
  const start = (name: string, signal = options.signal) =>
    withHeldTurn({ ...options, signal }, async (turn) => {
      log.push(`${name} begins`);
      held.set(name, turn);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      log.push(`${name} ends`);
      return name;
    });
  const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    ...{ log, start, quiet },
    turn: (name: string) => held.get(name) as HeldTurn,
    async end(name: string) {
      ends.get(name)?.();
      await quiet();
    },
  };
}

test('a light job leaves its turn however many have left theirs, and knows whether others work', async () => {
  const { start, turn, end, quiet, log } = heldRig();
  for (const name of ['a', 'b', 'c', 'd']) void start(name);
  await quiet();
  expect(turn('a').othersWork()).toBe(false);
  turn('a').leave(true);
  await quiet();
  turn('b').leave(true);
  await quiet();
  turn('c').leave(true);
  turn('c').leave(true);
  await quiet();
  expect(log).toEqual(['a begins', 'b begins', 'c begins', 'd begins']);
  expect([turn('a').othersWork(), turn('d').othersWork()]).toEqual([true, false]);
  for (const name of ['a', 'b', 'c']) await end(name);
  expect(turn('d').othersWork()).toBe(false);
  turn('d').leave(true);
  expect(turn('a').othersWork()).toBe(false);
  await turn('d').take();
  expect([turn('a').othersWork(), turn('d').othersWork()]).toEqual([true, false]);
  await end('d');
  expect(turn('a').othersWork()).toBe(false);
});

test('the next job starts when a turn is left, and not before', async () => {
  const { log, start, turn, end, quiet } = heldRig();
  const first = start('a');
  void start('b');
  await quiet();
  expect(log).toEqual(['a begins']);
  turn('a').leave();
  turn('a').leave();
  await quiet();
  expect(log).toEqual(['a begins', 'b begins']);
  void start('c');
  await end('a');
  expect(await first).toBe('a');
  expect(log).toEqual(['a begins', 'b begins', 'a ends']);
  await end('b');
  expect(log).toEqual(['a begins', 'b begins', 'a ends', 'b ends', 'c begins']);
});

test('a job that takes its turn again waits for one', async () => {
  const { log, start, turn, end, quiet } = heldRig();
  void start('a');
  void start('b');
  await quiet();
  turn('a').leave();
  await quiet();
  const again = turn('a')
    .take()
    .then(() => log.push('a again'));
  await quiet();
  expect(log).toEqual(['a begins', 'b begins']);
  await end('b');
  await again;
  void start('c');
  await quiet();
  expect(log).toEqual(['a begins', 'b begins', 'b ends', 'a again']);
  await turn('a').take();
  await end('a');
  expect(log.at(-1)).toBe('c begins');
});

test('a turn is kept where as many as may have left theirs', async () => {
  const { log, start, turn, end, quiet } = heldRig();
  for (const name of ['a', 'b', 'c', 'd']) void start(name);
  await quiet();
  turn('a').leave();
  await quiet();
  turn('b').leave();
  await quiet();
  expect(log).toEqual(['a begins', 'b begins']);
  await end('a');
  turn('b').leave();
  await quiet();
  expect(log).toEqual(['a begins', 'b begins', 'a ends', 'c begins']);
});

test('a turn that is still waited for when the signal aborts is never had', async () => {
  const { log, start, turn, end, quiet } = heldRig();
  const stop = new AbortController();
  void start('a');
  await quiet();
  const never = start('b', stop.signal);
  stop.abort();
  await expect(never).rejects.toThrow('aborted');
  turn('a').leave();
  void start('c');
  await quiet();
  await end('a');
  expect(log).toEqual(['a begins', 'c begins', 'a ends']);
});

test('a job that fails gives back what it has', async () => {
  const { log, start, quiet } = heldRig();
  const options = {
    turns: new Limiter(1),
    leaving: new Limiter(1),
    priority: 0,
    signal: new AbortController().signal,
  };
  const failed = withHeldTurn(options, async (turn) => {
    turn.leave();
    throw new Error('broken');
  });
  await expect(failed).rejects.toThrow('broken');
  await quiet();
  expect(options.turns.isFull).toBe(false);
  expect(options.leaving.isFull).toBe(false);
  void start('a');
  await quiet();
  expect(log).toEqual(['a begins']);
});

test('the worker that a job leaves begins its next one before others come back', async () => {
  // Always busy: nothing goes on because the process waits.
  const own = new OneByOne({ idleShare: () => 0, now: () => 0 });
  const { start, turn, end, quiet, log } = heldRig({ turns: 2, own });
  for (const name of ['a', 'b', 'next']) void start(name);
  await quiet();
  expect(log).toEqual(['a begins']);
  turn('a').pause();
  await quiet();
  await quiet();
  turn('b').pause();
  const back = (name: string) =>
    turn(name)
      .resume()
      .then(() => log.push(`${name} is back`));
  void back('a');
  void back('b');
  await quiet();
  expect(log).toEqual(['a begins', 'b begins', 'a is back']);
  let isStored = false;
  void turn('a')
    .leave()
    .then(() => {
      isStored = true;
    });
  await quiet();
  await quiet();
  expect(log.slice(3)).toEqual(['next begins']);
  turn('next').pause();
  await quiet();
  await quiet();
  expect(log.slice(4)).toEqual(['b is back']);
  // What is not urgent waits for both.
  expect(isStored).toBe(false);
  await end('b');
  await quiet();
  expect(isStored).toBe(true);
});

test('a job that keeps its worker waits for nobody', async () => {
  const own = new OneByOne({ idleShare: () => 0, now: () => 0 });
  const { start, turn, quiet, log } = heldRig({ turns: 2, leaving: 1, own });
  for (const name of ['a', 'b', 'next']) void start(name);
  await quiet();
  turn('a').pause();
  await quiet();
  await quiet();
  // The next one has not begun its work: it is not quiet.
  turn('b').pause();
  void turn('a').leave();
  await quiet();
  const left = turn('b').leave();
  await quiet();
  expect(log).toEqual(['a begins', 'b begins', 'next begins']);
  await expect(Promise.race([left.then(() => 'goes on'), quiet().then(() => 'waits')])).resolves.toBe(
    'goes on',
  );
});
