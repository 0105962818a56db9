/**
 * A worker and the queues of its project as metrics of OpenTelemetry, in the JSON of OTLP: sums since it started, and what
 * is so now. Knows no collector.
 */

import type { WorkerEvent } from '../../model/fleet/worker-event.js';
import { listed, nanos, type OtlpAttributes } from './otlp-values.js';

/** Seconds: waits and runs of tasks take from a moment to hours. */
const BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
/** Sums since the start. */
const CUMULATIVE = 2;

interface Distribution {
  readonly attributes: OtlpAttributes;
  readonly counts: number[];
  sum: number;
}

export class WorkerMetrics {
  private readonly startedAt: number;
  private readonly ended = new Map<string, { readonly attributes: OtlpAttributes; count: number }>();
  private readonly waits = new Map<string, Distribution>();
  private readonly durations = new Map<string, Distribution>();
  private running = 0;
  private places: number | undefined;
  private queues: Extract<WorkerEvent, { type: 'fleet.seen' }>['queues'] = [];

  /** In milliseconds since 1970, UTC. */
  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  on(event: WorkerEvent): void {
    switch (event.type) {
      case 'worker.ready':
        this.places = event.concurrency;
        break;
      case 'job.started':
        this.running++;
        measure(this.waits, { 'conductor.queue': event.queue }, event.waitedMs);
        break;
      case 'job.ended': {
        this.running--;
        const attributes = { 'conductor.queue': event.queue, 'conductor.fate': event.fate };
        const name = JSON.stringify(attributes);
        const one = this.ended.get(name) ?? { attributes, count: 0 };
        one.count++;
        this.ended.set(name, one);
        measure(this.durations, attributes, event.ms);
        break;
      }
      case 'fleet.seen':
        this.queues = event.queues;
        break;
      default:
    }
  }

  /** The body of a request to `/v1/metrics`. Queues are told of once for each time that they were looked at. */
  body(resource: OtlpAttributes, version: string, at: number): string {
    const period = { startTimeUnixNano: nanos(this.startedAt), timeUnixNano: nanos(at) };
    const point = (value: number, attributes: OtlpAttributes = {}) => ({
      ...{ attributes: listed(attributes), timeUnixNano: period.timeUnixNano, asInt: String(value) },
    });
    const gauge = (name: string, unit: string, dataPoints: readonly object[]) =>
      dataPoints.length === 0 ? [] : [{ name, unit, gauge: { dataPoints } }];
    const ofQueues = (count: (queue: (typeof this.queues)[number]) => number | undefined) =>
      this.queues.flatMap((queue) => {
        const value = count(queue);
        return value === undefined ? [] : [point(value, { 'conductor.queue': queue.name })];
      });
    const metrics = [
      ...this.sums(period),
      ...distribution('conductor.job.wait', this.waits, period),
      ...distribution('conductor.job.duration', this.durations, period),
      ...gauge('conductor.worker.running', '{job}', [point(this.running)]),
      ...gauge('conductor.worker.places', '{job}', this.places === undefined ? [] : [point(this.places)]),
      ...gauge(
        'conductor.queue.depth',
        '{job}',
        ofQueues(({ waiting }) => waiting),
      ),
      ...gauge(
        'conductor.queue.running',
        '{job}',
        ofQueues(({ running }) => running),
      ),
      ...gauge(
        'conductor.queue.oldest',
        's',
        ofQueues(({ waitsMs }) => Math.round((waitsMs ?? 0) / 1000)),
      ),
    ];
    this.queues = [];
    const scope = { name: 'conductor', version };
    return JSON.stringify({
      resourceMetrics: [{ resource: { attributes: listed(resource) }, scopeMetrics: [{ scope, metrics }] }],
    });
  }

  private sums(period: object) {
    const dataPoints = [...this.ended.values()].map(({ attributes, count }) => ({
      ...{ attributes: listed(attributes), ...period, asInt: String(count) },
    }));
    if (dataPoints.length === 0) return [];
    const sum = { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints };
    return [{ name: 'conductor.jobs', unit: '{job}', sum }];
  }
}

function measure(all: Map<string, Distribution>, attributes: OtlpAttributes, ms: number): void {
  const seconds = ms / 1000;
  const name = JSON.stringify(attributes);
  const one = all.get(name) ?? { attributes, counts: Array<number>(BOUNDS.length + 1).fill(0), sum: 0 };
  const at = BOUNDS.findIndex((bound) => seconds <= bound);
  const bucket = at < 0 ? BOUNDS.length : at;
  one.counts[bucket] = (one.counts[bucket] ?? 0) + 1;
  one.sum += seconds;
  all.set(name, one);
}

function distribution(name: string, all: ReadonlyMap<string, Distribution>, period: object) {
  if (all.size === 0) return [];
  const dataPoints = [...all.values()].map(({ attributes, counts, sum }) => ({
    attributes: listed(attributes),
    ...period,
    count: String(counts.reduce((a, b) => a + b, 0)),
    sum,
    explicitBounds: BOUNDS,
    bucketCounts: counts.map(String),
  }));
  return [{ name, unit: 's', histogram: { aggregationTemporality: CUMULATIVE, dataPoints } }];
}
