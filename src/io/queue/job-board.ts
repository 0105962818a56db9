/** A build's side of the queue: hands jobs in, hears what becomes of them, cancels them. Does not run any. */

import { randomUUID } from 'node:crypto';
import type { Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import {
  isJobAnswer,
  type Job,
  type JobAnswer,
  type JobNews,
  type QueueLimits,
  type QueueNeeds,
  queueName,
} from '../../model/fleet/job.js';
import { ignore, type QueueConnection } from './connection.js';
import { channelOf, jobKeys, QUEUES, workersIn } from './keys.js';
import { NewsReader } from './news-reader.js';

export interface HandedJob {
  readonly job: Job;
  readonly needs: QueueNeeds;
  readonly limits: QueueLimits;
  /** Milliseconds of work that waits for it: the longest way goes first. */
  readonly priority: number;
}

export type JobEnd =
  | { readonly kind: 'answered'; readonly answer: JobAnswer }
  /** No worker could run it to its end. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'cancelled' };

export interface EndedJob<T> {
  readonly end: JobEnd;
  /** Nobody else waits for it. */
  readonly isLast: boolean;
  /** Under which the answer stands on the other side. */
  readonly names: readonly string[];
  readonly value: T | undefined;
}

export interface JobListener {
  /** The parcel of an answer that could not be fetched: it does not count again. */
  readonly mistrusted?: string;
  /** The job was there already: another build has asked for it, and pays. */
  onJoined(): void;
  onNews(news: JobNews): void;
  readonly signal: AbortSignal;
  /** Asked when it is cancelled: whether the job goes on without this build. */
  leaves(): boolean;
}

interface OpenQueue {
  readonly queue: Queue;
  readonly events: QueueEvents;
}

/** BullMQ's lowest priority; the smallest number goes first. */
const LAST = 2 ** 21 - 1;
/** Milliseconds of remaining work that one step of priority stands for: 20 days fit. */
const STEP_MS = 1000;
const HEARTBEAT_MS = 10_000;
const ALIVE_SECONDS = 35;
/** How often a job is looked up whose end may have been missed, as when the server lost it. */
const LOOK_MS = 5000;
const DAY_SECONDS = 24 * 60 * 60;

export class JobBoard {
  private readonly connection: QueueConnection;
  private readonly queues = new Map<string, Promise<OpenQueue>>();
  private readonly listeners = new Map<string, Set<(news: JobNews) => void>>();
  private readonly id = randomUUID();
  private readonly news: Redis;
  private readonly heart: NodeJS.Timeout;

  private constructor(connection: QueueConnection) {
    this.connection = connection;
    this.news = connection.another();
    this.heart = setInterval(() => void this.beat().catch(ignore), HEARTBEAT_MS);
    this.heart.unref();
  }

  static async open(connection: QueueConnection): Promise<JobBoard> {
    const board = new JobBoard(connection);
    board.news.on('message', (_, text) => board.hear(JSON.parse(text) as JobNews));
    await board.news.subscribe(channelOf(connection.prefix, 'news'));
    await board.beat();
    return board;
  }

