/** Waits for a queued task that must end, on a real Redis: other builds cancel or leave its job; a server refuses, is away or is silent. */

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { connectQueue } from '../../io/queue/connection.js';
import { until } from '../rig/command-line.js';
import { agentTasks, createQueueRig, joinedBuilds, onlyJob } from './queue-rig.js';
import { hasRedis, RedisServer } from './redis-server.js';

const queueTest = test.skipIf(!hasRedis());
const USAGE = { costUsd: 0.3, tokensIn: 10, tokensOut: 5 };

queueTest('a job that another build cancels while this one joins it is handed in again', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  agentTasks(fleet.rig, 'T1');
  const worker = await fleet.worker({ agent: 'held' });
  const build = fleet.rig.start({}, { tripwire: true });
  const first = await worker.agent.next('f/T1');
  redis.cli('PUBLISH', 'conductor:{test}:channel:cancel', onlyJob(redis));
  expect(await first.exit).toMatchObject({ failure: { kind: 'cancelled' } });
  const second = await worker.agent.next('f/T1');
  await second.write('T1.txt', 'T1 is made\n');
  second.finish();
  expect((await build.done).outcomes()).toEqual({ 'f/T1': 'built' });
});

queueTest('when the build that pays for a job leaves, one of those that stay pays', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  const { first, second, run } = await joinedBuilds(fleet);
  first.cancel();
  expect((await first.done).summary.usage).toEqual({});
  run.usage(USAGE);
  await run.write('T1.txt', 'T1 is made\n');
  run.finish();
  const { summary } = await second.done;
  expect([summary.counts.built, summary.usage]).toEqual([1, USAGE]);
});

queueTest('a server that refuses commands ends a task with its reason, and no worker', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  agentTasks(fleet.rig, 'T1');
  const worker = await fleet.worker();
  redis.cli('CONFIG', 'SET', 'maxmemory', '1');
  const refused = await fleet.rig.start({}, { tripwire: true }).done;
  expect(refused.of('task.finished')[0]?.failure).toEqual({
    kind: 'job-failed',
    reason: expect.stringMatching(/^the queue refuses it: .*OOM/),
  });
  redis.cli('CONFIG', 'SET', 'maxmemory', '0');
  expect((await fleet.rig.start({}, { tripwire: true }).done).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(worker.fates()).toEqual(['done f/T1']);
});

queueTest('a server that is away keeps neither a build nor a worker from ending', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  agentTasks(fleet.rig, 'T1');
  const worker = await fleet.worker({ agent: 'held' });
  const idle = await fleet.worker({ agent: 'held' });
  const build = fleet.rig.start({}, { tripwire: true });
  const run = await Promise.race([worker.agent.next('f/T1'), idle.agent.next('f/T1')]);
  await redis.kill();
  build.cancel();
  expect((await build.done).summary.exitCode).toBe(130);
  await Promise.all([worker.stop(), idle.stop()]);
  expect(await run.exit).toMatchObject({ failure: { kind: 'cancelled' } });
});

queueTest(
  'a store and a server that take connections and never answer keep no build from ending',
  async () => {
    await using redis = await RedisServer.start();
    const sockets: Socket[] = [];
    const silent = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    try {
      await using fleet = await createQueueRig(redis, { execution: { remote: `http://127.0.0.1:${port}` } });
      agentTasks(fleet.rig, 'T1');
      const build = fleet.rig.start({}, { tripwire: true });
      await until('the store to be asked', () => sockets.length > 0);
      build.cancel();
      expect((await build.done).summary.exitCode).toBe(130);
      expect(await connectQueue(`redis://127.0.0.1:${port}`, 'test')).toMatchObject({
        ok: false,
        error: { kind: 'queue-failed', detail: 'it does not answer' },
      });
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  },
);
