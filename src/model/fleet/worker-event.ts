/** What a worker says of itself while it runs: to people, and to a collector of metrics. */

import type { Label } from '../task.js';
import type { QueueState } from './job.js';

/** What became of a job on one worker. */
export type JobFate = 'done' | 'failed' | 'refused' | 'cancelled' | 'lost' | 'given-back';

/** A part of a worker's work on a job that the events of its run do not tell of. */
export interface JobPhase {
  /** `fetch`: the run, its files and the place for it; `run`: the task itself; `send`: the outcome, until the queue has it. */
  readonly name: 'fetch' | 'run' | 'send';
  readonly ms: number;
}

export type WorkerEvent =
  | {
      readonly type: 'worker.ready';
      readonly queue: string;
      readonly name: string;
      readonly concurrency: number;
    }
  | { readonly type: 'store.ready'; readonly address: string }
  | {
      readonly type: 'job.started';
      readonly task: Label;
      readonly queue: string;
      /** Milliseconds since it was handed in. */
      readonly waitedMs: number;
    }
  | {
      readonly type: 'job.ended';
      readonly task: Label;
      readonly queue: string;
      readonly fate: JobFate;
      readonly ms: number;
      readonly phases: readonly JobPhase[];
      /** Of the task in the build that asked for it. Absent: that build sends no spans. */
      readonly traceparent?: string;
      readonly why?: string;
    }
  /** The queue's server refuses to give jobs. It is asked again. */
  | { readonly type: 'worker.warning'; readonly message: string }
  /** One worker of the fleet at a time looks. */
  | { readonly type: 'fleet.seen'; readonly queues: readonly QueueState[] }
  | { readonly type: 'worker.stopping'; readonly running: number };
