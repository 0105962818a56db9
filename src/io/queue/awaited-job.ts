/** One job that a build waits for: hands it in, hears its end, and looks it up where an end may have been missed. */

import type { Queue, QueueEvents } from 'bullmq';
import {
  CANCELLED,
  isJobAnswer,
  type Job,
  type JobAnswer,
  type JobNews,
  type QueueLimits,
  type QueueNeeds,
} from '../../model/fleet/job.js';
import { ignore, type QueueConnection } from './connection.js';
import { buildKey, channelOf, DAY_SECONDS, jobKeys } from './keys.js';

export interface HandedJob {
  readonly job: Job;
  readonly needs: QueueNeeds;
  readonly limits: QueueLimits;
  /** Milliseconds of work that waits for it: the longest way goes first. */
  readonly priority: number;
  /** It is another build's, and is only waited for: where it is not there any more, it has failed. */
  readonly isOthers?: true;
}

export type JobEnd =
  | { readonly kind: 'answered'; readonly answer: JobAnswer }
  /** No worker could run it to its end. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'cancelled' };

export interface JobListener {
  /** The parcel of an answer that could not be fetched: it counts only when the job has been run once more. */
  readonly mistrusted?: string;
  /**
   * The job is in the queue. `pays`: this build counts its costs. Of the builds that wait for one job, only one does;
   * another one takes over when it leaves.
   */
  onHanded(pays: boolean): void;
  onNews(news: JobNews): void;
  readonly signal: AbortSignal;
  /** Asked when it is cancelled: whether the job goes on without this build. */
  leaves(): boolean;
}

interface AwaitedParts extends Pick<QueueConnection, 'redis' | 'prefix'> {
  readonly queue: Queue;
  readonly events: QueueEvents;
  /** Names the build among those that wait. */
  readonly id: string;
  readonly handed: HandedJob;
  readonly listener: JobListener;
}

/** BullMQ's lowest priority; the smallest number goes first. */
const LAST = 2 ** 21 - 1;
/** Milliseconds of remaining work that one step of priority stands for: 20 days fit. */
const STEP_MS = 1000;
/** How often a job is looked up whose end may have been missed, as when the server lost it. */
const LOOK_MS = 5000;
/** A build that looks a failed job up must still find why. */
const FAILED_SECONDS = 10 * 60;

/** Makes a build (ARGV[1]) the one that pays for a job (KEYS[1]), unless a live one (its key begins with ARGV[2]) does. */
const PAY = `
local payer = redis.call('get', KEYS[1])
if payer == ARGV[1] then return 1 end
if payer and redis.call('exists', ARGV[2] .. payer) == 1 then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1`;

export class AwaitedJob {
  private readonly parts: AwaitedParts;
  private pays = true;
  private isOver = false;
  private isFirst = true;
  private looks = 0;
  private turn: Promise<void> = Promise.resolve();
  private finish: (end: JobEnd) => void = () => {};

  constructor(parts: AwaitedParts) {
    this.parts = parts;
  }

