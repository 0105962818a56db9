/** Holds that commands have one limit beside that of tasks, gates among them, over one project and over several. */

import { expect, test } from 'vitest';
import type { Turns } from '../base/limiter.js';
import { AllResources } from './common-resources.js';
import { SharedResources } from './shared-resources.js';

function rig() {
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));
  const startBy = async (priority: number, turns: Turns, ...names: string[]) => {
    for (const name of names) {
      void turns.run(
        () =>
          new Promise<void>((resolve) => {
            log.push(name);
            ends.set(name, resolve);
          }),
        priority,
      );
    }
    await quiet();
  };
  return {
    log,
    startBy,
    start: (turns: Turns, ...names: string[]) => startBy(0, turns, ...names),
    async end(name: string) {
      ends.get(name)?.();
      await quiet();
    },
  };
}

test('a gate is a command too, and none waits with the turn of another', async () => {
  const { log, start, end } = rig();
  const shared = new SharedResources();
  await start(shared.commands(2), 'run 1');
  await start(shared.gates(1, 2), 'gate 1', 'gate 2');
  await start(shared.commands(2), 'run 2');
  expect(log).toEqual(['run 1', 'gate 1']);
  await end('run 1');
  // The second gate has to wait for the first one; no command has to wait for it.
  expect(log).toEqual(['run 1', 'gate 1', 'run 2']);
  await end('gate 1');
  expect(log.at(-1)).toBe('gate 2');
});

test('projects that are built together have one limit of commands, within which each has its own', async () => {
  const { log, start, end } = rig();
  const all = new AllResources({ workers: 16, commands: 2, gates: 2 }, () => 0);
  const terms = { least: 0, most: 16, weight: () => 1 };
  const [a, b] = [new SharedResources(all.share(terms)), new SharedResources(all.share(terms))];
  await start(a.commands(1), 'a1', 'a2');
  await start(b.commands(8), 'b1', 'b2');
  expect(log).toEqual(['a1', 'b1']);
  await end('b1');
  expect(log).toEqual(['a1', 'b1', 'b2']);
  await end('a1');
  expect(log.at(-1)).toBe('a2');
});

test('commands have the priorities of their project within it, and none over another project', async () => {
  const { log, start, startBy, end } = rig();
  const all = new AllResources({ workers: 16, commands: 1, gates: 1 }, () => 0);
  const terms = { least: 0, most: 16, weight: () => 1 };
  const [a, b] = [new SharedResources(all.share(terms)), new SharedResources(all.share(terms))];
  await start(a.commands(1), 'a1', 'a2');
  await startBy(5, a.gates(8, 1), 'a3');
  await start(b.commands(8), 'b1');
  await startBy(9, b.commands(8), 'b2');
  for (const name of ['a1', 'b1', 'b2', 'a3']) await end(name);
  expect(log).toEqual(['a1', 'b1', 'b2', 'a3', 'a2']);
});

test('tasks that compute leave a worker to others', async () => {
  const { log, start } = rig();
  const shared = new SharedResources();
  const workers = shared.workers(3);
  const computing = shared.computing(workers, 1);
  await start(computing, 'c1', 'c2', 'c3', 'c4');
  await start(workers, 'agent');
  expect(log).toEqual(['c1', 'c2', 'agent']);
});
