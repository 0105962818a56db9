/** What a queue misses, repeats or forges: ends, jobs and calls that nobody hears of, and messages that are none, on a real Redis. */

import { EventEmitter } from 'node:events';
import type { QueueEvents } from 'bullmq';
import { expect, test } from 'vitest';
import { AwaitedJob, type JobEnd } from '../../io/queue/awaited-job.js';
import { connectQueue, type QueueConnection } from '../../io/queue/connection.js';
import { JobBoard } from '../../io/queue/job-board.js';
import { JobSource } from '../../io/queue/job-source.js';
import { channelOf, jobKeys, QUEUES } from '../../io/queue/keys.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import { type Job, type QueueNeeds, queueName } from '../../model/fleet/job.js';
import { until } from '../rig/command-line.js';
import { agentTasks, createQueueRig, onlyJob } from './queue-rig.js';
import { hasRedis, RedisServer } from './redis-server.js';

const queueTest = test.skipIf(!hasRedis());
const NEEDS: QueueNeeds = { kind: 'agent', protocol: 1, version: '1.0.0', labels: [] };
const PARCEL = 'a'.repeat(40);

async function connected(redis: RedisServer): Promise<QueueConnection> {
  const found = await connectQueue(redis.url, 'test');
  if (!found.ok) throw new Error(JSON.stringify(found.error));
  return found.value;
}

const jobOf = (key: string): Job => ({
  ...{ protocol: 1, version: '1.0.0', label: `f/${key}`, key, parcel: PARCEL, base: PARCEL, build: 'one' },
});

async function sourceOf(redis: RedisServer, id: string, lockMs: number): Promise<JobSource> {
  return JobSource.open(await connected(redis), {
    worker: {
      ...{ id, host: id, pid: 1, version: '1.0.0', protocol: 1, platform: 'any', labels: [] },
      ...{ hasAgent: true, concurrency: 1, since: 0 },
    },
    ...{ lockMs, losses: 2, now: Date.now },
  });
}

async function nextJob(source: JobSource): Promise<TakenJob> {
  for (;;) {
    const job = await source.take();
    if (job) return job;
    await source.untilCalled(AbortSignal.timeout(60_000));
  }
}

/** Asks until the server refuses. */
async function takenOrRefused(source: JobSource): Promise<never> {
  for (;;) {
    await source.take();
    await source.untilCalled(AbortSignal.timeout(60_000));
  }
}

queueTest('a job whose end was missed is looked up, and is not run a second time', async () => {
  await using redis = await RedisServer.start();
  const connection = await connected(redis);
  const { sdk, redis: client, prefix } = connection;
  const name = queueName(NEEDS);
  await client.hset(`${prefix}:${QUEUES}`, name, JSON.stringify(NEEDS));
  const queue = new sdk.Queue(name, { connection: client, prefix, skipVersionCheck: true });
  const pays: boolean[] = [];
  const awaited = (key: string, mistrusted?: string): Promise<JobEnd> =>
    new AwaitedJob({
      // Of these, no event ever comes.
      ...{ queue, events: new EventEmitter() as unknown as QueueEvents, redis: client, prefix, id: 'one' },
      handed: { job: jobOf(key), needs: NEEDS, limits: {}, priority: 0 },
      listener: {
        onHanded: (isPayer) => pays.push(isPayer),
        ...{ onNews: () => {}, signal: new AbortController().signal, leaves: () => false },
        ...(mistrusted === undefined ? {} : { mistrusted }),
      },
    }).ended();
  const source = await sourceOf(redis, 'w', 60_000);
  try {
    const ends = [awaited('J1'), awaited('J2')];
    const answer = { parcel: PARCEL, name: 'done', worker: 'w', ok: false };
    for (let i = 0; i < 2; i++) {
      const job = await nextJob(source);
      if (job.data.key === 'J1') expect(await job.deliver(answer)).toBe('delivered');
      else expect(await job.fail('no such machine')).toBe('delivered');
    }
    expect(await Promise.all(ends)).toEqual([
      { kind: 'answered', answer },
      { kind: 'failed', reason: 'no such machine' },
    ]);
    expect(pays).toEqual([true, true]);
    const counts = await queue.getJobCounts('prioritized', 'waiting', 'active', 'delayed');
    expect(Object.values(counts).filter((count) => count > 0)).toEqual([]);
    // A build that asks anew tries what has failed before it again.
    const again = awaited('J2');
    expect(await (await nextJob(source)).fail('still none')).toBe('delivered');
    expect(await again).toEqual({ kind: 'failed', reason: 'still none' });
    // An answer that was not there is asked for once more; the same one counts then, since equal work has equal ids.
    const repeated = awaited('J1', PARCEL);
    expect(await (await nextJob(source)).deliver({ ...answer, ok: true })).toBe('delivered');
    expect(await repeated).toEqual({ kind: 'answered', answer: { ...answer, ok: true } });
  } finally {
    await source.close();
    await queue.close();
    client.disconnect();
  }
});

