/**
 * A worker's side of the queue: takes jobs that it can do, one for each free place, renews their locks, and delivers
 * answers. Does not run any.
 */

import { randomUUID } from 'node:crypto';
import type { Job as BullJob, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { BuildEventBody } from '../../model/event.js';
import {
  type Job,
  type JobAnswer,
  type JobNews,
  needsProblem,
  type QueueNeeds,
  type WorkerInfo,
} from '../../model/fleet/job.js';
import { ignore, type QueueConnection } from './connection.js';
import {
  announceWorker,
  channelOf,
  jobKeys,
  QUEUES,
  removeWorker,
  WORKER_SECONDS,
  workersIn,
} from './keys.js';

export interface SourceOptions {
  readonly worker: Omit<WorkerInfo, 'running' | 'done' | 'load' | 'isDraining'>;
  readonly lockMs: number;
  /** How often a job may be lost before it has failed. */
  readonly losses: number;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

/** Entries of a job's log: more are the lines of a program that prints without end. */
const MAX_NEWS = 5000;
const NEWS_SECONDS = 24 * 60 * 60;
/** Milliseconds after which a free worker looks again although nobody called it. */
const LOOK_MS = 1000;
/** Milliseconds that a job rests which this worker cannot do: others look at it meanwhile. */
const REFUSED_MS = 1000;

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
  private wake: () => void = () => {};
  private woken: Promise<void> = Promise.resolve();
  private known = false;

  private constructor(connection: QueueConnection, options: SourceOptions) {
    this.connection = connection;
    this.options = options;
    this.calls = connection.another();
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
    // What was called while the connection was away is looked for.
    source.calls.on('ready', () => source.wake());
    await source.calls.subscribe(wake, channelOf(connection.prefix, 'cancel'));
    return source;
  }

  /** The next job that this worker can do; undefined when there is none now. */
  async take(): Promise<TakenJob | undefined> {
    await this.openQueues();
    for (const { worker } of this.queues.values()) {
      const token = randomUUID();
      const job = (await worker.getNextJob(token, { block: false })) as BullJob<Job> | undefined;
      if (!job) continue;
      const taken = new TakenJob({
        ...this.connection,
        ...this.options,
        job,
        token,
        drop: () => this.taken.delete(job.data.key),
      });
      this.taken.set(job.data.key, taken);
      if ((await this.connection.redis.exists(jobKeys(this.connection.prefix, job.data.key).cancelled)) === 1)
        taken.cancel();
      return taken;
    }
    return undefined;
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

  async close(): Promise<void> {
    const { redis, prefix } = this.connection;
    await removeWorker(redis, prefix, this.options.worker.id).catch(ignore);
    await Promise.allSettled([...this.queues.values()].map(({ worker }) => worker.close(true)));
    this.calls.disconnect();
    redis.disconnect();
  }

  private rest(): void {
    this.woken = new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** Queues come into being with the first build that uses them. */
  private async openQueues(): Promise<void> {
    if (this.known) return;
    this.known = true;
    const { sdk, redis, prefix } = this.connection;
    const all = await redis.hgetall(`${prefix}:${QUEUES}`);
    for (const [name, text] of Object.entries(all)) {
      const needs = JSON.parse(text) as QueueNeeds;
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
      await worker.waitUntilReady();
      await worker.startStalledCheckTimer();
      this.queues.set(name, { needs, worker });
    }
  }
}

interface TakenParts extends Pick<QueueConnection, 'redis' | 'prefix'>, SourceOptions {
  readonly job: BullJob<Job>;
  readonly token: string;
  drop(): void;
}

/** A job that this worker holds the lock of. */
export class TakenJob {
  /** Aborted when nobody waits for it any more, or when another worker may have it. */
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly parts: TakenParts;
  private seq = 0;
  private isLost = false;

  constructor(parts: TakenParts) {
    this.parts = parts;
    this.signal = this.controller.signal;
  }

  get data(): Job {
    return this.parts.job.data;
  }

  /** What names the lock: the queue, the job and this run of it. */
  get lock(): { readonly queue: string; readonly id: string; readonly token: string } {
    return { queue: this.parts.job.queueName, id: this.data.key, token: this.parts.token };
  }

  /** When it was handed in: another time for each time that a build asks for it anew. */
  get handedInAt(): number {
    return this.parts.job.timestamp;
  }

  /** Another run of it has begun before. */
  get isRepeated(): boolean {
    const { attemptsStarted, stalledCounter } = this.parts.job;
    return attemptsStarted > 1 || stalledCounter > 0;
  }

  /** It is to go back to the queue when its run has ended. */
  isGivenBack = false;

  cancel(): void {
    this.controller.abort();
  }

  /** Ends its run here, so that another worker does it. */
  release(): void {
    this.isGivenBack = true;
    this.controller.abort();
  }

  /** The lock is another's: what this run makes is stored, and nothing of it is told or delivered. */
  lose(): void {
    this.isLost = true;
    this.controller.abort();
  }

  /** Renews the lock; false when it is lost. An unreachable server is no loss: the lock may still be held. */
  async renew(): Promise<boolean> {
    const { job, token, lockMs } = this.parts;
    try {
      if ((await job.extendLock(token, lockMs)) === 1) return true;
    } catch (error) {
      if (!/lock/i.test(String(error))) return true;
    }
    this.lose();
    return false;
  }

  async tell(events: readonly BuildEventBody[]): Promise<void> {
    if (this.isLost) return;
    const { redis, prefix, worker, token } = this.parts;
    const news: JobNews = { job: this.data.key, run: token, seq: ++this.seq, worker: worker.host, events };
    const text = JSON.stringify(news);
    const log = jobKeys(prefix, this.data.key).news;
    await redis
      .multi()
      .xadd(log, 'MAXLEN', '~', MAX_NEWS, '*', 'news', text)
      .expire(log, NEWS_SECONDS)
      .publish(channelOf(prefix, 'news'), text)
      .exec();
  }

  /** `lost`: another worker has the job by now, and its answer is the one that counts. */
  async deliver(answer: JobAnswer): Promise<'delivered' | 'lost'> {
    return this.finish((job, token) => job.moveToCompleted(answer, token, false));
  }

  /** The job has failed as a job: no worker will do it. */
  async fail(reason: string): Promise<'delivered' | 'lost'> {
    return this.finish((job, token) => job.moveToFailed(new Error(reason), token, false));
  }

  /** Others may be able to do it. When all workers have refused it, it has failed. */
  async refuse(reason: string): Promise<void> {
    const { redis, prefix, worker } = this.parts;
    const { refused } = jobKeys(prefix, this.data.key);
    await redis
      .multi()
      .hset(refused, worker.id, `${worker.host}: ${reason}`)
      .expire(refused, NEWS_SECONDS)
      .exec();
    const reasons = await redis.hgetall(refused);
    const live = await workersIn(redis, prefix);
    const open = live.filter(({ id, isDraining }) => !isDraining && reasons[id] === undefined);
    if (open.length === 0) {
      await redis.del(refused);
      await this.fail(`refused by all workers: ${[...new Set(Object.values(reasons))].join('; ')}`);
      return;
    }
    await this.finish((job, token) => job.moveToDelayed(this.parts.now() + REFUSED_MS, token));
  }

  /** Gives the job back at once, for another worker or another time. */
  async giveBack(): Promise<void> {
    await this.finish((job, token) => job.moveToWait(token));
    await this.parts.redis.publish(channelOf(this.parts.prefix, 'wake'), this.parts.job.queueName);
  }

  private async finish(
    move: (job: BullJob<Job>, token: string) => Promise<unknown>,
  ): Promise<'delivered' | 'lost'> {
    const { job, token, drop } = this.parts;
    drop();
    if (this.isLost) return 'lost';
    try {
      await move(job, token);
      return 'delivered';
    } catch (error) {
      if (/lock|Missing key/i.test(String(error))) return 'lost';
      throw error;
    }
  }
}

export const WORKER_BEAT_MS = (WORKER_SECONDS * 1000) / 3;
