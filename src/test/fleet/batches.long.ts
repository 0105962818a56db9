/** Failures of a fleet while many small tasks travel as one job, on a real Redis with real processes. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../rig/command-line.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { Fleet, type FleetProcess } from './worker-process.js';

const drill = test.skipIf(!hasRedis());

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `T${i + 1}`);

/** Rendered tasks that have to go to a worker. */
function rendered(fleet: Fleet, ids: readonly string[]): void {
  fleet.write('templates/part.hbs', 'part {{value}}\n');
  const task = (id: string) =>
    `  - id: ${id}\n    runs_on: [${process.platform}]\n    render:\n      - { template: part.hbs, to: ${id}.txt, with: { value: ${id} } }\n`;
  fleet.write('specs/f/BACKLOG.yaml', `feature: f\ntasks:\n${ids.map(task).join('')}`);
  fleet.temporary.commit();
}

function commands(fleet: Fleet, ids: readonly string[], command: (id: string) => string): void {
  const task = (id: string) =>
    `  - id: ${id}\n    title: ${id}\n    inputs: []\n    outputs: [${id}.txt]\n    run: ${JSON.stringify(command(id))}\n`;
  fleet.write('specs/f/BACKLOG.yaml', `feature: f\ntasks:\n${ids.map(task).join('')}`);
  fleet.temporary.commit();
}

/** As if each task had taken so long the last time. */
function recordDurations(fleet: Fleet, ids: readonly string[], ms: number): void {
  const record = JSON.stringify(Object.fromEntries(ids.map((id) => [`f/${id}`, ms])));
  const names = readdirSync(fleet.root, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('/durations.json'));
  expect(files.length).toBe(1);
  for (const file of files) writeFileSync(join(fleet.root, file), record);
}

async function succeeds(build: FleetProcess): Promise<void> {
  const code = await build.ended;
  expect(build.output).toContain(code === 0 ? '' : 'the build to succeed');
}

const inQueue = (redis: RedisServer) =>
  redis.cli('--scan', '--pattern', '*:batch').split('\n').filter(Boolean);

/** Keys of jobs that the queue has. */
const handedIn = (redis: RedisServer) =>
  redis
    .cli('--scan', '--pattern', '*command*')
    .split('\n')
    .filter((key) => /:[0-9a-f]{64}$/.test(key));

drill('a job of many is done when its worker, and then Redis, is killed in its midst', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, []);
  const ids = numbered(200);
  rendered(fleet, ids);
  const build = fleet.start(fleet.dir, ['build']);
  await until('tasks to be in the queue', () => inQueue(redis).length >= 60, 60_000);
  const first = fleet.start(fleet.clone('first'), ['worker']);
  const locks = () => redis.cli('--scan', '--pattern', '*:lock');
  await until('the worker to take some', () => locks() !== '', 60_000);
  await first.kill();
  await redis.kill();
  await redis.up();
  await fleet.worker();
  await succeeds(build);
  for (const id of ids) expect(fleet.read(`${id}.txt`)).toBe(`part ${id}\n`);
});

drill('with --detach the next build takes the results of jobs of many', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, []);
  const ids = numbered(30);
  rendered(fleet, ids);
  const first = fleet.start(fleet.dir, ['build', '--detach']);
  await until('all tasks to be in the queue', () => inQueue(redis).length === ids.length, 60_000);
  const jobs = () => new Set(inQueue(redis).map((key) => redis.cli('GET', key))).size;
  await until('their jobs to be there', () => handedIn(redis).length === jobs(), 60_000);
  first.signal('SIGINT');
  expect(await first.ended).toBe(130);
  const worker = await fleet.worker('--drain');
  expect(await worker.ended).toBe(0);
  // Without any worker: the answers are there.
  await succeeds(fleet.start(fleet.dir, ['build']));
  for (const id of ids) expect(fleet.read(`${id}.txt`)).toBe(`part ${id}\n`);
  expect(inQueue(redis)).toEqual([]);
});

drill('a command that takes its workers down with it fails alone', async () => {
  await using redis = await RedisServer.start();
  await using fleet = new Fleet(redis, [], { losses: 1 });
  const ids = numbered(6);
  commands(fleet, ids, (id) => `echo first > ${id}.txt`);
  await succeeds(fleet.start(fleet.dir, ['build'], { QUEUE: '' }));
  recordDurations(fleet, ids, 5);
  const [pid, ran] = [join(fleet.root, 'pid'), join(fleet.root, 'ran')];
  const poison = (id: string) => (id === 'T3' ? `kill -9 $(cat ${pid}); sleep 60; ` : '');
  commands(fleet, ids, (id) => `echo ${id} >> ${ran}; ${poison(id)}echo second > ${id}.txt`);
  // One at a time: what runs beside it in the same worker would be lost as often.
  const build = fleet.start(fleet.dir, ['build', '--json']);
  let isOver = false;
  void build.ended.then(() => {
    isOver = true;
  });
  let workers = 0;
  for (; !isOver && workers < 6; workers++) {
    const worker = fleet.start(fleet.clone(`w-${workers}`), ['worker', '--concurrency', '1']);
    writeFileSync(pid, String(worker.pid));
    await Promise.race([worker.ended, build.ended]);
  }
  expect(await build.ended).toBe(1);
  expect(build.output).toMatch(/"kind":"job-failed","reason":"job stalled more than allowable limit/);
  const ended = (id: string) => new RegExp(`"type":"task.finished","task":"f/${id}"[^\n]*"outcome":"built"`);
  for (const id of ids) if (id !== 'T3') expect(build.output).toMatch(ended(id));
  const lines = readFileSync(ran, 'utf8').trim().split('\n');
  // Once beside the others, and then alone as often as a job may be lost.
  expect(lines.filter((id) => id === 'T3').length).toBe(3);
  expect(lines.length).toBeLessThanOrEqual(3 + 2 * 5);
});
