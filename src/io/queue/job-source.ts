/**
 * A worker's side of the queue: takes jobs that it can do, one for each free place, renews their locks, and delivers
 * answers. Does not run any.
 */

import { randomUUID } from 'node:crypto';
import type { Job as BullJob, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { within } from '../../base/within.js';
import {
  type FleetState,
  type Job,
  needsProblem,
  type QueueNeeds,
  type WorkerInfo,
} from '../../model/fleet/job.js';
import { AWAY_MS, CONNECT_MS, ignore, type QueueConnection } from './connection.js';
import { fleetIn } from './fleet-state.js';
import { announceWorker, channelOf, jobKeys, parsed, QUEUES, removeWorker, WORKER_SECONDS } from './keys.js';
import { LockKeeper } from './lock-keeper.js';
import { type SourceOptions, TakenJob } from './taken-job.js';

/** Milliseconds after which a free worker looks again although nobody called it. */
const LOOK_MS = 1000;

interface OpenQueue {
  readonly needs: QueueNeeds;
  readonly worker: Worker;
}

export class JobSource {
  private readonly connection: QueueConnection;
  readonly options: SourceOptions;
  private readonly queues = new Map<string, OpenQueue>();
  private readonly calls: Redis;
  private readonly taken = new Map<string, TakenJob>();
  private readonly keeper: LockKeeper | undefined;
  private readonly renewal: NodeJS.Timeout;
  private wake: () => void = () => {};
  private woken: Promise<void> = Promise.resolve();
  private known = false;

  private constructor(connection: QueueConnection, options: SourceOptions) {
    this.connection = connection;
    this.options = options;
    this.calls = connection.another();
    const { url, prefix } = connection;
    this.keeper = LockKeeper.open({ url, prefix, lockMs: options.lockMs }, (lock) => {
      const job = this.taken.get(lock.id);
      if (job?.lock.token === lock.token) job.lose();
    });
    this.renewal = setInterval(() => this.renew(), options.lockMs / 3);
    this.rest();
  }

  static async open(connection: QueueConnection, options: SourceOptions): Promise<JobSource> {
    const source = new JobSource(connection, options);
    const wake = channelOf(connection.prefix, 'wake');
    source.calls.on('message', (channel, text) => {
      if (channel !== wake) return source.taken.get(text)?.cancel();
      source.known &&= source.queues.has(text);
      source.wake();
    });
    const listen = async () => {
      await source.calls.subscribe(wake, channelOf(connection.prefix, 'cancel'));
      await source.lookUnheard();
    };
    source.calls.on('ready', () => void listen().catch(ignore));
    // It listens once the server answers.
    await within(listen(), CONNECT_MS);
    return source;
  }

  /** The next job that this worker can do; undefined when there is none now. */
  async take(): Promise<TakenJob | undefined> {
    await this.openQueues();
    for (const [name, open] of this.queues) {
      const { needs, worker } = open;
      const token = randomUUID();
      const job = (await worker.getNextJob(token, { block: false })) as BullJob<Job> | undefined;
      if (!job) continue;
      // The others go first the next time: what fills this one does not keep them waiting.
      this.queues.delete(name);
      this.queues.set(name, open);
      const taken = new TakenJob({
        ...this.connection,
        ...this.options,
        job,
        needs,
        token,
        drop: () => this.drop(taken),
      });
      // A former run of it here, which has lost its lock without having noticed.
      this.taken.get(job.data.key)?.lose();
      this.taken.set(job.data.key, taken);
      this.keeper?.hold(taken.lock);
      try {
        await this.lookCancelled(taken);
      } catch (error) {
        // Nobody runs it: without a loss its lock would be renewed as long as this worker lives.
        taken.lose();
        throw error;
      }
      return taken;
    }
    return undefined;
  }

  /** Ends a wait for a new job. */
  call(): void {
    this.wake();
  }

  /** Waits until there may be a new job. */
  async untilCalled(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const timer = setTimeout(this.wake, LOOK_MS);
    signal.addEventListener('abort', this.wake, { once: true });
    await this.woken;
    clearTimeout(timer);
    signal.removeEventListener('abort', this.wake);
    this.rest();
  }

  async announce(state: Pick<WorkerInfo, 'running' | 'done' | 'load' | 'isDraining'>): Promise<void> {
    const { redis, prefix } = this.connection;
    await announceWorker(redis, prefix, { ...this.options.worker, ...state });
  }

  /** All queues and workers of the project; undefined when another worker has looked in these milliseconds. */
  async fleet(everyMs: number, now: number): Promise<FleetState | undefined> {
    const { redis, prefix } = this.connection;
    const key = `${prefix}:seen`;
    const { id } = this.options.worker;
    // The one that looked last looks again.
    const isOurs =
      (await redis.set(key, id, 'PX', 2 * everyMs, 'NX')) === 'OK' || (await redis.get(key)) === id;
    if (!isOurs) return undefined;
    await redis.pexpire(key, 2 * everyMs);
    return fleetIn(this.connection, now);
  }

  async close(): Promise<void> {
    const { redis, prefix } = this.connection;
    clearInterval(this.renewal);
    await this.keeper?.close();
    const closing = [...this.queues.values()].map(({ worker }) => worker.close(true));
    const all = Promise.allSettled([removeWorker(redis, prefix, this.options.worker.id), ...closing]);
    // A server that is away keeps no worker from ending.
    await within(all, AWAY_MS);
    for (const { worker } of this.queues.values()) void worker.disconnect().catch(ignore);
    this.calls.disconnect();
    redis.disconnect();
  }

  /** Looks for what was called while the connection was away. */
  private async lookUnheard(): Promise<void> {
    this.known = false;
    this.wake();
    for (const job of this.taken.values()) await this.lookCancelled(job);
  }

  private async lookCancelled(job: TakenJob): Promise<void> {
    const { redis, prefix } = this.connection;
    if ((await redis.exists(jobKeys(prefix, job.data.key).cancelled)) === 1) job.cancel();
  }

  private drop(job: TakenJob): void {
    this.keeper?.drop(job.lock);
    if (this.taken.get(job.data.key) === job) this.taken.delete(job.data.key);
  }

  /** Where there is no thread for it. */
  private renew(): void {
    if (!this.keeper) for (const job of this.taken.values()) void job.renew();
  }

  private rest(): void {
    this.woken = new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** Queues come into being with the first build that uses them. */
  private async openQueues(): Promise<void> {
    if (this.known) return;
    // Before it looks: a queue that is called meanwhile is looked for the next time.
    this.known = true;
    try {
      await this.openUnknown();
    } catch (error) {
      this.known = false;
      throw error;
    }
  }

  private async openUnknown(): Promise<void> {
    const { sdk, redis, prefix } = this.connection;
    const all = await redis.hgetall(`${prefix}:${QUEUES}`);
    for (const [name, text] of Object.entries(all)) {
      const needs = parsed(text) as QueueNeeds | null | undefined;
      if (!needs) continue;
      const self = { ...this.options.worker, load: 0, isDraining: false };
      if (this.queues.has(name) || needsProblem(needs, self) !== undefined) continue;
      const { lockMs, losses } = this.options;
      const worker = new sdk.Worker(name, null, {
        connection: redis,
        prefix,
        autorun: false,
        lockDuration: lockMs,
        stalledInterval: Math.max(250, lockMs / 2),
        maxStalledCount: losses,
        skipVersionCheck: true,
      });
      worker.on('error', ignore);
      try {
        await worker.waitUntilReady();
        await worker.startStalledCheckTimer();
      } catch (error) {
        void worker.close(true).catch(ignore);
        throw error;
      }
      this.queues.set(name, { needs, worker });
    }
  }
}

export const WORKER_BEAT_MS = (WORKER_SECONDS * 1000) / 3;
