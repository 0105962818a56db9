/** Which worker takes what, what `conductor workers` says of them, and how they end. */

import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { err } from '../../base/result.js';
import { listWorkers } from '../../commands/worker/fleet.js';
import { runWorker } from '../../commands/worker/worker.js';
import { workersText } from '../../report/fleet/workers.js';
import { until } from '../rig/command-line.js';
import type { Rig } from '../rig/rig.js';
import { createQueueRig } from './queue-rig.js';
import { hasRedis, RedisServer } from './redis-server.js';

const fleetTest = test.skipIf(!hasRedis());

async function listed(rig: Rig) {
  const found = await listWorkers({ ...rig.host(new ScriptedAgent({ tripwire: true })), now: Date.now });
  if (!found.ok) throw new Error(JSON.stringify(found.error));
  return found.value;
}

fleetTest('tasks go to the workers that their spec asks for', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  const { rig } = fleet;
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['a.txt'], runs_on: [process.platform, 'gpu'], run: 'echo a > a.txt' },
    T2: { description: 'Make b', outputs: ['b.txt'], runs_on: ['gpu'] },
    T3: { inputs: [], outputs: ['c.txt'], run: 'echo c > c.txt' },
  });
  rig.answer('f/T2', { 'b.txt': 'b\n' });
  rig.commit();
  const execution = { ...rig.config.execution, labels: ['gpu', 'large'] };
  const plain = await fleet.worker();
  const gpu = await fleet.worker({ config: { execution } });
  expect((await rig.start({}, { tripwire: true }).done).summary.exitCode).toBe(0);
  await Promise.all([plain.end(), gpu.end()]);
  expect(gpu.fates()).toEqual(expect.arrayContaining(['done f/T1', 'done f/T2']));
  expect(plain.fates().filter((fate) => fate !== 'done f/T3')).toEqual([]);
});

fleetTest(
  '`workers` shows machines, what they run and what waits; a build says that no worker can take its task',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis, {
      models: { routes: [{ model: 'acme/large' }], limits: { acme: { sessions: 1 } } },
    });
    const { rig } = fleet;
    rig.backlog('f', {
      T1: { description: 'Make a', outputs: ['a.txt'] },
      T2: { description: 'Make b', outputs: ['b.txt'] },
      T3: { inputs: [], outputs: ['c.txt'], runs_on: ['quantum'], run: 'echo c > c.txt' },
    });
    rig.commit();
    const worker = await fleet.worker({ agent: 'held', concurrency: 3 });
    const build = rig.start({}, { tripwire: true });
    const run = await worker.agent.next();
    await build.until((story) =>
      story.warnings().some((one) => one.includes('of 1 none can: it needs quantum')),
    );
    const { workers, queues } = await listed(rig);
    expect(workers).toMatchObject([
      { version: '1.0.0', concurrency: 3, running: [run.label], hasAgent: true, isDraining: false },
    ]);
    expect(
      queues.map(({ needs, waiting, running, limits }) => [needs.kind, waiting, running, limits]),
    ).toEqual(
      expect.arrayContaining([
        ['agent', 1, 1, { atOnce: 1 }],
        ['command', 1, 0, {}],
      ]),
    );
    const text = workersText({ workers, queues }, Date.now());
    expect(text).toMatch(new RegExp(`1/3 {2}conductor 1.0.0.*${run.label}`));
    expect(text).toContain('1 wait (the first for');
    build.cancel();
    expect((await build.done).summary.exitCode).toBe(130);
    await until('the session to be ended', () => worker.fates().length === 1);
    await worker.end();
    expect((await listed(rig)).workers).toEqual([]);
  },
);

fleetTest(
  'a worker that is stopped gives its task back to another one; one that drains ends by itself',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig } = fleet;
    rig.backlog('f', {
      T1: { description: 'Make a', outputs: ['a.txt'] },
      T2: { description: 'Make b', outputs: ['b.txt'] },
    });
    rig.answer('f/T1', { 'a.txt': 'a\n' });
    rig.answer('f/T2', { 'b.txt': 'b\n' });
    rig.commit();
    const first = await fleet.worker({ agent: 'held', concurrency: 2 });
    const build = rig.start({}, { tripwire: true });
    await first.agent.next();
    await first.agent.next();
    await first.stop();
    expect(first.fates().sort()).toEqual(['given-back f/T1', 'given-back f/T2']);
    const second = await fleet.worker({ drain: true });
    expect((await build.done).summary.exitCode).toBe(0);
    await second.ended;
    expect(second.fates().sort()).toEqual(['done f/T1', 'done f/T2']);
  },
);

