/** Tasks without a model that travel through a queue together, on a real Redis. */

import { expect, test } from 'vitest';
import { err, ok, type Result } from '../../base/result.js';
import { JobRunner, type JobRunnerParts } from '../../execution/queue/job-runner.js';
import { readOutcomes, runsCommit } from '../../execution/queue/parcel.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import { keyBehind } from '../../model/action.js';
import { batchKey, JOB_PROTOCOL, type JobAnswer } from '../../model/fleet/job.js';
import type { TaskRun } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import type { ParcelFault } from '../../store/parcels/parcels.js';
import { until } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';
import { refsIn } from '../rig/shared-project.js';
import { createQueueRig, inClone } from './queue-rig.js';
import { hasRedis, RedisServer } from './redis-server.js';

const COUNT = 40;

/** Rendered tasks that have to go to a worker; `run` in place of a template for those named. */
function renderedTasks(rig: Rig, commands: Readonly<Record<string, string>> = {}): void {
  rig.write({ 'templates/part.txt.hbs': 'part {{value}}\n' });
  const runsOn = { runs_on: [process.platform] };
  const task = (_: unknown, i: number) => {
    const id = `T${i + 1}`;
    const command = commands[id];
    const how =
      command === undefined
        ? { render: [{ template: 'part.txt.hbs', to: `${id}.txt`, with: { value: i + 1 } }] }
        : { inputs: [], run: command, outputs: [`${id}.txt`] };
    return [id, { ...how, ...runsOn }] as const;
  };
  rig.backlog('f', Object.fromEntries(Array.from({ length: COUNT }, task)));
  rig.commit();
}

const builtAll = Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`f/T${i + 1}`, 'built']));

const keysIn = (redis: RedisServer, pattern: string) =>
  redis.cli('--scan', '--pattern', pattern).split('\n').filter(Boolean);

/** Keys of jobs that the queue has. */
const jobsIn = (redis: RedisServer) => keysIn(redis, '*command*').filter((key) => /:[0-9a-f]{64}$/.test(key));

/** Waits until the jobs are there in which tasks are said to travel. */
const allHandedIn = (redis: RedisServer) =>
  until('the jobs to be in the queue', () => {
    const named = new Set(keysIn(redis, '*:batch').map((key) => redis.cli('GET', key)));
    return jobsIn(redis).length === named.size;
  });

test.skipIf(!hasRedis())(
  'rendered tasks for a worker travel together, and each has its own events and result (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig, bare } = fleet;
    renderedTasks(rig);
    const worker = await fleet.worker();
    const built = await rig.start({}, { tripwire: true }).done;
    expect(built.warnings()).toEqual([]);
    expect(built.outcomes()).toEqual(builtAll);
    await worker.end();
    // Few jobs, and none of a task alone: how many depends on when the tasks are ready.
    expect(worker.fates().length).toBeLessThan(COUNT / 4);
    for (let i = 1; i <= COUNT; i++) {
      expect(rig.read(`T${i}.txt`)).toBe(`part ${i}\n`);
      expect(built.of('task.phase').some(({ task, phase }) => task === `f/T${i}` && phase === 'store')).toBe(
        true,
      );
    }
    expect(refsIn(bare, 'refs/conductor/jobs').length).toBe(1);
    expect(redis.cli('--scan', '--pattern', '*:batch').trim()).toBe('');
    expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  },
  60_000,
);

test.skipIf(!hasRedis())(
  'two builds that need the same tasks share the jobs in which they travel (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig } = fleet;
    renderedTasks(rig);
    const first = rig.start({}, { tripwire: true });
    await first.until((story) => story.of('task.phase').length >= COUNT);
    await allHandedIn(redis);
    expect(keysIn(redis, '*:batch').length).toBe(COUNT);
    const second = inClone(rig, 'second', () => rig.start({}, { tripwire: true }));
    const joins = ({ line }: { line: string }) => line.includes('another build');
    await second.until((story) => story.of('task.output').filter(joins).length === COUNT);
    const worker = await fleet.worker();
    expect((await first.done).outcomes()).toEqual(builtAll);
    expect((await second.done).outcomes()).toEqual(builtAll);
    await worker.end();
    expect(worker.fates().every((fate) => fate.startsWith('done'))).toBe(true);
    expect(worker.fates().length).toBeLessThan(COUNT / 4);
  },
  60_000,
);

