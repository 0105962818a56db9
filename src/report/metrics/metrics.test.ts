import { expect, test } from 'vitest';
import { parseTimestamp } from '../../base/timestamp.js';
import type { AgentCall, HistoryLine, TaskEnd } from '../../model/history.js';
import { type CallStep, CUT_OFF, historyOf, parseRecordedLine } from '../../model/history.js';
import { plainStyle } from '../style.js';
import { metricsCsv } from './csv.js';
import { filledDays } from './days.js';
import { metricsOf } from './metrics.js';
import { metricsPage } from './metrics-page.js';
import { metricsOtlp } from './otlp.js';
import { selectLines } from './selection.js';
import { bar, metricsText, sparkline } from './text.js';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 10);

function call(label: string, more: Partial<AgentCall> = {}): AgentCall {
  return {
    kind: 'call',
    at: START,
    build: 'b1',
    label,
    ms: 30_000,
    attempt: 1,
    phase: 'implementation',
    type: 'implementation',
    complexity: 'medium',
    agent: 'opencode',
    model: 'acme/one',
    promptBytes: 2000,
    usage: { tokensIn: 100, tokensOut: 20, tokensCached: 5, costUsd: 0.5 },
    ...more,
  };
}

function end(label: string, more: Partial<TaskEnd> = {}): TaskEnd {
  const common = { at: START, build: 'b1', label, ms: 40_000 };
  return { kind: 'task', ...common, outcome: 'built', recipe: 'agent', attempts: 1, failures: [], ...more };
}

const HISTORY: readonly HistoryLine[] = [
  call('f/@planner-spec', { phase: 'planning', promptBytes: 9000 }),
  end('f/@planner-spec'),
  call('f/T1', { arm: 'a' }),
  end('f/T1'),
  call('f/T2', { arm: 'b', model: 'acme/two', usage: { tokensIn: 1 } }),
  call('f/T2', { arm: 'b', model: 'acme/two', attempt: 2, failure: 'timed-out', at: START + 2 * DAY }),
  end('f/T2', {
    attempts: 2,
    failures: ['gate-failed', 'timed-out'],
    outcome: 'failed',
    at: START + 2 * DAY,
  }),
  call('g/T1', { build: 'b2' }),
  call('g/T1', { build: 'b2', phase: 'rebase' }),
  call('g/T1', { build: 'b2', attempt: 2 }),
  end('g/T1', { build: 'b2', attempts: 2, failures: ['gate-failed'], rebasedAfter: 1 }),
  end('g/T2', { build: 'b2', outcome: 'cached', saved: { costUsd: 2, tokensIn: 7 }, ms: 5 }),
  {
    kind: 'task',
    at: START,
    build: 'b2',
    label: 'g/T3',
    ms: 9,
    outcome: 'built',
    recipe: 'run',
    attempts: 1,
    failures: [],
  },
];

test('every session counts once in the sums, whatever its phase', () => {
  const metrics = metricsOf(HISTORY);
  expect(metrics.spent).toEqual({
    calls: 7,
    tokensIn: 601,
    tokensOut: 120,
    tokensCached: 30,
    costUsd: 3,
    unpriced: 1,
  });
  for (const groups of [metrics.byModel, metrics.byFeature, metrics.byPhase, metrics.days]) {
    expect(groups.reduce((sum, { tokensIn }) => sum + tokensIn, 0)).toBe(601);
    expect(groups.reduce((sum, { costUsd }) => sum + costUsd, 0)).toBeCloseTo(3);
  }
  expect(metrics.byPhase.map(({ name, calls }) => [name, calls])).toEqual([
    ['implementation', 5],
    ['planning', 1],
    ['rebase', 1],
  ]);
  expect(metrics.builds).toBe(2);
});

test('the first attempt is one at the spec as it was written, and what a rebase has won is told apart', () => {
  const metrics = metricsOf(HISTORY);
  expect(metrics.outcomes).toMatchObject({ built: 3, failed: 1, cached: 1 });
  expect(metrics.firstAttempt).toEqual({ of: 3, ok: 1 });
  expect(metrics.rebases).toBe(1);
  expect(metrics.afterRebase).toEqual({ of: 1, ok: 1 });
  expect(metrics.saved).toMatchObject({ calls: 1, costUsd: 2, tokensIn: 7 });
  expect(metrics.failures).toEqual([
    { kind: 'gate-failed', count: 2 },
    { kind: 'timed-out', count: 1 },
  ]);
  expect(metrics.prompts).toMatchObject({ planning: { count: 1, max: 9000 }, implementation: { count: 5 } });
});

