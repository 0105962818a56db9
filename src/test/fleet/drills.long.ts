/** Failures of a fleet, on a real Redis with real processes: nothing that was finished is lost, and nothing of it is paid twice. */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from '../rig/command-line.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { Fleet, type FleetProcess } from './worker-process.js';

const drill = test.skipIf(!hasRedis());

/** Waits until a session of an agent is open somewhere. */
const called = (fleet: Fleet, count = 1) =>
  until('an agent to be called', () => fleet.called().filter((one) => one !== '').length >= count, 60_000);

const hold = (fleet: Fleet) => writeFileSync(`${fleet.calls}.hold`, '');
const release = (fleet: Fleet) => rmSync(`${fleet.calls}.hold`, { force: true });

interface Flags {
  readonly worker?: readonly string[];
  readonly build?: readonly string[];
}

interface Begun {
  readonly worker: FleetProcess;
  readonly build: FleetProcess;
}

/** A worker, and a build whose first session of an agent is open and stays so until `release`. */
async function held(fleet: Fleet, flags: Flags = {}): Promise<Begun> {
  hold(fleet);
  const worker = await fleet.worker(...(flags.worker ?? []));
  const build = fleet.start(fleet.dir, ['build', ...(flags.build ?? [])]);
  await called(fleet);
  return { worker, build };
}

const done = (worker: FleetProcess) =>
  until('the task to be done', () => worker.output.includes('done f/T1'), 60_000);

/** A worker whose task is done, and the build that asked for it, which stands still and has not heard of that. */
async function heardNothing(fleet: Fleet): Promise<Begun> {
  const { worker, build } = await held(fleet);
  build.signal('SIGSTOP');
  release(fleet);
  await done(worker);
  return { worker, build };
}

async function succeeds(build: FleetProcess): Promise<void> {
  const code = await build.ended;
  expect(build.output).toContain(code === 0 ? '' : 'the build to succeed');
}

drill('a worker that is killed while an agent works is replaced', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, ['T1']);
  const { worker: first, build } = await held(fleet);
  await first.kill();
  release(fleet);
  await fleet.worker();
  await succeeds(build);
  expect(fleet.read('T1.txt')).toBe('T1 is made\n');
  // The session that died with its worker is asked for again, and no other.
  expect(fleet.called()).toEqual(['T1', 'T1']);
});

drill(
  'a worker that stands still past its lock is replaced, and what it finishes later counts no more',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = new Fleet(redis, ['T1']);
    const { worker: first, build } = await held(fleet, { build: ['--json'] });
    first.signal('SIGSTOP');
    const second = await fleet.worker();
    await called(fleet, 2);
    first.signal('SIGCONT');
    await until('the first one to notice', () => first.output.includes('lost f/T1'), 60_000);
    release(fleet);
    await succeeds(build);
    // A machine under load may lose the second run as well: then one of them begins a third.
    expect(first.output + second.output).toContain('done f/T1');
    expect(fleet.read('T1.txt')).toBe('T1 is made\n');
  },
);

drill(
  'a Redis that is killed and started again loses no task, also where an agent finishes meanwhile',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = new Fleet(redis, ['T1', 'T2', 'T3'], { ms: 100 });
    hold(fleet);
    const workers = [await fleet.worker('--concurrency', '1'), await fleet.worker('--concurrency', '1')];
    const build = fleet.start(fleet.dir, ['build']);
    await called(fleet, 2);
    const locks = redis.lastExpiry('*:lock');
    await redis.kill();
    release(fleet);
    await until('the locks to be over', () => Date.now() > locks, 60_000);
    await redis.up();
    await succeeds(build);
    expect(fleet.called()).toEqual(['T1', 'T2', 'T3']);
    for (const worker of workers) worker.signal('SIGTERM');
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0]);
  },
);

drill('connections that are cut again and again cost nothing', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, ['T1', 'T2', 'T3', 'T4'], { ms: 700 });
  await fleet.worker('--concurrency', '2');
  const build = fleet.start(fleet.dir, ['build']);
  await called(fleet);
  const cut = setInterval(() => {
    for (const type of ['normal', 'pubsub']) redis.cli('CLIENT', 'KILL', 'TYPE', type);
  }, 400);
  try {
    await succeeds(build);
  } finally {
    clearInterval(cut);
  }
  expect(fleet.called()).toEqual(['T1', 'T2', 'T3', 'T4']);
});

drill('a build that is killed leaves its task to finish, and the next build takes the result', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, ['T1']);
  const { worker, build: first } = await held(fleet);
  await first.kill();
  release(fleet);
  await done(worker);
  await succeeds(fleet.start(fleet.dir, ['build']));
  expect(fleet.read('T1.txt')).toBe('T1 is made\n');
  expect(fleet.called()).toEqual(['T1']);
});

