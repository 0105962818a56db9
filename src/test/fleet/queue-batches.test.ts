/** Tasks without a model that travel through a queue together, on a real Redis. */

import { expect, test } from 'vitest';
import type { Rig } from '../rig/rig.js';
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
    const inQueue = () => redis.cli('--scan', '--pattern', '*:batch').split('\n').filter(Boolean).length;
    await first.until((story) => story.of('task.phase').length >= COUNT);
    expect(inQueue()).toBe(COUNT);
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