fleetTest(
  'without a git repository that all reach, parcels travel through the store of a worker, for those that have its token',
  async () => {
    await using redis = await RedisServer.start();
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const remote = `http://127.0.0.1:${port}`;
    await using fleet = await createQueueRig(redis, { execution: { remote, tokenEnv: 'STORE_TOKEN' } });
    const { rig } = fleet;
    rig.write(
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`src/${i % 7}/file-${i}.txt`, `${i}\n`])),
    );
    rig.backlog('f', {
      T1: { description: 'Make a', outputs: ['a.txt'] },
      T2: { depends_on: ['T1'], outputs: ['b.txt'], run: 'cat a.txt src/*/file-*.txt | wc -l > b.txt' },
      T3: { description: 'Make c', outputs: ['c.txt'] },
    });
    rig.answer('f/T1', { 'a.txt': 'a\n' });
    rig.answer('f/T3', { kind: 'agent-error', detail: 'no', output: { tail: 'no' } });
    rig.commit();
    rig.env.STORE_TOKEN = 'geheim-18';
    const first = await fleet.worker({ store: `${port}` });
    const built = await rig.start({}, { tripwire: true }).done;
    expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built', 'f/T3': 'failed' });
    expect(first.fates().length).toBe(3);
    // From here on each of the two may take it.
    await fleet.worker();
    rig.answer('f/T3', { 'c.txt': 'c\n' });
    expect((await rig.start({}, { tripwire: true }).done).summary.exitCode).toBe(0);
    expect(rig.read('b.txt')?.trim()).toBe('301');
    expect((await fetch(`${remote}/missing`, { method: 'POST', body: '[]' })).status).toBe(401);
    rig.env.STORE_TOKEN = 'wrong';
    rig.write({ 'src/0/file-0.txt': 'other\n' });
    const refused = await rig.start({}, { tripwire: true }).done;
    expect(refused.of('task.finished').find(({ failure }) => failure)?.failure).toMatchObject({
      kind: 'git-failed',
    });
    expect(rig.log()).not.toContain('geheim-18');
  },
);

fleetTest('where only signed results count, a worker proves itself by its key', async () => {
  await using redis = await RedisServer.start();
  await using fleet = await createQueueRig(redis);
  const { rig } = fleet;
  // Of a kind that ssh signs with, which reads the file each time.
  const keyOf = (name: string) => {
    const keyFile = join(rig.temporary.root, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', keyFile]);
    const line = `fleet ${readFileSync(`${keyFile}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')}\n`;
    return { keyFile, line };
  };
  const [trusted, other] = [keyOf('trusted'), keyOf('other')];
  const trust = { trust: 'signed', signers: 'signers.txt' } as const;
  rig.config = { ...rig.config, cache: trust };
  rig.write({ 'signers.txt': trusted.line });
  for (const id of ['T1', 'T2', 'T3', 'T4']) rig.answer(`f/${id}`, { [`${id}.txt`]: `${id}\n` });
  const task = (id: string) => ({ description: `Make ${id}`, outputs: [`${id}.txt`] });
  rig.backlog('f', { T1: task('T1'), T2: task('T2'), T3: task('T3'), T4: task('T4') });
  rig.commit();
  const signing = ({ keyFile }: { keyFile: string }) => ({
    config: { cache: { ...trust, sign: { keyFile, as: 'fleet' } } },
  });
  const built = async (target: string) => {
    const story = await rig.start({ targets: [target] }, { tripwire: true }).done;
    return [story.summary.exitCode, story.of('task.finished')[0]?.failure];
  };
  // A worker without a key asks no agent: nobody would take what it makes.
  const without = await fleet.worker({ name: 'without' });
  expect(await built('f/T1')).toEqual([
    1,
    { kind: 'job-failed', reason: expect.stringContaining('its results must be signed') },
  ]);
  expect(without.agent.runs).toEqual([]);
  await without.end();
  const stranger = await fleet.worker({ name: 'stranger', ...signing(other) });
  expect(await built('f/T2')).toMatchObject([1, { kind: 'result-damaged' }]);
  expect(stranger.fates()).toEqual(['done f/T2']);
  await stranger.end();
  const known = await fleet.worker({ name: 'known', ...signing(trusted) });
  expect(await built('f/T3')).toEqual([0, undefined]);
  expect(rig.read('T3.txt')).toBe('T3\n');
  await known.end();
  // A key that goes while its worker runs: what it makes then has no signature, and no build takes it.
  const losing = await fleet.worker({ name: 'losing', ...signing(trusted) });
  renameSync(trusted.keyFile, `${trusted.keyFile}.away`);
  expect(await built('f/T4')).toMatchObject([1, { kind: 'result-damaged', detail: 'it is not signed' }]);
  renameSync(`${trusted.keyFile}.away`, trusted.keyFile);
  await losing.end();
  // What was refused is in nobody's way.
  await fleet.worker({ name: 'again', ...signing(trusted) });
  expect(await built('f/T2')).toEqual([0, undefined]);
  expect(await built('f/T4')).toEqual([0, undefined]);
});

fleetTest(
  'a worker that cannot serve its store, or has no agent, ends with the reason and no connection',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig } = fleet;
    rig.commit();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const [signal, stop] = [new AbortController().signal, new AbortController().signal];
    const options = { drain: true, signal, stop, on: () => {} };
    const host = { ...rig.host(new ScriptedAgent({ tripwire: true })), now: Date.now };
    const missing = { kind: 'usage', message: 'no agent' } as const;
    try {
      expect(await runWorker(host, { ...options, store: `${port}` })).toEqual({
        ok: false,
        error: {
          kind: 'usage',
          message: expect.stringMatching(new RegExp(`^no store at ${port}: .*EADDRINUSE`)),
          hint: 'give another `<host>:<port>`',
        },
      });
      expect(await runWorker({ ...host, createAgent: async () => err(missing) }, options)).toEqual(
        err(missing),
      );
      // The one that asks.
      await until('no connection', () => redis.cli('CLIENT', 'LIST').split('\n').length === 1);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  },
);