queueTest('messages that are none, and events that are not of the run, are passed over', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  agentTasks(fleet.rig, 'T1');
  const worker = await fleet.worker({ agent: 'held' });
  const build = fleet.rig.start({}, { tripwire: true });
  const run = await worker.agent.next('f/T1');
  const say = (text: string) => redis.cli('PUBLISH', 'conductor:{test}:channel:news', text);
  for (const text of [
    'no JSON',
    'null',
    '{"job":1}',
    '{"job":"x","run":"y","seq":1,"worker":"z","events":[null]}',
  ])
    say(text);
  const line = { type: 'task.output', attempt: 1, line: 'forged' };
  const events = [
    { type: 'build.finished', summary: {} },
    { ...line, task: 'f/T9' },
    { ...line, task: 'f/T1', line: 'of the run' },
  ];
  say(JSON.stringify({ job: onlyJob(redis), run: 'other', seq: 1, worker: 'z', events }));
  await build.until((story) => story.of('task.output').some((one) => one.line === 'of the run'));
  await run.write('T1.txt', 'T1 is made\n');
  run.finish();
  const story = await build.done;
  expect(story.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(story.of('build.finished').length).toBe(1);
  expect(story.of('task.output').filter((one) => one.line === 'forged')).toEqual([]);
});

queueTest('a job that comes back to the same worker ends the run of before, and not its own', async () => {
  await using redis = await RedisServer.start();
  const connection = await connected(redis);
  const board = await JobBoard.open(connection);
  const stop = new AbortController();
  const handed = { job: jobOf('J1'), needs: NEEDS, limits: {}, priority: 0 };
  const listener = { onHanded: () => {}, onNews: () => {}, signal: stop.signal, leaves: () => false };
  const ended = board.run(handed, listener, async () => 'received');
  const source = await sourceOf(redis, 'w', 60_000);
  // It looks for lost locks, and takes nothing.
  const watcher = await sourceOf(redis, 'watcher', 500);
  try {
    const first = await nextJob(source);
    const queue = queueName(NEEDS);
    expect(redis.cli('DEL', `${connection.prefix}:${queue}:J1:lock`)).toBe('1');
    // Two looks for lost locks are far apart, and the first worker has just had its own.
    redis.cli('DEL', `${connection.prefix}:${queue}:stalled-check`);
    // Opens its queues.
    const none = await watcher.take();
    const second = none ?? (await nextJob(source));
    expect(none).toBeUndefined();
    expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false]);
    expect(await first.deliver({ parcel: PARCEL, name: 'a', worker: 'w', ok: true })).toBe('lost');
    expect(await second.deliver({ parcel: PARCEL, name: 'b', worker: 'w', ok: true })).toBe('delivered');
    expect(await ended).toMatchObject({
      end: { kind: 'answered', answer: { name: 'b' } },
      value: 'received',
    });
    await until(
      'the job to be removed',
      () => redis.cli('EXISTS', `${connection.prefix}:${queue}:J1`) === '0',
    );
  } finally {
    stop.abort();
    await watcher.close();
    await source.close();
    await board.close();
  }
});

queueTest(
  'a queue that came into being unheard is found when the connection is back, or answers again',
  async () => {
    await using redis = await RedisServer.start();
    const source = await sourceOf(redis, 'w', 60_000);
    const connection = await connected(redis);
    const { sdk, redis: client, prefix } = connection;
    const queues = `${prefix}:${QUEUES}`;
    // As a build does it, except that nobody hears of it.
    const handIn = async (key: string, labels: readonly string[]) => {
      const needs = { ...NEEDS, labels };
      const queue = new sdk.Queue(queueName(needs), { connection: client, prefix, skipVersionCheck: true });
      await queue.add(key, jobOf(key), { jobId: key });
      await queue.close();
      await client.hset(queues, queueName(needs), JSON.stringify(needs));
    };
    try {
      expect(await source.take()).toBeUndefined();
      await handIn('J1', []);
      redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
      const first = await nextJob(source);
      expect(first.data.key).toBe('J1');
      await client.set(jobKeys(prefix, 'J1').cancelled, '1');
      redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await until('the job to be cancelled', () => first.signal.aborted);
      await client.del(queues);
      await client.set(queues, 'no hash');
      await client.publish(channelOf(prefix, 'wake'), 'another');
      await expect(takenOrRefused(source)).rejects.toThrow('WRONGTYPE');
      await client.del(queues);
      await handIn('J2', ['any']);
      expect((await nextJob(source)).data.key).toBe('J2');
    } finally {
      await source.close();
      client.disconnect();
    }
  },
);
