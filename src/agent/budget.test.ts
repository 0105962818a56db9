import { describe, expect, test } from 'vitest';
import type { Usage } from '../model/action.js';
import { amountsOf, Budget } from './budget.js';

const used = (usage: Usage) => amountsOf(usage, 0);

const priced = { name: 'claude', reportsCost: true };
const unpriced = { name: 'codex', reportsCost: false };

describe('a budget', () => {
  test('names the narrowest scope that is exceeded, and only when it is', () => {
    const budget = new Budget({ build: { usd: 1 } });
    expect(budget.start('f/a', { usd: 0.5 }, priced)).toBeUndefined();
    expect(budget.add('f/a', used({ costUsd: 0.5 }))).toBeUndefined();
    expect(budget.add('f/a', used({ costUsd: 0.25 }))).toEqual({
      kind: 'budget-exceeded',
      scope: 'task',
      unit: 'usd',
      limit: 0.5,
      spent: 0.75,
    });
    expect(budget.start('f/b', {}, priced)).toBeUndefined();
    expect(budget.add('f/b', used({ costUsd: 0.5 }))).toMatchObject({ scope: 'build', spent: 1.25 });
  });

  test('counts all attempts of a task together', () => {
    const budget = new Budget({});
    budget.start('f/a', { tokens: 100 }, unpriced);
    expect(budget.add('f/a', used({ tokensIn: 60, tokensOut: 40, tokensCached: 9000 }))).toBeUndefined();
    expect(budget.start('f/a', { tokens: 100 }, unpriced)).toMatchObject({ unit: 'tokens', spent: 100 });
  });

  test('in money refuses an agent without a price before it starts, in every scope', () => {
    const refused = (scope: string) => ({ kind: 'budget-unknown-price', scope, agent: 'codex' });
    expect(new Budget({}).start('f/a', { usd: 1 }, unpriced)).toEqual(refused('task'));
    expect(new Budget({ build: { usd: 1 } }).start('f/a', {}, unpriced)).toEqual(refused('build'));
    expect(new Budget({ day: { usd: 1 } }).start('f/a', {}, unpriced)).toEqual(refused('day'));
    expect(new Budget({ build: { tokens: 1 } }).start('f/a', {}, unpriced)).toBeUndefined();
  });

  test('in money lets no model begin again that was to say its cost and did not; what it made stands', () => {
    const budget = new Budget({ build: { usd: 1 } });
    expect(budget.start('f/a', {}, priced)).toBeUndefined();
    expect(budget.finish('f/a', { costUsd: 0 }, priced)).toBeUndefined();
    expect(budget.start('f/a', {}, priced)).toBeUndefined();
    expect(budget.finish('f/a', { tokensIn: 5 }, priced)).toBe('usd');
    expect(budget.finish('f/a', { tokensIn: 5 }, priced)).toBeUndefined();
    expect(budget.start('f/a', {}, priced)).toMatchObject({ kind: 'budget-unknown-price', scope: 'build' });
    expect(budget.start('f/a', {}, { ...priced, model: 'x/y' })).toBeUndefined();
    expect(new Budget({}).finish('f/a', {}, priced)).toBeUndefined();
  });

  test('in tokens lets no agent begin again that does not count them', () => {
    const budget = new Budget({ build: { tokens: 1000 } });
    expect(budget.start('f/a', {}, priced)).toBeUndefined();
    expect(budget.finish('f/a', { tokensIn: 0 }, priced)).toBeUndefined();
    expect(budget.finish('f/a', { costUsd: 1 }, priced)).toBe('tokens');
    expect(budget.start('f/a', {}, priced)).toMatchObject({ kind: 'budget-unknown-usage', scope: 'build' });
  });

  test('of a day counts what earlier builds spent, and of a task what a killed build spent on it', () => {
    const spent = { usd: 4.5, tokens: 10, minutes: 3 };
    const budget = new Budget({
      day: { usd: 5 },
      earlier: () => spent,
      unfinished: new Map([['f/b', spent]]),
    });
    expect(budget.start('f/a', {}, priced)).toBeUndefined();
    expect(budget.add('f/a', used({ costUsd: 0.4 }))).toBeUndefined();
    expect(budget.start('f/b', { tokens: 10 }, priced)).toMatchObject({ scope: 'task', spent: 10 });
    expect(budget.start('f/b', { minutes: 3 }, priced)).toMatchObject({ unit: 'minutes', spent: 3 });
    expect(budget.add('f/a', used({ costUsd: 1 }))).toMatchObject({ scope: 'day', spent: 5.9 });
  });

  test('of minutes is for all sessions of a task together', () => {
    const budget = new Budget({});
    expect(budget.minutesLeft('f/a')).toBeUndefined();
    budget.start('f/a', { minutes: 10 }, priced);
    expect(budget.add('f/a', amountsOf({}, 6))).toBeUndefined();
    expect(budget.minutesLeft('f/a')).toBe(4);
    budget.add('f/a', amountsOf({}, 4));
    expect(budget.outOfTime('f/a')).toMatchObject({
      kind: 'budget-exceeded',
      unit: 'minutes',
      limit: 10,
      spent: 10,
    });
    expect(budget.start('f/a', { minutes: 10 }, priced)).toMatchObject({ unit: 'minutes' });
  });
});

test('a limit of which four fifths are spent is told once, and not when it is broken already', () => {
  const budget = new Budget({ build: { usd: 1 }, day: { tokens: 1000 } });
  budget.start('f/T1', { tokens: 100 }, { name: 'a', reportsCost: true });
  budget.add('f/T1', used({ tokensIn: 79, costUsd: 0.1 }));
  expect(budget.nearing('f/T1')).toEqual([]);
  budget.add('f/T1', used({ tokensIn: 1, costUsd: 0.75 }));
  expect(budget.nearing('f/T1')).toMatchObject([
    { scope: 'task', unit: 'tokens', limit: 100, spent: 80 },
    { scope: 'build', unit: 'usd', limit: 1, spent: 0.85 },
  ]);
  budget.add('f/T1', used({ tokensIn: 10, costUsd: 0.05 }));
  expect(budget.nearing('f/T1')).toEqual([]);
  budget.start('f/T2', { tokens: 100 }, { name: 'a', reportsCost: true });
  budget.add('f/T2', used({ tokensIn: 900 }));
  expect(budget.nearing('f/T2')).toMatchObject([{ scope: 'day', unit: 'tokens', spent: 990 }]);
});
