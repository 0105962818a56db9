/** A build's side of the queue: hands jobs in, hears what becomes of them, cancels them. Does not run any. */

import { randomUUID } from 'node:crypto';
import type { Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { within, withinAfter } from '../../base/within.js';
import {
  isJob,
  type Job,
  type JobNews,
  type QueueLimits,
  type QueueNeeds,
  queueName,
} from '../../model/fleet/job.js';
import { isObjectId } from '../../model/tree.js';
import { AwaitedJob, type HandedJob, type JobEnd, type JobListener } from './awaited-job.js';
import { AWAY_MS, CONNECT_MS, ignore, isRefusal, type QueueConnection } from './connection.js';
import { buildKey, channelOf, DAY_SECONDS, jobKeys, QUEUES, workersIn } from './keys.js';
import { NewsReader, newsOf } from './news-reader.js';

interface LeftJob {
  /** Of parcels that nobody needs any more. */
  readonly names: readonly string[];
}

export interface EndedJob<T> extends LeftJob {
  readonly end: JobEnd;
  readonly value: T | undefined;
}

interface OpenQueue {
  readonly queue: Queue;
  readonly events: QueueEvents;
}

/** Milliseconds more for a server that is there and slow. */
const SLOW_MS = 15_000;
const HEARTBEAT_MS = 10_000;
const ALIVE_SECONDS = 35;
const NOT_LEFT: LeftJob = { names: [] };
/** Removes those of the keys that have this value. */
const FORGET = `for _, name in ipairs(KEYS) do
  if redis.call('GET', name) == ARGV[1] then redis.call('DEL', name) end
end`;

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
    board.news.on('message', (_, text) => board.hear(newsOf(text)));
    // A server that does not answer now is waited for by each job, which a person can stop.
    await within(board.news.subscribe(channelOf(connection.prefix, 'news')), CONNECT_MS);
    // A server that refuses this command refuses each job, too: there the reason is said.
    await within(board.beat().catch(ignore), CONNECT_MS);
    return board;
  }

  /** Opens the queue of jobs that will soon be handed in: workers look at it meanwhile. A fault is told by the job. */
  prepare(needs: QueueNeeds, limits: QueueLimits): void {
    this.open(needs, limits).catch(ignore);
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
    const { redis, prefix } = this.connection;
    const news = new NewsReader(redis, jobKeys(prefix, key).news, listener.onNews);
    const hear = (one: JobNews) => void news.hear(one);
    const heard = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, heard.add(hear));
    let end: JobEnd = { kind: 'cancelled' };
    let value: T | undefined;
    try {
      const awaited = await this.orStopped(this.await(handed, listener), listener);
      if (awaited !== 'late') end = await awaited.ended();
      if (awaited !== 'late' && end.kind === 'answered') {
        await this.orStopped(news.catchUp(), listener);
        await this.orStopped(awaited.findPayer(), listener);
        value = await receive(end.answer.parcel);
      }
    } catch (error) {
      if (!isRefusal(error)) throw error;
      end = { kind: 'failed', reason: `the queue refuses it: ${error.message}` };
    } finally {
      heard.delete(hear);
      if (heard.size === 0) this.listeners.delete(key);
    }
    if (end.kind === 'answered' && value === undefined && listener.signal.aborted) {
      // The next build takes this answer.
      await this.orStopped(this.isAlone(key), listener).catch(ignore);
      return { end: { kind: 'cancelled' }, value, ...NOT_LEFT };
    }
    const leaving = this.leave(handed, end, listener).catch((error: unknown) => {
      if (isRefusal(error)) return NOT_LEFT;
      throw error;
    });
    let left = await this.orStopped(leaving, listener);
    // A server that is only slow still hears that nobody waits: else a worker goes on for nobody.
    if (left === 'late' && redis.status === 'ready') left = await within(leaving, SLOW_MS);
    return { end, value, ...(left === 'late' ? NOT_LEFT : left) };
  }

  /** Jobs of many that wait or run, or whose answer nobody has removed, by the keys of their tasks that are asked for. */
  async batchesOf(
    { needs, limits }: Pick<HandedJob, 'needs' | 'limits'>,
    keys: readonly string[],
  ): Promise<Map<string, Job>> {
    const { redis, prefix } = this.connection;
    const ids = await redis.mget(keys.map((key) => jobKeys(prefix, key).batch));
    const found = new Map<string, Job>();
    if (ids.every((id) => id === null)) return found;
    const { queue } = await this.open(needs, limits);
    const jobs = new Map<string, unknown>();
    for (const id of new Set(ids)) if (id !== null) jobs.set(id, (await queue.getJob(id))?.data);
    for (const [i, key] of keys.entries()) {
      const job = jobs.get(ids[i] ?? '');
      if (isJob(job) && job.tasks?.some((task) => task.key === key)) found.set(key, job);
    }
    return found;
  }

  /** So that other builds, and the next one, find the job of many in which tasks travel. */
  async nameBatch(keys: readonly string[], id: string): Promise<void> {
    const { redis, prefix } = this.connection;
    const multi = redis.pipeline();
    for (const key of keys) multi.set(jobKeys(prefix, key).batch, id, 'EX', DAY_SECONDS);
    await multi.exec();
  }

  /** A task that travels in another job meanwhile is found there still. */
  async forgetBatch(keys: readonly string[], id: string): Promise<void> {
    const { redis, prefix } = this.connection;
    const names = keys.map((key) => jobKeys(prefix, key).batch);
    await redis.eval(FORGET, names.length, ...names, id);
  }

  /** Whether some live worker could take a job with these needs, and how many others there are. */
  async workers() {
    return workersIn(this.connection.redis, this.connection.prefix);
  }

  /** A server that is away keeps nobody from ending. */
  async close(): Promise<void> {
    clearInterval(this.heart);
    const { redis, prefix } = this.connection;
    const closing = [...this.queues.values()].map(async (open) => {
      const { queue, events } = await open;
      await Promise.allSettled([queue.close(), events.close()]);
    });
    const all = Promise.allSettled([...closing, redis.del(buildKey(prefix, this.id))]);
    await within(all, AWAY_MS);
    for (const open of this.queues.values())
      void open
        .then(({ queue, events }) => Promise.all([queue.disconnect(), events.disconnect()]))
        .catch(ignore);
    this.news.disconnect();
    redis.disconnect();
  }

  private async await(handed: HandedJob, listener: JobListener): Promise<AwaitedJob> {
    const open = await this.open(handed.needs, handed.limits);
    const { redis, prefix } = this.connection;
    const { waiting } = jobKeys(prefix, handed.job.key);
    await redis.sadd(waiting, this.id);
    await redis.expire(waiting, DAY_SECONDS);
    return new AwaitedJob({ ...open, redis, prefix, id: this.id, handed, listener });
  }

  /** While the server is away a command waits for it, but not longer than a person who stops the build. */
  private orStopped<T>(work: Promise<T>, { signal }: JobListener): Promise<T | 'late'> {
    return withinAfter(work, AWAY_MS, signal);
  }

  private async leave(handed: HandedJob, end: JobEnd, listener: JobListener): Promise<LeftJob> {
    const { queue } = await this.open(handed.needs, handed.limits);
    const { key, parcel } = handed.job;
    const { news, waiting, payer, cancelled } = jobKeys(this.connection.prefix, key);
    const { redis, prefix } = this.connection;
    const job = await queue.getJob(key);
    // That of another build, on which this one's run does not travel.
    const run: unknown = job?.data?.parcel;
    const isOwn = job === undefined || run === parcel;
    const isAlone = await this.isAlone(key);
    if (end.kind === 'answered') {
      const { answer } = end;
      if (!isAlone) return { names: isOwn ? [] : [parcel] };
      await queue.remove(key);
      await redis.del(news, waiting, payer);
      return { names: [parcel, answer.parcel, answer.name, ...(isObjectId(run) ? [run] : [])] };
    }
    if (!isAlone) {
      // One of those that stay counts what it costs from now on.
      if ((await redis.get(payer)) === this.id) await redis.del(payer);
      return { names: isOwn ? [] : [parcel] };
    }
    if (!listener.signal.aborted) {
      if ((await job?.getState()) === 'failed') await queue.remove(key);
      return { names: [parcel] };
    }
    if (listener.leaves()) return NOT_LEFT;
    // Without anybody who waits for it, a job is not worth its price.
    const isGone = await job?.remove().then(
      () => true,
      () => false,
    );
    if (isGone === false) {
      await redis.set(cancelled, '1', 'EX', DAY_SECONDS);
      await redis.publish(channelOf(prefix, 'cancel'), key);
    } else await redis.del(news, waiting, payer);
    return { names: [parcel] };
  }

  /** Whether no other live build waits for the job. A build that was killed leaves its jobs to finish. */
  private async isAlone(key: string): Promise<boolean> {
    const { redis, prefix } = this.connection;
    const { waiting } = jobKeys(prefix, key);
    await redis.srem(waiting, this.id);
    for (const other of await redis.smembers(waiting))
      if ((await redis.exists(buildKey(prefix, other))) === 1) return false;
    return true;
  }

  private open(needs: QueueNeeds, limits: QueueLimits): Promise<OpenQueue> {
    const name = queueName(needs);
    let open = this.queues.get(name);
    if (!open) {
      open = this.openQueue(name, needs, limits);
      // The next job tries again where the server has refused it.
      open.catch(() => this.queues.delete(name));
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

  private hear(news: JobNews | undefined): void {
    if (!news) return;
    for (const listener of this.listeners.get(news.job) ?? []) listener(news);
  }

  private async beat(): Promise<void> {
    await this.connection.redis.set(buildKey(this.connection.prefix, this.id), '1', 'EX', ALIVE_SECONDS);
  }
}