test('arms are compared by the tasks that they were given', () => {
  expect(metricsOf(HISTORY).arms).toMatchObject([
    { name: 'a', models: ['acme/one'], tasks: 1, built: 1, firstAttempt: { of: 1, ok: 1 }, costUsd: 0.5 },
    { name: 'b', models: ['acme/two'], tasks: 1, built: 0, firstAttempt: { of: 1, ok: 0 } },
  ]);
});

test('lines are chosen by time, feature and model', () => {
  const choose = (more: object) => selectLines(HISTORY, { features: [], models: [], ...more });
  expect(choose({})).toEqual(HISTORY);
  expect(choose({ since: START + DAY }).map(({ label }) => label)).toEqual(['f/T2', 'f/T2']);
  expect(new Set(choose({ features: ['g*'] }).map(({ label }) => label))).toEqual(
    new Set(['g/T1', 'g/T2', 'g/T3']),
  );
  expect(choose({ models: ['acme/two'] }).map(({ kind, label }) => `${kind} ${label}`)).toEqual([
    'call f/T2',
    'call f/T2',
    'task f/T2',
  ]);
});

test.each([
  ['7d', START - 7 * DAY],
  ['12h', START - DAY / 2],
  ['2w', START - 14 * DAY],
  ['2026-01-01', Date.UTC(2026, 0, 1)],
  ['2026-01-01T10:00:00Z', Date.UTC(2026, 0, 1, 10)],
  ['yesterday', undefined],
  ['7', undefined],
  ['2026-13-01', undefined],
])('since %s', (text, at) => {
  expect(parseTimestamp(text, START)).toBe(at);
});

test('text says it all without charts, and with them when they can be seen', () => {
  const metrics = metricsOf(HISTORY);
  const plain = metricsText(metrics, plainStyle, false);
  expect(plain).toMatch(/^2 builds, 7 calls of agents, 2026-01-10 to 2026-01-12\n/);
  expect(plain).toContain('first attempt  1 of 3 (33%)');
  expect(plain).toContain('rebases        1; the next attempt built 1 of 1 (100%)');
  expect(plain).toContain('saved          $2.00 by the store (1 result)');
  expect(plain).toContain('$3.00 + 1 call without a price');
  expect(plain).toMatch(/2026-01-12 {2}\$0.50/);
  expect(plain).not.toMatch(/[▁-█]/);
  expect(metricsText(metrics, plainStyle, true)).toMatch(/cost +█▁▂ +\$0.00 to \$2.50/);
  expect(metricsText(metricsOf([]), plainStyle, true)).toBe(
    'conductor: no data yet; builds and plans record it\n',
  );
});

test('charts show nothing as nothing and little as little', () => {
  expect(sparkline([0, 1, undefined, 2])).toBe('▁▅ █');
  expect(sparkline([0, 0])).toBe('▁▁');
  expect([bar(0, 10, 4), bar(0.001, 10, 4), bar(5, 10, 4), bar(10, 10, 4), bar(1, 0, 4)]).toEqual([
    '',
    '▏',
    '██',
    '████',
    '',
  ]);
});

test('days on which nothing happened are in a trend, and a wrong clock does not make it endless', () => {
  const { days } = metricsOf(HISTORY);
  expect(filledDays(days).map(({ day, calls }) => [day, calls])).toEqual([
    ['2026-01-10', 6],
    ['2026-01-11', 0],
    ['2026-01-12', 1],
  ]);
  expect(filledDays(metricsOf([call('f/T1', { at: 0 }), ...HISTORY]).days)).toHaveLength(366);
});

