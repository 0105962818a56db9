import { expect, test } from 'vitest';
import type { HistoryLine } from '../../model/history.js';
import { plainStyle } from '../style.js';
import { projectsMetrics, projectsMetricsText } from './projects-metrics.js';

const at = Date.UTC(2030, 0, 5);
const call: HistoryLine = {
  kind: 'call',
  ...{ at, build: 'b1', label: 'f/T1', ms: 900, attempt: 1, phase: 'implementation' },
  ...{ agent: 'opencode', model: 'm', promptBytes: 10 },
  usage: { costUsd: 0.5, tokensIn: 1000, tokensOut: 500 },
};
const end: HistoryLine = {
  kind: 'task',
  ...{
    at,
    build: 'b1',
    label: 'f/T1',
    ms: 1000,
    outcome: 'built',
    recipe: 'agent',
    attempts: 1,
    failures: [],
  },
};

test('each project has its own sums, and builds and tasks of the same name are not taken for one', () => {
  const histories = new Map([
    ['api', [call, end]],
    [
      'web',
      [
        call,
        end,
        { ...end, build: 'b2', outcome: 'failed', attempts: 2, failures: ['gate-failed'] } as const,
      ],
    ],
    ['new', []],
  ]);
  const metrics = projectsMetrics(histories);
  expect(
    metrics.projects.map(({ name, metrics: { builds, spent } }) => [name, builds, spent.costUsd]),
  ).toEqual([
    ['api', 1, 0.5],
    ['web', 2, 0.5],
    ['new', 0, 0],
  ]);
  expect(metrics.all).toMatchObject({
    builds: 3,
    outcomes: { built: 2, failed: 1 },
    spent: { calls: 2, costUsd: 1, tokensIn: 2000, tokensOut: 1000 },
  });
  expect(metrics.all.byFeature.map(({ name }) => name).sort()).toEqual(['api/f', 'web/f']);
  const lines = projectsMetricsText(metrics, plainStyle).split('\n');
  expect(lines[1]).toMatch(/^api +1 +1 +0 .* 1 +1\.5k +\$0\.50 +- +median 1\.0s$/);
  expect(lines[3]).toMatch(/^new +0 +0 +0 +- +0 +- +- +- +-$/);
  expect(lines[4]).toMatch(/^all +3 +2 +1 .* \$1\.00 /);
  expect(lines[5]).toBe('conductor: 3 projects, 3 builds, 2 calls of agents, 2030-01-05');
});
