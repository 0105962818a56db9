/** A job that a worker has taken: its lock, what is told of it, and how it ends. Takes none. */

import type { Job as BullJob } from 'bullmq';
import type { BuildEventBody } from '../../model/event.js';
import {
  type Job,
  type JobAnswer,
  type JobNews,
  needsProblem,
  type QueueNeeds,
  type WorkerInfo,
} from '../../model/fleet/job.js';
import type { QueueConnection } from './connection.js';
import { channelOf, DAY_SECONDS, jobKeys, workersIn } from './keys.js';
import type { HeldLock } from './lock-keeper.js';

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
/** Milliseconds that a job rests which this worker cannot do: others look at it meanwhile. */
const REFUSED_MS = 1000;

interface TakenParts extends Pick<QueueConnection, 'redis' | 'prefix'>, SourceOptions {
  readonly job: BullJob<Job>;
  readonly needs: QueueNeeds;
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
  get lock(): HeldLock {
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

  /** A worker that had it is gone, perhaps because of what is in it. */
  get isTakenUp(): boolean {
    return this.parts.job.stalledCounter > 0;
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
    this.parts.drop();
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
      .expire(log, DAY_SECONDS)
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
    const { redis, prefix, worker, needs } = this.parts;
    const { refused } = jobKeys(prefix, this.data.key);
    await redis
      .multi()
      .hset(refused, worker.id, `${worker.host}: ${reason}`)
      .expire(refused, DAY_SECONDS)
      .exec();
    const reasons = await redis.hgetall(refused);
    const live = await workersIn(redis, prefix);
    const open = live.filter(
      (one) => !one.isDraining && reasons[one.id] === undefined && needsProblem(needs, one) === undefined,
    );
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
