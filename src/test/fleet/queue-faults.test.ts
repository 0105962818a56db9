/** Faults of a moment, on the way of a task to a worker and back: none of them fails a build or is paid for twice. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { err, ok, type Result } from '../../base/result.js';
import { Benches } from '../../execution/queue/bench.js';
import { JobRunner, type JobRunnerParts } from '../../execution/queue/job-runner.js';
import { baseCommit, outcomeCommit, runCommit } from '../../execution/queue/parcel.js';
import { sharedOnce } from '../../execution/queue/tries.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import { keyBehind } from '../../model/action.js';
import { resolveConfig } from '../../model/config.js';
import type { JobAnswer } from '../../model/fleet/job.js';
import type { TaskRun } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import type { ParcelFault, Parcels } from '../../store/parcels/parcels.js';
import type { ResultStore } from '../../store/result-store.js';
import { workspacesFolder } from '../../workspace/workspace.js';
import { createRig } from '../rig/rig.js';
import { createQueueRig } from './queue-rig.js';
import { hasRedis, RedisServer } from './redis-server.js';

async function openedObjects(dir: string) {
  const repository = await openRepository(dir);
  if (!repository.ok) throw new Error(repository.error.kind);
  return { repository: repository.value, objects: new GitObjects(repository.value) };
}

test.skipIf(!hasRedis())(
  'what all jobs share is sent again when the place refuses it once (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig, bare } = fleet;
    const hook = join(bare, 'hooks', 'pre-receive');
    writeFileSync(hook, '#!/bin/sh\n[ -e refused ] && exit 0\n: > refused\nexit 1\n');
    chmodSync(hook, 0o755);
    rig.backlog('f', { T1: { outputs: ['a.txt'], run: 'echo made > a.txt' } });
    rig.commit();
    const worker = await fleet.worker();
    const built = await rig.start({}, { tripwire: true }).done;
    expect(built.summary).toMatchObject({ exitCode: 0, counts: { built: 1 } });
    await worker.end();
    expect(worker.fates()).toEqual(['done f/T1']);
    expect(existsSync(join(bare, 'refused'))).toBe(true);
  },
  60_000,
);

test.skipIf(!hasRedis())(
  'a result that the place refuses fails its task with the reason, and no other worker is paid for it (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig, bare } = fleet;
    execFileSync('git', ['-C', bare, 'config', 'receive.fsckObjects', 'true']);
    const run = `printf '[submodule "a"]\\n path = a\\n url = -u./x\\n' > sub/.gitmodules`;
    rig.backlog('f', {
      T1: { outputs: ['sub/.gitmodules'], run: `mkdir -p sub && ${run}` },
      T2: { outputs: ['b.txt'], run: 'echo made > b.txt' },
    });
    rig.commit();
    const workers = [await fleet.worker(), await fleet.worker()];
    const built = await rig.start({}, { tripwire: true }).done;
    expect(built.summary).toMatchObject({ exitCode: 1, counts: { built: 1, failed: 1 } });
    const reason = expect.stringMatching(/shared\.git refuses what is sent: .*gitmodulesUrl/);
    expect(built.failure('f/T1')).toMatchObject({ kind: 'job-failed', reason });
    for (const one of workers) await one.end();
    expect(workers.flatMap((one) => one.fates()).sort()).toEqual(['done f/T2', 'failed f/T1']);
  },
  60_000,
);

test('work that all share is done once, and again after a failure', async () => {
  const answers: (() => Promise<Result<number, string>>)[] = [
    async () => err('away'),
    () => Promise.reject(new Error('down')),
    async () => ok(7),
  ];
  const asked: string[] = [];
  const work = sharedOnce((by: string, failures) => {
    asked.push(`${by} after ${failures}`);
    return (answers.shift() as () => Promise<Result<number, string>>)();
  });
  expect(await Promise.all([work('a'), work('b')])).toEqual([err('away'), err('away')]);
  await expect(work('c')).rejects.toThrow('down');
  expect(await work('d')).toEqual(ok(7));
  expect(await work('e')).toEqual(ok(7));
  expect(asked).toEqual(['a after 0', 'c after 1', 'd after 2']);
});

test('a job that was finished before is not run again because the place is away for a moment', async () => {
  await using rig = await createRig();
  const { objects } = await openedObjects(rig.dir);
  const result = await objects.writeCommit({ tree: await objects.empty(), message: 'result\n' });
  const done = { ok: true, result, attempts: 1, usage: {}, ms: 0 } as const;
  const parcel = await outcomeCommit(objects, done, result);
  const away: ParcelFault = {
    failure: { kind: 'git-failed', command: 'fetch', detail: 'away' },
    isAway: true,
  };
  let denied = away;
  let findings = 0;
  const parcels = {
    find: async (): Promise<Result<ObjectId | undefined, ParcelFault>> =>
      ++findings % 2 === 1 ? err(denied) : ok(parcel),
    drop: () => {},
  } as unknown as Parcels;
  const runner = new JobRunner({ objects, parcels, host: 'w' } as unknown as JobRunnerParts);
  const answers: JobAnswer[] = [];
  const data = { label: 'f/T1', key: 'a'.repeat(64), parcel: result, base: result };
  const job = {
    data: { ...data, protocol: 1, version: '1.0.0', build: 'b' },
    ...{ handedInAt: 1, isRepeated: true, isTakenUp: true, signal: new AbortController().signal },
    deliver: async (answer: JobAnswer) => {
      answers.push(answer);
      return 'delivered';
    },
    refuse: async () => {},
  } as unknown as TakenJob;
  expect(await runner.run(job)).toMatchObject({ fate: 'done' });
  expect(answers).toMatchObject([{ parcel, ok: true }]);
  // Where nobody lets it look, another worker may be let.
  denied = { ...away, isAway: false };
  expect(await runner.run(job)).toMatchObject({ fate: 'refused', why: 'git-failed: away' });
  await objects.close();
});

test('a result that cannot be sent does not stay in the memory of its worker', async () => {
  await using rig = await createRig();
  const { objects } = await openedObjects(rig.dir);
  const inputTree = await objects.empty();
  const base = await objects.writeCommit({ tree: inputTree, message: 'base\n' });
  const lists = { manifest: [], outputs: [], edits: [], gates: [], editBases: {}, editSides: {} };
  const key = keyBehind([], []);
  const recipe = { kind: 'run', command: 'true' };
  const run = { label: 'f/T1', key, recipe, inputTree, ...lists } as unknown as TaskRun;
  const refused = { failure: { kind: 'job-failed', reason: 'it is too large' }, isAway: false };
  const sent: ObjectId[] = [];
  const parcels = {
    fetch: async () => ok(undefined),
    hold: async () => {},
    send: async (commit: ObjectId) => {
      sent.push(commit);
      expect(await objects.read(commit)).toBeDefined();
      return err(refused);
    },
    drop: (all: readonly ObjectId[]) => objects.passing.drop(all),
  } as unknown as Parcels;
  const done = { ok: true, result: base, attempts: 1, usage: {}, ms: 0 };
  const executor = () => ({ run: async () => done });
  const bench = { base: { settings: [] }, settings: [], definitions: new Map(), executor };
  const benches = { use: (_: ObjectId, work: (one: object) => unknown) => work(bench) };
  const store = { gatesPassed: async () => false, recordGates: async () => {} };
  const parts = { objects, parcels, benches, store, host: 'w' } as unknown as JobRunnerParts;
  const data = { label: 'f/T1', key, parcel: await runCommit(objects, run, base), base };
  const job = {
    data: { ...data, protocol: 1, version: '1.0.0', build: 'b' },
    ...{ handedInAt: 1, isRepeated: false, isTakenUp: false, signal: new AbortController().signal },
    fail: async () => 'delivered',
  } as unknown as TakenJob;
  expect(await new JobRunner(parts).run(job)).toMatchObject({ fate: 'failed', why: 'it is too large' });
  expect(sent).toHaveLength(1);
  expect(await objects.read(sent[0] as ObjectId)).toBeUndefined();
  await objects.close();
});

test('a worker that starts again makes the workspaces that are missing, and the others keep their files', async () => {
  await using rig = await createRig();
  const { repository, objects } = await openedObjects(rig.dir);
  const host = rig.host(new ScriptedAgent({}));
  const state = join(repository.state, 'bench-0');
  const folder = workspacesFolder({ ...repository, state }, host.cacheDir);
  const start = async (count: number) => {
    const config = resolveConfig({ ...rig.config, sandbox: 'off' }, 2);
    const parts = { host, repository, objects, config, store: {} as ResultStore, startedAt: 0 };
    const benches = new Benches(parts);
    await benches.warm(count);
    await benches.close();
    return readdirSync(folder).filter((name) => /-w\d+$/.test(name));
  };
  const [first] = await start(1);
  const file = join(folder, first as string, 'a.txt');
  writeFileSync(file, 'of the last task');
  expect(await start(2)).toHaveLength(2);
  expect(existsSync(file)).toBe(true);
  await objects.close();
});

test('a worker closes the agent of a base that it cannot open, and opens it anew for the next job', async () => {
  await using rig = await createRig();
  const { repository, objects } = await openedObjects(rig.dir);
  const agents: string[] = [];
  const host = rig.host(new ScriptedAgent({}));
  const createAgent: typeof host.createAgent = async () => {
    const number = agents.push('open') - 1;
    const close = async () => {
      agents[number] = 'closed';
    };
    return ok(Object.assign(new ScriptedAgent({}), { close }));
  };
  const benches = new Benches({
    host: { ...host, env: { ...host.env, PATH: '/nowhere' }, createAgent },
    ...{ repository, objects, store: {} as ResultStore, startedAt: 0 },
    config: resolveConfig({ ...rig.config, sandbox: 'required' }, 2),
  });
  const data = { schema: 1, rules: {}, settings: [], shippedAgents: {}, ownAgents: {} } as never;
  const base = await baseCommit(objects, data, await objects.empty(), undefined);
  const use = async () => {
    const used = await benches.use(base, async () => ok(1));
    return used.ok ? 'used' : used.error.kind;
  };
  expect([await use(), await use()]).toEqual(['sandbox-required', 'sandbox-required']);
  expect(agents).toEqual(['closed', 'closed']);
  await benches.close();
  await objects.close();
});