test('names from anywhere are text on the page, in the terminal and in a spreadsheet', () => {
  const name = '<script>alert(1)</script>\u001b[2J';
  const lines = [call(`${name}/T1`, { model: `=HYPERLINK("x,y")` }), end(`${name}/T1`, { failures: [name] })];
  const metrics = metricsOf(lines);
  const page = metricsPage(metrics, name);
  expect(page).not.toContain('<script>');
  expect(page).toContain('&lt;script&gt;');
  expect(page).not.toMatch(/https?:|src=|url\(|@import/);
  expect(page + metricsText(metrics, plainStyle, true)).not.toContain('\u001b');
  const [, row = ''] = metricsCsv(lines).split('\r\n');
  expect(row).toContain(`"'=HYPERLINK(""x,y"")"`);
});

test('a table has a line for each call, with what is not known left empty', () => {
  const rows = metricsCsv(HISTORY).trimEnd().split('\r\n');
  expect(rows).toHaveLength(8);
  expect(rows[0]).toBe(
    'at,build,feature,label,phase,attempt,type,complexity,agent,model,variant,arm,prompt_bytes,tokens_in,tokens_out,tokens_cached,cost_usd,ms,failure',
  );
  expect(rows[3]).toBe(
    '2026-01-10T00:00:00.000Z,b1,f,f/T2,implementation,1,implementation,medium,opencode,acme/two,,b,2000,1,,,,30000,',
  );
});

interface Point {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
  readonly sum?: number;
  readonly count?: string;
  readonly asDouble?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}

test('OpenTelemetry gets sums and histograms under the names of its conventions', () => {
  const exported = metricsOtlp(HISTORY, '1.0.0') as {
    resourceMetrics: { scopeMetrics: { metrics: Record<string, { dataPoints: Point[] }>[] }[] }[];
  };
  const metrics = exported.resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
  const points = (name: string) => {
    const metric = metrics.find((one) => (one.name as unknown) === name);
    return (metric?.histogram ?? metric?.sum)?.dataPoints ?? [];
  };
  const attribute = (point: Point, key: string) =>
    point.attributes.find((one) => one.key === key)?.value.stringValue;
  const tokens = points('gen_ai.client.token.usage');
  const sumOf = (type: string) =>
    tokens
      .filter((point) => attribute(point, 'gen_ai.token.type') === type)
      .reduce((sum, one) => sum + (one.sum ?? 0), 0);
  expect([sumOf('input'), sumOf('output')]).toEqual([631, 120]);
  for (const point of [...tokens, ...points('gen_ai.client.operation.duration')]) {
    expect(point.bucketCounts).toHaveLength((point.explicitBounds?.length ?? 0) + 1);
    expect(point.bucketCounts?.reduce((sum, count) => sum + Number(count), 0)).toBe(Number(point.count));
    expect(attribute(point, 'gen_ai.provider.name')).toBe('acme');
  }
  expect(tokens[0] && attribute(tokens[0], 'gen_ai.operation.name')).toBe('plan');
  expect(points('conductor.cost').reduce((sum, one) => sum + (one.asDouble ?? 0), 0)).toBeCloseTo(3);
  expect(points('gen_ai.client.operation.duration').map((one) => attribute(one, 'error.type'))).toContain(
    'timed-out',
  );
});

test.each([
  ['a call', JSON.stringify(call('f/T1')), true],
  ['an end', JSON.stringify(end('f/T1')), true],
  ['half a line', JSON.stringify(call('f/T1')).slice(0, 50), false],
  ['a number that is none', JSON.stringify({ ...call('f/T1'), ms: 'x' }), false],
  ['a usage below zero', JSON.stringify(call('f/T1', { usage: { costUsd: -1 } })), false],
  ['a model that is no word', JSON.stringify({ ...call('f/T1'), model: {} }), false],
  ['failures that are no words', JSON.stringify({ ...end('f/T1'), failures: [1] }), false],
])('%s is read as far as it is sound', (_name, text, isSound) => {
  expect(parseRecordedLine(text) !== undefined).toBe(isSound);
});

test('a session without a call is no call without a price', () => {
  const none = { usage: {} };
  const sessions = [
    call('f/T1', { ...none, failure: 'provider-unavailable' }),
    call('f/T1', { ...none, failure: 'cancelled' }),
    call('f/T1', { ...none, failure: 'cancelled', agent: 'mine' }),
    call('f/T1', { usage: { tokensIn: 1 } }),
  ];
  expect(metricsOf(sessions).spent).toMatchObject({ calls: 4, unpriced: 2 });
});

test('the steps of a killed session count as a call, and those of one that ended do not', () => {
  const step = (tokensIn: number, more: Partial<CallStep> = {}): CallStep => {
    const common = { kind: 'step', at: START, build: 'b1', label: 'f/T1', ms: 0, attempt: 1 } as const;
    return {
      ...common,
      agent: 'opencode',
      model: 'acme/one',
      usage: { tokensIn, costUsd: tokensIn / 10 },
      ...more,
    };
  };
  const first = call('f/T1', { usage: { tokensIn: 30, costUsd: 3 }, failure: 'provider-unavailable' });
  const lines = historyOf([step(10), step(30), first, step(40), step(50), step(7, { phase: 'review' })]);
  expect(lines).toMatchObject([
    first,
    { kind: 'call', phase: 'implementation', failure: CUT_OFF, usage: { tokensIn: 20, costUsd: 2 } },
    { kind: 'call', phase: 'review', failure: CUT_OFF, usage: { tokensIn: 7 } },
  ]);
  expect(metricsOf(lines).spent).toMatchObject({ calls: 3, tokensIn: 57, unpriced: 0 });
  expect(historyOf([step(30), call('f/T1', { usage: { tokensIn: 30, costUsd: 3 } })])).toHaveLength(1);
  expect(parseRecordedLine(JSON.stringify(step(1)))).toEqual(step(1));
});