test.skipIf(!hasRedis())(
  'a build that is stopped takes its tasks out of the queue, and nobody finds them there (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig, bare } = fleet;
    renderedTasks(rig);
    const build = rig.start({}, { tripwire: true });
    await build.until((story) => story.of('task.phase').length >= COUNT);
    await allHandedIn(redis);
    build.cancel();
    expect((await build.done).summary.exitCode).toBe(130);
    for (const pattern of ['*:batch', '*:waiting', '*:payer']) expect(keysIn(redis, pattern)).toEqual([]);
    expect(jobsIn(redis)).toEqual([]);
    expect(refsIn(bare, 'refs/conductor/jobs').length).toBe(1);
  },
  60_000,
);

test('a job of many that has lost a worker gives what is stored, and the rest goes alone', async () => {
  await using rig = await createRig();
  const repository = await openRepository(rig.dir);
  if (!repository.ok) throw new Error(repository.error.kind);
  const objects = new GitObjects(repository.value);
  const inputTree = await objects.empty();
  const base = await objects.writeCommit({ tree: inputTree, message: 'base\n' });
  const lists = { outputs: [], edits: [], gates: [], editBases: {}, editSides: {} };
  const runs = ['T1', 'T2', 'T3'].map((id) => {
    const manifest = [{ name: 'task', value: id, show: 'text' as const }];
    const recipe = { kind: 'render', files: [] };
    return { label: `f/${id}`, key: keyBehind(manifest, []), manifest, recipe, inputTree, ...lists };
  }) as unknown as TaskRun[];
  const stored = runs[1]?.key;
  const ran: string[] = [];
  const dropped: ObjectId[] = [];
  const warned: unknown[] = [];
  const sends: Result<void, ParcelFault>[] = [
    err({ failure: { kind: 'git-failed', command: 'push', detail: 'away' }, isAway: true }),
  ];
  let answer: JobAnswer | undefined;
  const executor = () => ({
    run: async ({ label }: TaskRun) => {
      ran.push(label);
      return { ok: true, result: base, attempts: 1, usage: {}, ms: 0 };
    },
  });
  const bench = { base: { settings: [] }, settings: [], definitions: new Map(), executor };
  const parts = {
    objects,
    host: 'w',
    benches: { use: (_: ObjectId, work: (one: object) => unknown) => work(bench) },
    store: { find: async (key: string) => ok(key === stored ? { commit: base } : undefined) },
    parcels: {
      find: async () => ok(undefined),
      fetch: async () => ok(undefined),
      hold: async () => {},
      send: async () => sends.pop() ?? ok(undefined),
      drop: (all: readonly ObjectId[]) => dropped.push(...all),
    },
  } as unknown as JobRunnerParts;
  const tasks = runs.map(({ label, key }) => ({ label, key }));
  const data = {
    label: 'f/T1 +2',
    key: batchKey(tasks),
    tasks,
    parcel: await runsCommit(objects, runs, base),
    base,
  };
  const taken = (isTakenUp: boolean) =>
    ({
      data: { ...data, protocol: JOB_PROTOCOL, version: '1.0.0', build: 'b' },
      ...{ handedInAt: 1, isRepeated: isTakenUp, isTakenUp, signal: new AbortController().signal },
      deliver: async (given: JobAnswer) => {
        answer = given;
        return 'delivered';
      },
      refuse: async () => {},
      tell: async (events: readonly unknown[]) => warned.push(...events),
    }) as unknown as TakenJob;
  const oks = async () => {
    const read = await readOutcomes(objects, answer?.parcel ?? '');
    return read.ok && read.value.map((one) => one?.ok);
  };
  expect(await new JobRunner(parts).run(taken(true))).toMatchObject({ fate: 'failed' });
  expect(ran).toEqual([]);
  // A build knows its tasks by their own names.
  const message = expect.stringMatching(/^w cannot send the result of f\/T1 \+2 and tries again: .*away/);
  expect(warned).toEqual([{ type: 'warning', task: 'f/T1', message }]);
  expect(dropped).toEqual([data.parcel, answer?.parcel]);
  expect(answer).toMatchObject({ ok: true });
  expect(await oks()).toEqual([undefined, true, undefined]);
  expect(await new JobRunner(parts).run(taken(false))).toMatchObject({ fate: 'done' });
  expect(ran).toEqual(['f/T1', 'f/T2', 'f/T3']);
  expect(await oks()).toEqual([true, true, true]);
  // Its id is the digest of its keys: other runs under it are not done.
  const [first, ...rest] = tasks;
  const other = taken(false);
  Object.assign(other.data, { tasks: [...rest, first] });
  expect(await new JobRunner(parts).run(other)).toMatchObject({ fate: 'refused' });
  await objects.close();
});