  /**
   * Runs a job, or waits for the one that another build has handed in under the same key. `receive` fetches what an answer
   * names, before anybody may remove it.
   */
  async run<T>(
    handed: HandedJob,
    listener: JobListener,
    receive: (parcel: string) => Promise<T>,
  ): Promise<EndedJob<T>> {
    const { key } = handed.job;
    const { queue, events } = await this.open(handed.needs, handed.limits);
    const { redis, prefix } = this.connection;
    const keys = jobKeys(prefix, key);
    const news = new NewsReader(redis, keys.news, listener.onNews);
    const hear = (one: JobNews) => void news.hear(one);
    const heard = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, heard.add(hear));
    await redis.multi().sadd(keys.waiting, this.id).expire(keys.waiting, DAY_SECONDS).exec();
    let end: JobEnd = { kind: 'cancelled' };
    let value: T | undefined;
    try {
      end = await this.ended({ queue, events }, handed, listener);
      if (end.kind === 'answered') {
        await news.catchUp();
        value = await receive(end.answer.parcel);
      }
    } finally {
      heard.delete(hear);
    }
    if (end.kind !== 'answered') {
      const isLast = await this.abandon(queue, key, listener);
      return { end, isLast, names: [], value };
    }
    return { end, isLast: await this.leave(queue, key), names: [end.answer.parcel, end.answer.name], value };
  }

  /** Whether some live worker could take a job with these needs, and how many others there are. */
  async workers() {
    return workersIn(this.connection.redis, this.connection.prefix);
  }

  async close(): Promise<void> {
    clearInterval(this.heart);
    for (const open of this.queues.values()) {
      const { queue, events } = await open;
      await Promise.allSettled([queue.close(), events.close()]);
    }
    this.news.disconnect();
    await this.connection.redis.del(this.aliveKey(this.id)).catch(ignore);
    this.connection.redis.disconnect();
  }

  private async ended(open: OpenQueue, handed: HandedJob, listener: JobListener): Promise<JobEnd> {
    const { queue, events } = open;
    const id = handed.job.key;
    const { signal } = listener;
    return new Promise<JobEnd>((resolve, reject) => {
      const finish = (end: JobEnd) => {
        events.off(`completed:${id}` as 'completed', onCompleted);
        events.off(`failed:${id}` as 'failed', onFailed);
        signal.removeEventListener('abort', onAbort);
        clearInterval(look);
        resolve(end);
      };
      const onCompleted = ({ returnvalue }: { returnvalue: unknown }) =>
        finish(
          isJobAnswer(returnvalue)
            ? { kind: 'answered', answer: returnvalue }
            : { kind: 'failed', reason: 'its answer is not one of a worker' },
        );
      const onFailed = ({ failedReason }: { failedReason: string }) =>
        finish({ kind: 'failed', reason: failedReason });
      const onAbort = () => finish({ kind: 'cancelled' });
      const again = async (isFirst: boolean) => {
        const found = await this.handIn(queue, handed, listener.mistrusted);
        if (found === 'joined' && isFirst) listener.onJoined();
        if (typeof found === 'object') finish({ kind: 'answered', answer: found });
      };
      // A server that restarts without a log has lost it: it is handed in again under the same id.
      const look = setInterval(() => void again(false).catch(ignore), LOOK_MS);
      events.on(`completed:${id}` as 'completed', onCompleted);
      events.on(`failed:${id}` as 'failed', onFailed);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) return onAbort();
      again(true).catch((error: unknown) => {
        finish({ kind: 'cancelled' });
        reject(error);
      });
    });
  }

  /** `joined`: it waits or runs already. An answer: it has been run, and its result stands. */
  private async handIn(
    queue: Queue,
    { job, priority }: HandedJob,
    mistrusted: string | undefined,
  ): Promise<'new' | 'joined' | JobAnswer> {
    const found = await queue.getJob(job.key);
    if (found) {
      const state = await found.getState();
      const answer = isJobAnswer(found.returnvalue) ? found.returnvalue : undefined;
      if (state === 'completed' && answer?.ok && answer.parcel !== mistrusted) return answer;
      if (state !== 'completed' && state !== 'failed' && state !== 'unknown') return 'joined';
      // It failed for a build that has ended: this one tries again.
      await found.remove().catch(ignore);
    }
    const { news, cancelled, refused } = jobKeys(this.connection.prefix, job.key);
    await this.connection.redis.del(news, cancelled, refused);
    await queue.add(job.label, job, {
      jobId: job.key,
      priority: Math.max(1, LAST - Math.round(priority / STEP_MS)),
      removeOnComplete: { age: DAY_SECONDS },
      removeOnFail: true,
    });
    await this.connection.redis.publish(channelOf(this.connection.prefix, 'wake'), queue.name);
    return 'new';
  }

  /** Whether nobody else waits for the job. An answer that the last one has is kept no longer. */
  private async leave(queue: Queue, key: string): Promise<boolean> {
    if (!(await this.isAlone(key))) return false;
    const { news, waiting } = jobKeys(this.connection.prefix, key);
    await queue.remove(key);
    await this.connection.redis.del(news, waiting);
    return true;
  }

  private async isAlone(key: string): Promise<boolean> {
    const { redis, prefix } = this.connection;
    const { waiting } = jobKeys(prefix, key);
    await redis.srem(waiting, this.id);
    for (const other of await redis.smembers(waiting))
      if ((await redis.exists(this.aliveKey(other))) === 1) return false;
    return true;
  }

  /**
   * Without anybody who waits for it, a job is not worth its price; a build that was killed leaves its jobs to finish.
   * Returns whether the job is over.
   */
  private async abandon(queue: Queue, key: string, listener: JobListener): Promise<boolean> {
    const isAlone = await this.isAlone(key);
    if (!isAlone) return false;
    if (!listener.signal.aborted) return true;
    if (listener.leaves()) return false;
    const { redis, prefix } = this.connection;
    const job = await queue.getJob(key);
    const isGone = await job?.remove().then(
      () => true,
      () => false,
    );
    if (isGone !== false) return true;
    await redis.set(jobKeys(prefix, key).cancelled, '1', 'EX', DAY_SECONDS);
    await redis.publish(channelOf(prefix, 'cancel'), key);
    return true;
  }

  private open(needs: QueueNeeds, limits: QueueLimits): Promise<OpenQueue> {
    const name = queueName(needs);
    let open = this.queues.get(name);
    if (!open) {
      open = this.openQueue(name, needs, limits);
      this.queues.set(name, open);
    }
    return open;
  }

  private async openQueue(name: string, needs: QueueNeeds, limits: QueueLimits): Promise<OpenQueue> {
    const { sdk, redis, prefix } = this.connection;
    const queue = new sdk.Queue(name, { connection: redis, prefix, skipVersionCheck: true });
    queue.on('error', ignore);
    await queue.waitUntilReady();
    const [last] = (await redis.xrevrange(`${prefix}:${name}:events`, '+', '-', 'COUNT', 1)) as [
      [string, string[]] | undefined,
    ];
    const lastEventId = last?.[0] ?? '0-0';
    const options = { connection: redis, prefix, lastEventId, skipVersionCheck: true };
    const events = new sdk.QueueEvents(name, options);
    events.on('error', ignore);
    events.setMaxListeners(0);
    await events.waitUntilReady();
    if (limits.atOnce === undefined) await queue.removeGlobalConcurrency();
    else await queue.setGlobalConcurrency(limits.atOnce);
    if (limits.perMinute === undefined) await queue.removeGlobalRateLimit();
    else await queue.setGlobalRateLimit(limits.perMinute, 60_000);
    await redis.hset(`${prefix}:${QUEUES}`, name, JSON.stringify(needs));
    await redis.publish(channelOf(prefix, 'wake'), name);
    return { queue, events };
  }

  private hear(news: JobNews): void {
    for (const listener of this.listeners.get(news.job) ?? []) listener(news);
  }

  private aliveKey(id: string): string {
    return `${this.connection.prefix}:build:${id}`;
  }

  private async beat(): Promise<void> {
    await this.connection.redis.set(this.aliveKey(this.id), '1', 'EX', ALIVE_SECONDS);
  }
}
