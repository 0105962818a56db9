/**
 * Connects to Redis with the two packages that users install beside conductor for a queue. Knows the names of keys, and
 * no job.
 */

import type { Queue, QueueEvents, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { err, ok, type Result } from '../../base/result.js';
import { within } from '../../base/within.js';
import { withoutCredentials } from '../../model/address.js';
import type { Failure } from '../../model/failure.js';
import { codeOf } from '../files.js';

export interface QueueSdk {
  readonly Queue: typeof Queue;
  readonly QueueEvents: typeof QueueEvents;
  readonly Worker: typeof Worker;
  readonly Redis: typeof Redis;
}

export interface QueueConnection {
  readonly sdk: QueueSdk;
  readonly redis: Redis;
  /** With the password: it goes to no log, and to no other machine. */
  readonly url: string;
  /** Of all keys of the project. */
  readonly prefix: string;
  /** Another connection to the same server, for reads that wait. */
  another(): Redis;
}

/** Milliseconds that a server which is away keeps what is to end. */
export const AWAY_MS = 5000;
/** Milliseconds that the first connection may take. */
export const CONNECT_MS = 10_000;

/** Fails with `queue-failed` when there is no server, and with `usage` when a package is missing. */
export async function connectQueue(url: string, prefix: string): Promise<Result<QueueConnection, Failure>> {
  const sdk = await loadSdk();
  if (!sdk) {
    return err({
      kind: 'usage',
      message: 'a queue needs the packages bullmq and ioredis, and one of them is not installed',
      hint: '`npm install bullmq@5 ioredis@5` beside conductor, or remove `execution` from the config',
    });
  }
  const options = { maxRetriesPerRequest: null, enableReadyCheck: true, connectTimeout: CONNECT_MS } as const;
  const redis = new sdk.Redis(url, { ...options, lazyConnect: true, retryStrategy: () => null });
  redis.on('error', ignore);
  try {
    const answered = redis.connect().then(() => redis.ping());
    if ((await within(answered, CONNECT_MS)) === 'late') throw new Error('it does not answer');
  } catch (error) {
    redis.disconnect();
    return err({ kind: 'queue-failed', queue: withoutCredentials(url), detail: plain(error) });
  }
  // Once it was there it is waited for: a server that restarts loses no build.
  redis.options.retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2000);
  const another = () => {
    const more = new sdk.Redis(url, options);
    more.on('error', ignore);
    return more;
  };
  return ok({ sdk, redis, url, prefix: `conductor:{${encodeURIComponent(prefix)}}`, another });
}

async function loadSdk(): Promise<QueueSdk | undefined> {
  try {
    const [bullmq, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]);
    const { Queue, QueueEvents, Worker } = bullmq;
    return { Queue, QueueEvents, Worker, Redis: ioredis.Redis };
  } catch (error) {
    if (codeOf(error) === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** The server's words without an address that could hold a password. */
function plain(error: unknown): string {
  return withoutCredentials(error instanceof Error ? error.message : String(error));
}

/** The server answered a command with an error: it has no memory left, or is a read-only copy. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Connections are made again by themselves; a listener keeps the loss of one from ending the process. */
export function ignore(): void {}
