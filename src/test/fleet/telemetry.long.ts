/** What a collector gets of a fleet: spans of workers in the traces of builds, and metrics of queues, on a real Redis. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../rig/command-line.js';
import { Collector } from './collector.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { Fleet } from './worker-process.js';

test.skipIf(!hasRedis())(
  'spans of a worker stand in the trace of the build; its collector hears of queues, waits, runs and ends (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using collector = await Collector.start();
    await using fleet = new Fleet(redis, ['T1', 'T2']);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_METRIC_EXPORT_INTERVAL: '100' };
    writeFileSync(`${fleet.calls}.hold`, '');
    const worker = fleet.start(fleet.clone('w'), ['worker', '--concurrency', '1'], env);
    const trace = 'c'.repeat(32);
    const build = fleet.start(fleet.dir, ['build'], {
      ...env,
      TRACEPARENT: `00-${trace}-${'d'.repeat(16)}-01`,
    });
    // Both may have waited before.
    const isSeen = (name: string) =>
      collector.points.some(({ metric, value }) => metric === name && value === 1);
    await until(
      'a task to wait while another one runs',
      () => ['conductor.queue.depth', 'conductor.queue.running', 'conductor.worker.running'].every(isSeen),
      60_000,
    );
    rmSync(`${fleet.calls}.hold`);
    expect(await build.ended).toBe(0);
    worker.signal('SIGTERM');
    expect(await worker.ended).toBe(0);
    expect(collector.most('conductor.jobs', { 'conductor.fate': 'done' })).toBe(2);
    expect(collector.most('conductor.job.wait')).toBe(2);
    expect(collector.most('conductor.job.duration', { 'conductor.fate': 'done' })).toBe(2);
    expect(collector.most('conductor.worker.places')).toBe(1);
    expect(collector.most('conductor.queue.oldest')).toBeGreaterThanOrEqual(0);
    for (const task of ['f/T1', 'f/T2']) {
      const [span] = collector.spans.filter(({ name }) => name === `task ${task}`);
      const [job] = collector.spans.filter(
        ({ parentSpanId, name }) => name === 'job' && parentSpanId === span?.spanId,
      );
      expect(job).toMatchObject({ traceId: trace, kind: 5 });
      const phases = collector.spans.filter(({ parentSpanId }) => parentSpanId === job?.spanId);
      expect(phases.map(({ name, traceId }) => [name, traceId])).toEqual([
        ['fetch', trace],
        ['run', trace],
        ['send', trace],
      ]);
    }
    expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(collector.spans.length);
  },
);

test.skipIf(!hasRedis())(
  'builds of several projects hand their traces to workers, too (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using collector = await Collector.start();
    await using fleet = new Fleet(redis, ['T1']);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const list = join(fleet.root, 'list');
    fleet.write(join(list, 'conductor.projects.yaml'), `projects:\n  shop:\n    path: ${fleet.dir}\n`);
    const worker = fleet.start(fleet.clone('w'), ['worker'], env);
    const build = fleet.start(list, ['projects', 'build'], env);
    expect([await build.ended, build.output]).toEqual([0, expect.any(String)]);
    worker.signal('SIGTERM');
    expect(await worker.ended).toBe(0);
    const [task] = collector.spans.filter(({ name }) => name === 'task f/T1');
    expect(collector.spans.find(({ name }) => name === 'job')?.parentSpanId).toBe(task?.spanId);
    expect(task).toBeDefined();
  },
);

test.skipIf(!hasRedis())('a collector that is away costs a worker one warning (redis-server)', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, ['T1']);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_METRIC_EXPORT_INTERVAL: '50' };
  const worker = fleet.start(fleet.clone('w'), ['worker'], env);
  const build = fleet.start(fleet.dir, ['build']);
  expect(await build.ended).toBe(0);
  await until('the worker to complain', () => worker.output.includes('not taken by the collector'), 60_000);
  worker.signal('SIGTERM');
  expect(await worker.ended).toBe(0);
  expect(worker.output.split('not taken by the collector').length).toBe(2);
});
