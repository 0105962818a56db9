/** The names of what stands in Redis beside BullMQ's own keys, and the list of live workers. */

import type { Redis } from 'ioredis';
import type { WorkerInfo } from '../../model/fleet/job.js';

/** Hash of all queues that builds have used: name to needs. */
export const QUEUES = 'queues';
const WORKERS = 'workers';
/** Seconds that the server keeps what belongs to one job, at most. */
export const DAY_SECONDS = 24 * 60 * 60;
/** Seconds that a worker counts as alive without a word. */
export const WORKER_SECONDS = 15;

/**
 * `news`: what runs say; `wake`: there is a new job or queue; `cancel`: nobody waits for a job any more.
 */
export type Channel = 'news' | 'wake' | 'cancel';

export const channelOf = (prefix: string, channel: Channel): string => `${prefix}:channel:${channel}`;

/** Exists while a build lives. */
export const buildKey = (prefix: string, id: string): string => `${prefix}:build:${id}`;

export function jobKeys(prefix: string, job: string) {
  return {
    /** Builds that wait for it. */
    waiting: `${prefix}:job:${job}:waiting`,
    /** The one of them that counts its costs. */
    payer: `${prefix}:job:${job}:payer`,
    cancelled: `${prefix}:job:${job}:cancelled`,
    /** Stream of everything that its runs have said. */
    news: `${prefix}:job:${job}:news`,
    /** Workers that cannot do it, with the reason. */
    refused: `${prefix}:job:${job}:refused`,
    /** The id of the job of many in which this task travels. */
    batch: `${prefix}:job:${job}:batch`,
  };
}

/** What a text from the server says; undefined where it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function announceWorker(redis: Redis, prefix: string, info: WorkerInfo): Promise<void> {
  await redis
    .multi()
    .sadd(`${prefix}:${WORKERS}`, info.id)
    .set(`${prefix}:worker:${info.id}`, JSON.stringify(info), 'EX', WORKER_SECONDS)
    .exec();
}

export async function removeWorker(redis: Redis, prefix: string, id: string): Promise<void> {
  await redis.multi().srem(`${prefix}:${WORKERS}`, id).del(`${prefix}:worker:${id}`).exec();
}

/** The workers that live, the oldest first. */
export async function workersIn(redis: Redis, prefix: string): Promise<WorkerInfo[]> {
  const ids = await redis.smembers(`${prefix}:${WORKERS}`);
  if (ids.length === 0) return [];
  const texts = await redis.mget(ids.map((id) => `${prefix}:worker:${id}`));
  const dead = ids.filter((_, i) => !texts[i]);
  if (dead.length > 0) await redis.srem(`${prefix}:${WORKERS}`, ...dead);
  return texts
    .flatMap((text) => (text ? ((parsed(text) as WorkerInfo | null | undefined) ?? []) : []))
    .sort((a, b) => a.since - b.since);
}