  async ended(): Promise<JobEnd> {
    const { events, handed, listener } = this.parts;
    const { key } = handed.job;
    const { signal } = listener;
    const end = new Promise<JobEnd>((resolve) => {
      this.finish = (found) => {
        this.isOver = true;
        resolve(found);
      };
    });
    const onCompleted = ({ returnvalue }: { returnvalue: unknown }) => {
      if (!isJobAnswer(returnvalue))
        this.finish({ kind: 'failed', reason: 'its answer is not one of a worker' });
      // The event of an answer that has been looked up before comes late.
      else if (returnvalue.parcel !== listener.mistrusted)
        this.finish({ kind: 'answered', answer: returnvalue });
    };
    const onFailed = ({ failedReason }: { failedReason: string }) => {
      // Another build has cancelled the job while this one joined it.
      if (failedReason === CANCELLED) this.look().catch(ignore);
      else this.finish({ kind: 'failed', reason: failedReason });
    };
    const onAbort = () => this.finish({ kind: 'cancelled' });
    // A server that restarts without a log has lost the job: it is handed in again under the same id.
    const timer = setInterval(() => this.looks > 0 || this.look().catch(ignore), LOOK_MS);
    events.on(`completed:${key}` as 'completed', onCompleted);
    events.on(`failed:${key}` as 'failed', onFailed);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) return { kind: 'cancelled' };
      return await Promise.race([end, this.look().then(() => end)]);
    } finally {
      this.isOver = true;
      clearInterval(timer);
      events.off(`completed:${key}` as 'completed', onCompleted);
      events.off(`failed:${key}` as 'failed', onFailed);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Before the costs of an answer are counted: the build that paid may have left without it. */
  async findPayer(): Promise<void> {
    if (this.pays) return;
    const { redis, prefix, id, handed, listener } = this.parts;
    const { payer } = jobKeys(prefix, handed.job.key);
    if ((await redis.set(payer, id, 'EX', DAY_SECONDS, 'NX')) === 'OK') listener.onHanded(true);
  }

  /** One after the other: two at once could both hand the job in. */
  private look(): Promise<void> {
    this.looks++;
    const look = this.turn.then(() => this.lookUp());
    this.turn = look.catch(ignore).then(() => {
      this.looks--;
    });
    return look;
  }

  private async lookUp(): Promise<void> {
    if (this.isOver) return;
    const found = await this.handIn();
    this.isFirst = false;
    if (this.isOver) return;
    if (typeof found === 'object') return this.finish(found);
    this.pays = found === 'new' || (await this.takesOver());
    if (!this.isOver) this.parts.listener.onHanded(this.pays);
  }

  /** `joined`: the job waits or runs already. An end: it has been run. */
  private async handIn(): Promise<'new' | 'joined' | JobEnd> {
    const { queue, redis, prefix, id, handed, listener } = this.parts;
    const { job, priority, isOthers } = handed;
    const found = await queue.getJob(job.key);
    if (found) {
      const state = await found.getState();
      const answer = isJobAnswer(found.returnvalue) ? found.returnvalue : undefined;
      // What failed before this build asked, or was not there, is tried again; what it waited for is its end.
      const counts = answer && (!this.isFirst || (answer.ok && answer.parcel !== listener.mistrusted));
      if (state === 'completed' && counts) return { kind: 'answered', answer };
      if (state === 'failed' && !this.isFirst && found.failedReason !== CANCELLED)
        return { kind: 'failed', reason: found.failedReason };
      if (state !== 'completed' && state !== 'failed' && state !== 'unknown') return 'joined';
      if (this.isOver) return 'joined';
      if (!isOthers) await found.remove().catch(ignore);
    }
    if (isOthers) return { kind: 'failed', reason: 'it is not there any more' };
    const { news, cancelled, refused, payer } = jobKeys(prefix, job.key);
    await redis.del(news, cancelled, refused);
    // Nobody waits any more: a job that is handed in now would be run for nobody.
    if (this.isOver) return 'joined';
    await redis.set(payer, id, 'EX', DAY_SECONDS);
    if (this.isOver) return 'joined';
    await queue.add(job.label, job, {
      jobId: job.key,
      priority: Math.max(1, LAST - Math.round(priority / STEP_MS)),
      removeOnComplete: { age: DAY_SECONDS },
      removeOnFail: { age: FAILED_SECONDS },
    });
    await redis.publish(channelOf(prefix, 'wake'), queue.name);
    return 'new';
  }

  private async takesOver(): Promise<boolean> {
    const { redis, prefix, id, handed } = this.parts;
    const { payer } = jobKeys(prefix, handed.job.key);
    return (await redis.eval(PAY, 1, payer, id, buildKey(prefix, ''), DAY_SECONDS)) === 1;
  }
}
