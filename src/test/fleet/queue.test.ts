/** Tasks through a queue on a real Redis: the same results as here, made by workers in clones of their own. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { refsIn } from '../rig/shared-project.js';
import { createQueueRig } from './queue-rig.js';
import { hasRedis, RedisServer } from './redis-server.js';

test.skipIf(!hasRedis())(
  'two workers run agents and commands of a build, which publishes what they made (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis, { gates: { task: ['true'] } });
    const { rig, bare } = fleet;
    rig.write({ 'words.txt': 'a b c\n', 'notes.txt': 'one\ntwo\n' });
    rig.backlog('f', {
      T1: { description: 'First', outputs: ['a.txt'], edits: ['notes.txt'] },
      T2: {
        inputs: ['words.txt'],
        depends_on: ['T1'],
        outputs: ['b.txt'],
        run: 'tr a-z A-Z < words.txt > b.txt',
      },
      T3: { description: 'Third', depends_on: ['T1'], outputs: ['c.txt'] },
    });
    rig.answer('f/T1', { 'a.txt': 'made\n', 'notes.txt': 'one\nand a half\ntwo\n' });
    rig.answer('f/T3', (request) => ({ 'c.txt': `made in ${request.label}\n` }));
    rig.commit();
    const usage = { costUsd: 0.25, tokensIn: 10, tokensOut: 5 };
    const first = await fleet.worker({ agent: { usage }, concurrency: 1 });
    const second = await fleet.worker({ agent: { usage }, concurrency: 1 });
    const built = await rig.start({}, { tripwire: true }).done;
    expect(built.warnings()).toEqual([]);
    expect(built.summary).toMatchObject({ exitCode: 0, usage: { costUsd: 0.5 } });
    expect(built.summary.counts.built).toBe(3);
    expect(['a.txt', 'b.txt', 'c.txt'].map((path) => rig.read(path))).toEqual([
      'made\n',
      'A B C\n',
      'made in f/T3\n',
    ]);
    expect(rig.read('notes.txt')).toBe('one\nand a half\ntwo\n');
    await Promise.all([first.end(), second.end()]);
    expect([...first.fates(), ...second.fates()].sort()).toEqual(['done f/T1', 'done f/T2', 'done f/T3']);
    // Of what travelled, only the base of the next build is left.
    expect(refsIn(bare, 'refs/conductor/jobs').length).toBe(1);
    for (const name of ['worker-1', 'worker-2'])
      expect(refsIn(join(rig.temporary.root, name), 'refs/conductor/jobs').length).toBeLessThanOrEqual(1);
    expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  },
  60_000,
);

test.skipIf(!hasRedis())(
  'a rendered task goes to the queue where its spec names a machine, and nowhere else (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = await createQueueRig(redis);
    const { rig } = fleet;
    rig.write({ 'templates/part.txt.hbs': 'part {{value}}\n' });
    const render = (value: number) => ({
      render: [{ template: 'part.txt.hbs', to: `${value}.txt`, with: { value } }],
    });
    rig.backlog('f', { T1: render(1), T2: { ...render(2), runs_on: [process.platform] } });
    rig.commit();
    const worker = await fleet.worker();
    const built = await rig.start({}, { tripwire: true }).done;
    expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
    await worker.end();
    expect(worker.fates()).toEqual(['done f/T2']);
    expect([1, 2].map((value) => rig.read(`${value}.txt`))).toEqual(['part 1\n', 'part 2\n']);
  },
  60_000,
);
