/** Builds that share a queue: one job and one payment for equal tasks, Ctrl-C, budgets over all workers, limits. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ConductorConfig } from '../../model/config.js';
import { until } from '../rig/command-line.js';
import { refsIn } from '../rig/shared-project.js';
import { agentTasks, createQueueRig, inClone, joinedBuilds } from './queue-rig.js';
import { hasRedis, RedisServer } from './redis-server.js';

const USAGE = { costUsd: 0.3, tokensIn: 10, tokensOut: 5 };

const test_ = test.skipIf(!hasRedis());
const waiting = (redis: RedisServer) => redis.cli('--scan', '--pattern', '*:job:*:waiting');

test_('two builds that need the same task share one job: one session, one payment, one result', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  const { worker, first, second, run } = await joinedBuilds(fleet);
  run.usage(USAGE);
  await run.write('T1.txt', 'T1 is made\n');
  run.finish();
  const [one, two] = await Promise.all([first.done, second.done]);
  expect([one.outcomes(), two.outcomes()]).toEqual([{ 'f/T1': 'built' }, { 'f/T1': 'built' }]);
  expect([one.summary.usage, two.summary.usage]).toEqual([USAGE, {}]);
  expect(worker.agent.runs.length).toBe(1);
  const resultOf = (story: typeof one) => story.of('task.finished')[0]?.result;
  expect(resultOf(one)).toBe(resultOf(two));
  expect(waiting(redis)).toBe('');
});

test_('Ctrl-C ends the session on the worker, unless another build waits for the same job', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  const { rig, bare } = fleet;
  agentTasks(rig, 'T1', 'T2');
  const worker = await fleet.worker({ agent: 'held' });
  const first = rig.start({}, { tripwire: true });
  const t1 = await worker.agent.next('f/T1');
  const t2 = await worker.agent.next('f/T2');
  const second = inClone(rig, 'second', () => rig.start({ targets: ['f/T1'] }, { tripwire: true }));
  await second.until((story) => story.of('task.output').length > 0);
  first.cancel();
  expect((await first.done).summary.exitCode).toBe(130);
  expect(await t2.exit).toMatchObject({ kind: 'failed', failure: { kind: 'cancelled' } });
  await until('the worker to be done with it', () => worker.fates().includes('cancelled f/T2'));
  await t1.write('T1.txt', 'T1 is made\n');
  t1.finish();
  expect((await second.done).outcomes()).toEqual({ 'f/T1': 'built' });
  // What was cancelled is asked for again, and nothing of before stands in its way.
  const third = rig.start({}, { tripwire: true });
  const other = await worker.agent.next('f/T2');
  await other.write('T2.txt', 'T2 is made\n');
  other.finish();
  const built = await third.done;
  expect(built.summary.exitCode).toBe(0);
  // The worker has the result of the other one, which is paid once.
  expect(worker.agent.runs.map(({ label }) => label).sort()).toEqual(['f/T1', 'f/T2', 'f/T2']);
  expect(refsIn(bare, 'refs/conductor/jobs').length).toBeLessThanOrEqual(2);
});

test_('the budget of a build holds over all workers, within one step of a model', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis, { budget: { build: { usd: 1 } }, attempts: 1 });
  const { rig } = fleet;
  agentTasks(rig, 'T1', 'T2', 'T3');
  const workers = [
    await fleet.worker({ agent: 'held', concurrency: 1 }),
    await fleet.worker({ agent: 'held', concurrency: 1 }),
  ];
  const build = rig.start({}, { tripwire: true });
  const runs = await Promise.all(workers.map(({ agent }) => agent.next()));
  for (const run of runs) run.usage({ costUsd: 0.4 });
  await build.until((story) => story.of('task.usage').length === 2);
  runs[0]?.usage({ costUsd: 0.4 });
  await until('its session to be ended', () => workers.some((worker) => worker.fates().length > 0));
  runs[1]?.usage({ costUsd: 0.1 });
  const story = await build.done;
  const failures = story.of('task.finished').map(({ failure }) => failure?.kind);
  expect(failures.filter((kind) => kind === 'budget-exceeded').length).toBeGreaterThanOrEqual(2);
  expect(story.summary.usage.costUsd).toBeCloseTo(1.3);
  for (const run of runs) expect(await run.exit).toMatchObject({ failure: { kind: 'cancelled' } });
  expect(workers.flatMap(({ agent }) => agent.runs).length).toBe(2);
});

test_('limits of a provider hold over all workers', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis, {
    models: { routes: [{ model: 'acme/large' }], limits: { acme: { sessions: 2 } } },
  });
  const { rig } = fleet;
  agentTasks(rig, 'T1', 'T2', 'T3', 'T4');
  const workers = [
    await fleet.worker({ agent: 'held', concurrency: 4 }),
    await fleet.worker({ agent: 'held', concurrency: 4 }),
  ];
  const started = () => workers.flatMap(({ agent }) => agent.runs).length;
  const build = rig.start({}, { tripwire: true });
  let finished = 0;
  const sessions = workers.map(async ({ agent }) => {
    for (;;) {
      const run = await agent.next();
      if (finished < 3)
        await until('as many sessions as are allowed', () => started() === Math.min(4, finished + 2));
      expect(started() - finished).toBeLessThanOrEqual(2);
      await run.write(`${run.label.slice(2)}.txt`, 'made\n');
      finished++;
      run.finish();
    }
  });
  const ended = await Promise.race([build.done, ...sessions]);
  expect(ended?.summary.counts.built).toBe(4);
  expect(finished).toBe(4);
});

test_('the task with the longest way behind it goes first', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  const { rig } = fleet;
  rig.backlog('f', {
    T1: { description: 'Make T1', outputs: ['T1.txt'] },
    T2: { description: 'Make T2', outputs: ['T2.txt'] },
    T3: { description: 'Make T3', outputs: ['T3.txt'], depends_on: ['T2'] },
  });
  for (const id of ['T1', 'T2', 'T3']) rig.answer(`f/${id}`, { [`${id}.txt`]: 'made\n' });
  rig.commit();
  const build = rig.start({}, { tripwire: true });
  const count = () =>
    redis
      .cli('--scan', '--pattern', 'conductor:*:prioritized')
      .split('\n')
      .filter((key) => key !== '')
      .map((key) => Number(redis.cli('ZCARD', key)));
  await until('both tasks to wait', () => count()[0] === 2);
  const worker = await fleet.worker({ concurrency: 1 });
  expect((await build.done).summary.exitCode).toBe(0);
  expect(worker.agent.runs[0]?.label).toBe('f/T2');
});

test_('a worker of another version, or with other tools, takes nothing and says why', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis, { toolchain: ['echo 1'] });
  const { rig } = fleet;
  agentTasks(rig, 'T1');
  const old = await fleet.worker({ version: '0.9.0' });
  const other = await fleet.worker({ config: { toolchain: ['echo 1', 'echo 2'] } });
  const build = await rig.start({}, { tripwire: true }).done;
  expect(build.of('task.finished')[0]?.failure).toEqual({
    kind: 'job-failed',
    reason: expect.stringMatching(
      /^refused by all workers: .*tool echo 2 is 2 here, and unset in the build$/,
    ),
  });
  expect(old.fates()).toEqual([]);
  expect(other.fates()).toEqual(['refused f/T1']);
  // A worker that can do it is found behind one that cannot.
  await fleet.worker();
  expect((await rig.start({}, { tripwire: true }).done).summary.exitCode).toBe(0);
});

test_(
  'with `cache.verify`, or where the build signs, gates of workers run here once more before anything records them',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig } = fleet;
    const log = join(rig.temporary.root, 'gates.log');
    writeFileSync(log, '');
    const here = { ...rig.config, gates: { task: [`pwd >> ${log}`] } };
    rig.config = here;
    agentTasks(rig, 'T1', 'T2', 'T3');
    const worker = await fleet.worker({ concurrency: 1 });
    const key = join(rig.temporary.root, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const built = async (target: string, cache: NonNullable<ConductorConfig['cache']>, force = false) => {
      rig.config = { ...here, cache };
      writeFileSync(log, '');
      const story = await rig.start({ targets: [target], force }, { tripwire: true }).done;
      return { story, places: new Set(readFileSync(log, 'utf8').trim().split('\n')) };
    };
    expect((await built('f/T1', {})).places.size).toBe(1);
    for (const [target, cache] of [
      ['f/T2', { verify: true }],
      ['f/T3', { sign: { keyFile: key, as: 'builder' } }],
    ] as const) {
      const { story, places } = await built(target, cache);
      expect(story.outcomes()).toEqual({ [target]: 'built' });
      expect(places.size).toBe(2);
      // They are recorded now.
      expect((await built(target, cache)).places).toEqual(new Set(['']));
    }
    rig.answer('f/T2', { 'T2.txt': 'T2 is made again\n' });
    // Also a task that is known to take no time, and whose former results are not wanted any more: a worker follows its key.
    const ran = worker.agent.runs.length;
    expect((await built('f/T2', { verify: true }, true)).story.summary.counts.built).toBe(1);
    rig.answer('f/T2', { 'T2.txt': 'T2 is made once more\n' });
    expect((await built('f/T2', { verify: true }, true)).story.summary.counts.built).toBe(1);
    expect(worker.agent.runs.length).toBe(ran + 2);
  },
);
