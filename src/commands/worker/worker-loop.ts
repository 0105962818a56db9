/** The loop of a worker: takes a job for each free place, and says what goes on. Opens and closes nothing. */

import { availableParallelism, loadavg } from 'node:os';
import { withinAfter } from '../../base/within.js';
import type { JobFate, JobRunner } from '../../execution/queue/job-runner.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import { type JobSource, WORKER_BEAT_MS } from '../../io/queue/job-source.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import type { Label } from '../../model/task.js';

export interface WorkerOptions {
  /** Jobs at the same time. Default: `workers` of the config. */
  readonly concurrency?: number;
  /** Ends when the queue has no job for it any more. */
  readonly drain: boolean;
  /** Serves a store of parcels at this `<host>:<port>`. Absent: none. */
  readonly store?: string;
  /** First: no new job, those that run are finished. */
  readonly signal: AbortSignal;
  /** Then: what runs goes back to the queue. */
  readonly stop: AbortSignal;
  on(event: WorkerEvent): void;
}

export type WorkerEvent =
  | {
      readonly type: 'worker.ready';
      readonly queue: string;
      readonly name: string;
      readonly concurrency: number;
    }
  | { readonly type: 'store.ready'; readonly address: string }
  | { readonly type: 'job.started'; readonly task: Label }
  | {
      readonly type: 'job.ended';
      readonly task: Label;
      readonly fate: JobFate;
      readonly ms: number;
      readonly why?: string;
    }
  /** The queue's server refuses to give jobs. It is asked again. */
  | { readonly type: 'worker.warning'; readonly message: string }
  | { readonly type: 'worker.stopping'; readonly running: number };

interface LoopParts {
  readonly source: JobSource;
  readonly runner: JobRunner;
  readonly concurrency: number;
  readonly options: WorkerOptions;
  now(): number;
}

/** Takes a job for each free place, and says what goes on. */
export class WorkerLoop {
  private readonly parts: LoopParts;
  private readonly running = new Map<TakenJob, Promise<void>>();
  private done = 0;
  private isDraining = false;
  /** Of the server, as it was told last. */
  private complaint: string | undefined;

  constructor(parts: LoopParts) {
    this.parts = parts;
  }

  async run(): Promise<number> {
    const { source, concurrency, options } = this.parts;
    const { signal, stop } = options;
    const onStop = () => {
      for (const job of this.running.keys()) job.release();
    };
    const onSignal = () => {
      this.isDraining = true;
      options.on({ type: 'worker.stopping', running: this.running.size });
      void this.announce();
    };
    signal.addEventListener('abort', onSignal, { once: true });
    stop.addEventListener('abort', onStop, { once: true });
    const beat = setInterval(() => void this.announce(), WORKER_BEAT_MS);
    try {
      await this.announce();
      while (!signal.aborted) {
        const job = this.running.size < concurrency ? await this.next() : undefined;
        if (job) {
          this.start(job);
          continue;
        }
        if (options.drain && this.running.size === 0) break;
        await source.untilCalled(signal);
      }
      await Promise.all(this.running.values());
      return this.done;
    } finally {
      clearInterval(beat);
      signal.removeEventListener('abort', onSignal);
      stop.removeEventListener('abort', onStop);
    }
  }

  private start(job: TakenJob): void {
    const { options, now } = this.parts;
    const { label: task } = job.data;
    const startedAt = now();
    options.on({ type: 'job.started', task });
    const work = this.fateOf(job).then(({ fate, why }) => {
      this.running.delete(job);
      // A place that becomes free is used at once.
      this.parts.source.call();
      if (fate === 'done' || fate === 'failed') this.done++;
      const ms = now() - startedAt;
      options.on({ type: 'job.ended', task, fate, ms, ...(why === undefined ? {} : { why }) });
    });
    this.running.set(job, work);
    void this.announce();
  }

  /** A server that refuses a command ends the work on this job, and on no other. */
  private async fateOf(job: TakenJob): Promise<{ readonly fate: JobFate; readonly why?: string }> {
    try {
      return await this.parts.runner.run(job);
    } catch (error) {
      job.lose();
      return { fate: 'lost', why: error instanceof Error ? error.message : String(error) };
    }
  }

  /** The next job; undefined when there is none, when the worker is stopped, or when the server refuses to give one. */
  private async next(): Promise<TakenJob | undefined> {
    const { source, options } = this.parts;
    const taking = source.take();
    try {
      const job = await withinAfter(taking, AWAY_MS, options.signal);
      if (job !== 'late') {
        this.complaint = undefined;
        return job;
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== this.complaint) options.on({ type: 'worker.warning', message });
      this.complaint = message;
      return undefined;
    }
    // A server that was away gives it after the end: it is another worker's.
    void taking.then((job) => job?.giveBack()).catch(() => undefined);
    return undefined;
  }

  private async announce(): Promise<void> {
    const running = [...this.running.keys()].map(({ data }) => data.label);
    const { done, isDraining } = this;
    const load = (loadavg()[0] ?? 0) / availableParallelism();
    await this.parts.source.announce({ running, done, load, isDraining }).catch(() => undefined);
  }
}
