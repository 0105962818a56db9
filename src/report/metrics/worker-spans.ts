/** What a worker did for builds, as spans in the traces of those builds. */

import type { WorkerEvent } from '../../model/fleet/worker-event.js';
import { idOf, parentOf, type Span, spanBodies } from './otlp-spans.js';
import type { OtlpAttributes } from './otlp-values.js';

/** Spans that wait for the next request, at most: the oldest go first. */
const MOST = 20_000;

export class WorkerSpans {
  private spans: Span[] = [];
  private readonly worker: string;
  private count = 0;

  /** `worker`: names it among all. */
  constructor(worker: string) {
    this.worker = worker;
  }

  /** `at`: milliseconds since 1970, UTC. */
  on(event: WorkerEvent, at: number): void {
    if (event.type !== 'job.ended') return;
    const parent = parentOf(event.traceparent);
    if (!parent) return;
    const { trace } = parent;
    const from = at - event.ms;
    const id = () => idOf(`${trace} ${this.worker} ${from} ${++this.count}`, 16);
    const common = { 'conductor.task': event.task, 'conductor.worker': this.worker };
    const job: Span = {
      ...{ trace, name: 'job', id: id(), parent: parent.span, from, to: at, isConsumer: true },
      attributes: {
        ...common,
        'messaging.system': 'bullmq',
        'messaging.operation.type': 'process',
        'messaging.destination.name': event.queue,
        'conductor.fate': event.fate,
      },
      ...(event.fate === 'done' ? {} : { failed: event.why ?? event.fate }),
    };
    let start = from;
    const phases = event.phases.map(({ name, ms }) => {
      const begin = start;
      start += ms;
      return { trace, name, id: id(), parent: job.id, from: begin, to: start, attributes: common };
    });
    this.spans.push(job, ...phases);
    if (this.spans.length > MOST) this.spans.splice(0, this.spans.length - MOST);
  }

  /** Those since the last call, as bodies of requests. */
  take(resource: OtlpAttributes, version: string): string[] {
    return spanBodies(this.spans.splice(0), resource, version);
  }
}
