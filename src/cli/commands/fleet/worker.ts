/** `conductor worker`: runs tasks for builds on other machines. */

import { hostname } from 'node:os';
import { runWorker } from '../../../commands/worker/worker.js';
import type { WorkerEvent } from '../../../model/fleet/worker-event.js';
import { duration, plural } from '../../../report/style.js';
import { print, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

interface WorkerFlags {
  readonly concurrency?: number;
  readonly drain?: boolean;
  readonly store?: string;
  readonly json?: boolean;
}

/** Milliseconds after a signal until what still runs goes back to the queue. */
const FINISH_MS = 60 * 60 * 1000;

export async function runWorkerCommand(flags: WorkerFlags): Promise<number> {
  const signals = cancelOnSignals();
  const stop = new AbortController();
  const onSignal = () => setTimeout(() => stop.abort(), FINISH_MS).unref();
  signals.signal.addEventListener('abort', onSignal, { once: true });
  try {
    const namesCollector = Object.keys(process.env).some((name) => name.startsWith('OTEL_EXPORTER_OTLP'));
    const telemetry = namesCollector
      ? (await import('../../telemetry/worker-telemetry.js')).openWorkerTelemetry(
          process.env,
          `${hostname()}:${process.pid}`,
        )
      : undefined;
    const done = await runWorker(createHost(process.cwd()), {
      ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
      drain: flags.drain === true,
      ...(flags.store === undefined ? {} : { store: flags.store }),
      signal: signals.signal,
      stop: stop.signal,
      ...(telemetry?.fleetMs === undefined ? {} : { fleetMs: telemetry.fleetMs }),
      on: (event) => {
        telemetry?.on(event);
        if (event.type === 'fleet.seen') return;
        // One line each: a program reads them while the worker runs, and a failure may follow them.
        print(flags.json ? JSON.stringify(event) : lineOf(event));
      },
    });
    await telemetry?.close();
    if (!done.ok) return refuse(done.error);
    const were = done.value === 1 ? 'was' : 'were';
    if (!flags.json) print(`${plural(done.value, 'task')} ${were} run to the end`);
    return 0;
  } finally {
    signals.stop();
  }
}

function lineOf(event: Exclude<WorkerEvent, { type: 'fleet.seen' }>): string {
  switch (event.type) {
    case 'worker.ready':
      return `${event.name} takes ${plural(event.concurrency, 'task')} at a time from the queue of ${event.queue}`;
    case 'store.ready':
      return `serves a store at ${event.address}`;
    case 'job.started':
      return `started ${event.task}`;
    case 'job.ended':
      return `${event.fate} ${event.task} (${duration(event.ms)})${event.why === undefined ? '' : `: ${event.why}`}`;
    case 'worker.warning':
      return `takes no tasks now: the queue's server says ${event.message}`;
    case 'worker.stopping':
      return `takes no more tasks; ${event.running} still ${event.running === 1 ? 'runs' : 'run'}`;
  }
}