drill('a git repository that is away for a while loses nothing that was paid', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, ['T1']);
  const { worker, build } = await held(fleet);
  renameSync(fleet.bare, `${fleet.bare}.away`);
  release(fleet);
  await until('the worker to fail', () => build.output.includes('cannot send the result of f/T1'), 60_000);
  renameSync(`${fleet.bare}.away`, fleet.bare);
  await succeeds(build);
  expect(worker.output).toContain('done f/T1');
  expect(fleet.called()).toEqual(['T1']);
});

drill('a result that is paid for is fetched once the git repository is back', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, ['T1']);
  const { build } = await heardNothing(fleet);
  renameSync(fleet.bare, `${fleet.bare}.away`);
  build.signal('SIGCONT');
  await until('the build to ask again', () => build.output.includes('is asked for again'), 60_000);
  renameSync(`${fleet.bare}.away`, fleet.bare);
  await succeeds(build);
  expect(fleet.called()).toEqual(['T1']);
});

drill("an answer that cannot be fetched when a build is stopped is the next build's", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, ['T1']);
  const { worker, build } = await heardNothing(fleet);
  await worker.kill();
  renameSync(fleet.bare, `${fleet.bare}.away`);
  build.signal('SIGCONT');
  await until('the build to ask again', () => build.output.includes('is asked for again'), 60_000);
  build.signal('SIGINT');
  expect(await build.ended).toBe(130);
  renameSync(`${fleet.bare}.away`, fleet.bare);
  // Without any worker: the answer is there.
  await succeeds(fleet.start(fleet.dir, ['build']));
  expect(fleet.read('T1.txt')).toBe('T1 is made\n');
  expect(fleet.called()).toEqual(['T1']);
});

drill('a task that takes every worker down with it fails with that reason', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, ['T1'], { losses: 1 });
  hold(fleet);
  const build = fleet.start(fleet.dir, ['build', '--json']);
  for (const count of [1, 2]) {
    const worker = await fleet.worker();
    await called(fleet, count);
    await worker.kill();
  }
  await fleet.worker();
  expect(await build.ended).toBe(1);
  expect(build.output).toMatch(/"kind":"job-failed","reason":"job stalled more than allowable limit/);
  expect(fleet.called().length).toBe(2);
});

test.skipIf(!hasRedis())('no address with a password stands in a log, an event or a job', async () => {
  await using redis = await RedisServer.start();
  redis.cli('CONFIG', 'SET', 'requirepass', 'geheim-17');
  await using fleet = new Fleet(redis, ['T1']);
  const env = { QUEUE: redis.url.replace('redis://', 'redis://:geheim-17@') };
  const worker = fleet.start(fleet.clone('w'), ['worker', '--json'], env);
  const build = fleet.start(fleet.dir, ['build', '--json'], env);
  await succeeds(build);
  const refused = fleet.start(fleet.clone('x'), ['build'], {
    QUEUE: redis.url.replace('redis://', 'redis://:wrong-17@'),
  });
  expect(await refused.ended).toBe(2);
  expect(refused.output).toContain('the queue cannot be reached');
  const said = [
    worker.output,
    build.output,
    refused.output,
    readFileSync(`${fleet.dir}/conductor.config.mjs`, 'utf8'),
  ];
  expect(said.join('\n')).not.toMatch(/(geheim|wrong)-17/);
});

drill(
  'with --detach an interrupted build leaves its task to finish, and the next build takes the result',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = new Fleet(redis, ['T1', 'T2']);
    const { worker, build: first } = await held(fleet, {
      worker: ['--concurrency', '1'],
      build: ['--detach'],
    });
    first.signal('SIGINT');
    expect(await first.ended).toBe(130);
    release(fleet);
    // The other one waits in the queue, and is done as well.
    await until(
      'both tasks to be done',
      () => /done f\/T1/.test(worker.output) && /done f\/T2/.test(worker.output),
      60_000,
    );
    await succeeds(fleet.start(fleet.dir, ['build']));
    expect(fleet.called()).toEqual(['T1', 'T2']);
  },
);

drill(
  'a worker that is killed in any phase costs one more session at most, and none after its result is sent',
  async () => {
    await using redis = await RedisServer.start();
    const phases = ['workspace', 'agent', 'gates', 'store'];
    await using fleet = new Fleet(
      redis,
      phases.map((_, i) => `T${i + 1}`),
      { ms: 50 },
    );
    for (const [i, phase] of phases.entries()) {
      const label = `f/T${i + 1}`;
      const before = fleet.called().filter((one) => one !== '').length;
      const first = await fleet.worker('--concurrency', '1');
      const build = fleet.start(fleet.dir, ['build', label, '--json']);
      await until(`the phase ${phase}`, () => build.output.includes(`"phase":"${phase}"`), 60_000);
      await first.kill();
      const second = await fleet.worker('--concurrency', '1');
      await succeeds(build);
      await second.kill();
      expect(fleet.called().length - before).toBeLessThanOrEqual(2);
      expect(fleet.read(`T${i + 1}.txt`)).toBe(`T${i + 1} is made\n`);
    }
  },
);
