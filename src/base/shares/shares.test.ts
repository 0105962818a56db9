import { expect, test } from 'vitest';
import { nextSharer, type Sharer, usedOnReturn } from './shares.js';

const sharer = (facts: Partial<Sharer> = {}): Sharer => ({
  waiting: 1,
  running: 0,
  least: 0,
  most: 100,
  weight: 1,
  used: 0,
  ...facts,
});

test('a sharer without jobs, or at its most, gets no place', () => {
  expect(nextSharer([])).toBeUndefined();
  expect(nextSharer([sharer({ waiting: 0 }), sharer({ running: 2, most: 2 })])).toBeUndefined();
  expect(nextSharer([sharer({ waiting: 0 }), sharer({ used: 1e9 })])).toBe(1);
});

test('the sharer that has had least for its weight is next', () => {
  expect(nextSharer([sharer({ used: 5 }), sharer({ used: 4 }), sharer({ used: 6 })])).toBe(1);
});

test('of sharers that have had the same, the one with fewer jobs for its weight is next, then the heavier one', () => {
  expect(nextSharer([sharer({ running: 2, weight: 3 }), sharer({ running: 1, weight: 1 })])).toBe(0);
  expect(nextSharer([sharer({ weight: 1 }), sharer({ weight: 3 })])).toBe(1);
});

test('sharers below their least number go first, the emptiest of them before the others', () => {
  const behind = sharer({ used: 0 });
  expect(nextSharer([behind, sharer({ least: 2, running: 1, used: 1e9 })])).toBe(1);
  expect(nextSharer([behind, sharer({ least: 2, running: 2, used: 1e9 })])).toBe(0);
  expect(nextSharer([sharer({ least: 4, running: 2 }), sharer({ least: 4, running: 1 })])).toBe(1);
});

test('time without jobs is not saved', () => {
  expect(usedOnReturn(3, [sharer({ used: 10 }), sharer({ used: 7 })])).toBe(7);
  expect(usedOnReturn(8, [sharer({ used: 7 })])).toBe(8);
  expect(usedOnReturn(3, [sharer({ used: 10, waiting: 0 })])).toBe(3);
});

/** Places that each sharer has had, when all always wait and one place is free at a time. */
function simulate(weights: readonly number[], turns: number, ms: (turn: number) => number): number[] {
  const used = weights.map(() => 0);
  const had = weights.map(() => 0);
  for (let turn = 0; turn < turns; turn++) {
    const next = nextSharer(weights.map((weight, at) => sharer({ weight, used: used[at] as number })));
    const at = next as number;
    had[at] = (had[at] as number) + 1;
    used[at] = (used[at] as number) + ms(turn) / (weights[at] as number);
  }
  return had;
}

test('places follow the weights', () => {
  expect(simulate([8, 4, 2, 1], 1500, () => 10)).toEqual([800, 400, 200, 100]);
});

test('no sharer starves, whatever the weights and lengths of jobs', () => {
  const weights = [30, 30, 30, 0.8];
  const had = simulate(weights, 10_000, (turn) => 1 + ((turn * 7919) % 97));
  const part = 0.8 / 90.8;
  expect(had[3]).toBeGreaterThan(10_000 * part * 0.8);
});
