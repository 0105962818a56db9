/** The loop of a worker: takes a job for each free place, and says what goes on. Opens and closes nothing. */

import { availableParallelism, loadavg } from 'node:os';
import { withinAfter } from '../../base/within.js';
import type { JobEnded, JobRunner } from '../../execution/queue/job-runner.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import { type JobSource, WORKER_BEAT_MS } from '../../io/queue/job-source.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import { jobSize } from '../../model/fleet/job.js';
import type { WorkerEvent } from '../../model/fleet/worker-event.js';

export interface WorkerOptions {
  /** Jobs at the same time. Default: `workers` of the config. */
  readonly concurrency?: number;
  /** Ends when the queue has no job for it any more. */
  readonly drain: boolean;
  /** Serves a store of parcels at this `<host>:<port>`. Absent: none. */
  readonly store?: string;
  /** Milliseconds between two looks at all queues of the project, of all its workers together. Absent: it does not look. */
  readonly fleetMs?: number;
  /** First: no new job, those that run are finished. */
  readonly signal: AbortSignal;
  /** Then: what runs goes back to the queue. */
  readonly stop: AbortSignal;
  on(event: WorkerEvent): void;
}

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
  /** Those of them that have been run, and whose result is on its way: they take no place. */
  private readonly sending = new Set<TakenJob>();
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
    const looks =
      options.fleetMs === undefined ? undefined : setInterval(() => void this.look(), options.fleetMs);
    try {
      await this.announce();
      while (!signal.aborted) {
        const job = this.hasPlace(concurrency) ? await this.next() : undefined;
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
      clearInterval(looks);
      signal.removeEventListener('abort', onSignal);
      stop.removeEventListener('abort', onStop);
    }
  }

  /** While results cannot be sent, jobs are taken only until as many wait as run. */
  private hasPlace(concurrency: number): boolean {
    const { running, sending } = this;
    return running.size - sending.size < concurrency && running.size < 2 * concurrency;
  }

  private start(job: TakenJob): void {
    const { options, now } = this.parts;
    const { label: task, traceparent } = job.data;
    const { queue } = job.lock;
    const startedAt = now();
    options.on({ type: 'job.started', task, queue, waitedMs: Math.max(0, startedAt - job.handedInAt) });
    const work = this.fateOf(job).then((ended) => {
      const { fate } = ended;
      this.running.delete(job);
      this.sending.delete(job);
      // A place that becomes free is used at once.
      this.parts.source.call();
      if (fate === 'done' || fate === 'failed') this.done += jobSize(job.data);
      const ms = now() - startedAt;
      options.on({
        ...{ type: 'job.ended', task, queue, ms, ...ended },
        ...(traceparent === undefined ? {} : { traceparent }),
      });
    });
    this.running.set(job, work);
    void this.announce();
  }

  /** A server that refuses a command ends the work on this job, and on no other. */
  private async fateOf(job: TakenJob): Promise<JobEnded> {
    try {
      return await this.parts.runner.run(job, () => {
        this.sending.add(job);
        this.parts.source.call();
      });
    } catch (error) {
      job.lose();
      return { fate: 'lost', phases: [], why: error instanceof Error ? error.message : String(error) };
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

  /** What it cannot see now it sees the next time. */
  private async look(): Promise<void> {
    const { source, options, now } = this.parts;
    const fleet = await source.fleet(options.fleetMs ?? 0, now()).catch(() => undefined);
    if (fleet) options.on({ type: 'fleet.seen', queues: fleet.queues });
  }

  private async announce(): Promise<void> {
    const running = [...this.running.keys()]
      .filter((job) => !this.sending.has(job))
      .map(({ data }) => data.label);
    const { done, isDraining } = this;
    const load = (loadavg()[0] ?? 0) / availableParallelism();
    await this.parts.source.announce({ running, done, load, isDraining }).catch(() => undefined);
  }
}
