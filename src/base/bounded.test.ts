import { expect, test } from 'vitest';
import { mapBounded } from './bounded.js';

test('results are in order, and never more than the bound are under way', async () => {
  let running = 0;
  let most = 0;
  const items = Array.from({ length: 500 }, (_, i) => i);
  const made = await mapBounded(
    items,
    async (item) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < item % 7; turn++) await undefined;
      running--;
      return item * 2;
    },
    10,
  );
  expect(made).toEqual(items.map((item) => item * 2));
  expect(most).toBe(10);
});

test('after a rejection nothing is started, and it rejects when the others have ended', async () => {
  const ended: number[] = [];
  let started = 0;
  const all = mapBounded(
    Array.from({ length: 100 }, (_, i) => i),
    async (item) => {
      started++;
      if (item === 2) throw new Error('two');
      for (let turn = 0; turn < 5; turn++) await undefined;
      ended.push(item);
    },
    4,
  );
  await expect(all).rejects.toThrow('two');
  expect(started).toBe(4);
  expect(ended).toEqual([0, 1, 3]);
});

test('where the number of items is known, no more are asked for', async () => {
  let asked = 0;
  class Counted extends Map<string, number> {
    override [Symbol.iterator]() {
      const items = super[Symbol.iterator]();
      const next = items.next.bind(items);
      return Object.assign(items, {
        next: () => {
          asked++;
          return next();
        },
      });
    }
  }
  const items = new Counted();
  items.set('a', 2);
  expect(await mapBounded(items, async ([, value]) => value)).toEqual([2]);
  expect(asked).toBe(2);
});

test('no items, no work', async () => {
  expect(await mapBounded([], async () => 1)).toEqual([]);
});
