/** Fates of jobs as metrics and spans of a worker. */

import { expect, test } from 'vitest';
import type { JobFate, WorkerEvent } from '../../model/fleet/worker-event.js';
import { WorkerMetrics } from './worker-metrics.js';
import { WorkerSpans } from './worker-spans.js';

const ended = (fate: JobFate, ms: number, traceparent?: string): WorkerEvent => ({
  ...{ type: 'job.ended', task: 'f/T1', queue: 'q', fate, ms, phases: [{ name: 'fetch', ms: 1 }] },
  ...(traceparent === undefined ? {} : { traceparent, why: 'gate-failed' }),
});

test('failures are counted by what became of jobs; times fall into the bucket of their seconds', () => {
  const metrics = new WorkerMetrics(1_000);
  const started = { type: 'job.started', task: 'f/T1', queue: 'q', waitedMs: 4_000 } as const;
  for (const event of [started, ended('failed', 200), started, ended('failed', 9_000_000), started])
    metrics.on(event);
  const body = JSON.parse(metrics.body({ 'service.name': 's' }, '1', 2_000));
  const of = (name: string) =>
    body.resourceMetrics[0].scopeMetrics[0].metrics.find((one: { name: string }) => one.name === name);
  expect(of('conductor.jobs').sum).toMatchObject({
    ...{ isMonotonic: true, aggregationTemporality: 2 },
    dataPoints: [{ asInt: '2', startTimeUnixNano: '1000000000', timeUnixNano: '2000000000' }],
  });
  expect(of('conductor.worker.running').gauge.dataPoints).toMatchObject([{ asInt: '1' }]);
  const [wait] = of('conductor.job.wait').histogram.dataPoints;
  expect(wait).toMatchObject({ count: '3', sum: 12 });
  expect(wait.bucketCounts[wait.explicitBounds.indexOf(5)]).toBe('3');
  const [duration] = of('conductor.job.duration').histogram.dataPoints;
  expect(duration.bucketCounts.at(-1)).toBe('1');
  expect(duration.bucketCounts[duration.explicitBounds.indexOf(0.25)]).toBe('1');
});

test('a job of a build without a trace has no span; one that failed says why', () => {
  const spans = new WorkerSpans('w');
  spans.on(ended('done', 5), 1_000);
  spans.on(ended('done', 5, 'no trace'), 1_000);
  expect(spans.take({}, '1')).toEqual([]);
  spans.on(ended('failed', 5, `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`), 1_000);
  const [body] = spans.take({}, '1').map((text) => JSON.parse(text));
  expect(body.resourceSpans[0].scopeSpans[0].spans).toMatchObject([
    { name: 'job', parentSpanId: 'b'.repeat(16), status: { code: 2, message: 'gate-failed' } },
    { name: 'fetch', startTimeUnixNano: '995000000', endTimeUnixNano: '996000000' },
  ]);
  expect(spans.take({}, '1')).toEqual([]);
});
