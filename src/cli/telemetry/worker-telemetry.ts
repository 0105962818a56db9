/**
 * Sends metrics of a worker and of its queues, and the spans of its jobs, to the collectors that the standard variables of
 * OpenTelemetry name. A collector that is away costs a warning.
 */

import type { WorkerEvent } from '../../model/fleet/worker-event.js';
import { WorkerMetrics } from '../../report/metrics/worker-metrics.js';
import { WorkerSpans } from '../../report/metrics/worker-spans.js';
import { printWarning } from '../output.js';
import { VERSION } from '../version.js';
import { openCollector } from './collector.js';

export interface WorkerTelemetry {
  /** How often the queues are to be looked at; undefined where nobody takes metrics. */
  readonly fleetMs: number | undefined;
  on(event: WorkerEvent): void;
  /** Sends what is left. */
  close(): Promise<void>;
}

/** As OpenTelemetry has it where no variable says more. */
const INTERVAL_MS = 60_000;

/** Undefined where no variable names a collector. `worker` names it among all. */
export function openWorkerTelemetry(env: NodeJS.ProcessEnv, worker: string): WorkerTelemetry | undefined {
  const [traces, metrics] = [openCollector(env, 'TRACES'), openCollector(env, 'METRICS')];
  if (!traces && !metrics) return undefined;
  const interval = Number(env.OTEL_METRIC_EXPORT_INTERVAL);
  const everyMs = Number.isSafeInteger(interval) && interval > 0 ? interval : INTERVAL_MS;
  const resource = {
    'service.name': env.OTEL_SERVICE_NAME || 'conductor',
    'service.version': VERSION,
    'service.instance.id': worker,
  };
  const spans = new WorkerSpans(worker);
  const numbers = new WorkerMetrics(Date.now());
  let told: string | undefined;
  const send = async () => {
    const problems = await Promise.all([
      traces?.send(spans.take(resource, VERSION)),
      metrics?.send([numbers.body(resource, VERSION, Date.now())]),
    ]);
    const problem = problems.find((one) => one !== undefined);
    if (problem !== undefined && problem !== told)
      printWarning(`the metrics or spans of this worker were not taken by the collector: ${problem}`);
    told = problem;
  };
  let turn = Promise.resolve();
  const next = () => {
    turn = turn.then(send);
    return turn;
  };
  const timer = setInterval(() => void next(), everyMs);
  timer.unref();
  return {
    fleetMs: metrics && everyMs,
    on(event) {
      numbers.on(event);
      if (traces) spans.on(event, Date.now());
    },
    close() {
      clearInterval(timer);
      return next();
    },
  };
}
