/** Several projects over one queue on a real Redis: in parallel, one after what it needs, within common limits. */

import { expect, test } from 'vitest';
import { createQueueRig, type QueueRig } from '../fleet/queue-rig.js';
import { hasRedis, RedisServer } from '../fleet/redis-server.js';
import { ProjectsRig } from '../rig/projects-rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

test.skipIf(!hasRedis())(
  'workers run the tasks of projects in parallel, one of which needs another, within one limit of agents (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using projects = new ProjectsRig();
    projects.limits = { workers: 8, agents: 2 };
    const fleets = new Map<string, QueueRig>();
    for (const [name, entry] of [
      ['api', {}],
      ['tools', {}],
      ['web', { depends_on: ['api'] }],
    ] as const) {
      const fleet = await createQueueRig(redis, { execution: { name } });
      fleets.set(name, fleet);
      projects.list(name, fleet.rig, entry);
    }
    const rigOf = (name: string) => (fleets.get(name) as QueueRig).rig;
    try {
      let running = 0;
      let most = 0;
      let meet = () => {};
      const met = new Promise<void>((resolve) => {
        meet = resolve;
      });
      // The first tasks of both wait for each other: they run at the same time, or the test does not end.
      for (const name of ['api', 'tools']) {
        const rig = rigOf(name);
        rig.backlog('f', { T1: task('out/a.txt'), T2: task('out/b.txt'), T3: task('out/c.txt') });
        for (const [id, output] of [
          ['T1', 'a'],
          ['T2', 'b'],
          ['T3', 'c'],
        ] as const)
          rig.answer(`f/${id}`, async () => {
            most = Math.max(most, ++running);
            if (running === 2) meet();
            await met;
            running--;
            return { [`out/${output}.txt`]: `${name} ${output}` };
          });
      }
      const web = rigOf('web');
      web.backlog('f', { T1: task('page.txt', { inputs: ['imports/api/**'] }) });
      web.answer('f/T1', () => ({ 'page.txt': `page of ${web.read('imports/api/out/a.txt')}` }));
      const workers = [];
      for (const fleet of fleets.values()) {
        fleet.rig.commit();
        workers.push(await fleet.worker({ concurrency: 4 }));
      }

      const built = await projects.build({}, { tripwire: true });
      expect(built.outcomes()).toEqual({ api: 'built', tools: 'built', web: 'built' });
      expect(web.read('page.txt')).toBe('page of api a');
      expect(most).toBe(2);
      await Promise.all(workers.map((worker) => worker.end()));
      expect(workers.map((worker) => worker.fates().length)).toEqual([3, 3, 1]);
      expect((await projects.build({}, { tripwire: true })).summary.exitCode).toBe(0);
    } finally {
      for (const fleet of fleets.values()) await fleet[Symbol.asyncDispose]();
    }
  },
  60_000,
);
