/** Which jobs a worker takes from a real Redis, and what becomes of one when a command is refused. */

import { expect, test } from 'vitest';
import { connectQueue } from '../../io/queue/connection.js';
import { JobBoard } from '../../io/queue/job-board.js';
import { JobSource } from '../../io/queue/job-source.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import { JOB_PROTOCOL } from '../../model/fleet/job.js';
import { hasRedis, RedisServer } from './redis-server.js';

const KEPT = { protocol: JOB_PROTOCOL, version: '1.0.0', labels: [] };
const PLATFORM = 'linux-x64';

async function connected(url: string) {
  const connection = await connectQueue(url, 'test');
  if (!connection.ok) throw new Error(connection.error.kind);
  return connection.value;
}

test.skipIf(!hasRedis())(
  'a worker takes from all queues in turn, and loses a job whose cancellation it cannot look up (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    const board = await JobBoard.open(await connected(redis.url));
    const builder = new AbortController();
    let handedIn = 0;
    const ends: Promise<unknown>[] = [];
    const hand = (key: string, kind: 'agent' | 'command') =>
      new Promise<void>((resolve) => {
        const needs = { ...KEPT, kind, ...(kind === 'command' ? { platform: PLATFORM } : {}) };
        const id = '1'.repeat(40);
        const job = {
          protocol: JOB_PROTOCOL,
          version: '1.0.0',
          build: 'b',
          label: 'f/T1',
          key,
          parcel: id,
          base: id,
        };
        const ended = board.run(
          { job, needs, limits: {}, priority: ++handedIn },
          { onHanded: () => resolve(), onNews: () => {}, signal: builder.signal, leaves: () => false },
          async () => undefined,
        );
        ends.push(ended);
      });
    await Promise.all([hand('a1', 'agent'), hand('a2', 'agent'), hand('a3', 'agent')]);
    await Promise.all([hand('c1', 'command'), hand('c2', 'command')]);

    const connection = await connected(redis.url);
    const self = {
      ...KEPT,
      id: 'w',
      host: 'w',
      pid: 1,
      platform: PLATFORM,
      hasAgent: true,
      concurrency: 4,
      since: 0,
    };
    const options = { worker: self, lockMs: 1000, losses: 5, now: Date.now };
    const source = await JobSource.open(connection, options);
    const isThere = connection.redis.exists;
    connection.redis.exists = () => Promise.reject(new Error('READONLY'));
    await expect(source.take()).rejects.toThrow('READONLY');
    connection.redis.exists = isThere;

    const taken: TakenJob[] = [];
    const next = async () => {
      const job = await source.take();
      if (job) taken.push(job);
      else await source.untilCalled(builder.signal);
    };
    while (taken.length < 2) await next();
    expect(new Set(taken.map(({ data }) => data.key[0]))).toEqual(new Set(['a', 'c']));
    // The one that was lost comes back when its lock has ended.
    while (new Set(taken.map(({ data }) => data.key)).size < 5) await next();
    expect(taken.some((job) => job.isRepeated)).toBe(true);
    builder.abort();
    await Promise.all(ends);
    await source.close();
    await board.close();
  },
  30_000,
);

test.skipIf(!hasRedis())(
  'a job of many that ends leaves the names of tasks that travel in another one (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    const board = await JobBoard.open(await connected(redis.url));
    await board.nameBatch(['k1', 'k2'], 'first');
    await board.nameBatch(['k2', 'k3'], 'second');
    await board.forgetBatch(['k1', 'k2'], 'first');
    const named = redis.cli('--scan', '--pattern', '*:batch').split('\n').filter(Boolean).sort();
    expect(named.map((name) => /job:(\w+):batch/.exec(name)?.[1])).toEqual(['k2', 'k3']);
    await board.close();
  },
  60_000,
);
