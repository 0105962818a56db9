import { expect, test } from 'vitest';
import { IMPACTS, PRIORITIES, projectWeight } from './project-weight.js';

const NOW = Date.UTC(2026, 0, 10);
const DAY = 24 * 60 * 60_000;

test('each priority counts twice the one below it', () => {
  const weights = PRIORITIES.map((priority) => projectWeight({ priority, impact: 'medium' }, NOW));
  expect(weights).toEqual([1, 2, 4, 8]);
});

test('a deadline counts more the nearer it is, and most when it is over', () => {
  const of = (days: number) =>
    projectWeight({ priority: 'low', impact: 'medium', deadline: NOW + days * DAY }, NOW);
  expect([100, 20, 6, 2, 0.5, -3].map(of)).toEqual([1, 1.5, 2, 3, 4, 4]);
});

test('a deadline goes before the impact', () => {
  const near = projectWeight({ priority: 'low', impact: 'medium', deadline: NOW + 20 * DAY }, NOW);
  const impacts = IMPACTS.map((impact) => projectWeight({ priority: 'low', impact }, NOW));
  expect(impacts).toEqual([0.8, 1, 1.2]);
  expect(near).toBeGreaterThan(Math.max(...impacts));
});

test('no weight is so small that another project takes all', () => {
  const least = projectWeight({ priority: 'low', impact: 'low' }, NOW);
  const most = projectWeight({ priority: 'critical', impact: 'high', deadline: NOW }, NOW);
  expect(least / (least + most)).toBeGreaterThan(0.02);
});
