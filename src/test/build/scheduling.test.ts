/** What runs when, what is left out, and what a stopped build leaves behind. */

import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ScriptedRun } from '../../agent/scripted-agent.js';
import type { Turns } from '../../base/limiter.js';
import { err } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { ResultStore } from '../../store/result-store.js';
import { until } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

/** Counts the turns that are asked for from the next build on. */
function countTurns(rig: Rig, kind: 'workers' | 'commands'): { count: number } {
  const asked = { count: 0 };
  const { createExecutor } = rig;
  rig.createExecutor = (host, parts) => {
    const { shared } = parts;
    const made = shared[kind].bind(shared);
    shared[kind] = (limit) => {
      const turns = made(limit);
      const run: Turns['run'] = (job, priority, signal) => {
        asked.count++;
        return turns.run(job, priority, signal);
      };
      return { isFull: turns.isFull, run };
    };
    return createExecutor(host, parts);
  };
  return asked;
}

async function finish(run: ScriptedRun, path: string, text = 'done'): Promise<void> {
  await run.write(path, text);
  run.finish();
}

test('tasks that know nothing of each other run at the same time, a dependent after what it needs', async () => {
  await using rig = await createRig();
  rig.backlog('f', {
    T1: task('one.txt'),
    T2: task('two.txt'),
    T3: task('three.txt', { depends_on: ['T1', 'T2'] }),
  });
  const held = rig.start();
  const one = await held.agent.next('f/T1');
  const two = await held.agent.next('f/T2');
  expect(one.cwd).not.toBe(two.cwd);
  await finish(one, 'one.txt');
  expect(held.agent.runs.map((run) => run.label).sort()).toEqual(['f/T1', 'f/T2']);
  await finish(two, 'two.txt');
  await finish(await held.agent.next('f/T3'), 'three.txt');
  const built = await held.done;
  expect(built.summary.counts.built).toBe(3);
  const order = built.events.flatMap((event) =>
    event.type === 'task.finished' || (event.type === 'task.started' && event.task === 'f/T3')
      ? [`${event.type} ${event.task}`]
      : [],
  );
  expect(order.slice(2)).toEqual(['task.started f/T3', 'task.finished f/T3']);
});

test('no more agents at the same time than workers', async () => {
  await using rig = await createRig({ config: { workers: 2 } });
  rig.backlog('f', { T1: task('1.txt'), T2: task('2.txt'), T3: task('3.txt'), T4: task('4.txt') });
  let running = 0;
  let most = 0;
  for (const n of [1, 2, 3, 4]) {
    rig.answer(`f/T${n}`, async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { [`${n}.txt`]: 'x' };
    });
  }
  expect((await rig.build()).summary.counts.built).toBe(4);
  expect(most).toBeLessThanOrEqual(2);
});

test('with one worker the longest way to the end comes first, by what tasks took before', async () => {
  await using rig = await createRig({ config: { workers: 1 } });
  const tasks = (word: string) => ({
    A: task('a.txt', { description: word }),
    B: task('b.txt', { description: word }),
    C: task('c.txt', { description: word }),
    D: task('d.txt', { description: word, depends_on: ['B'] }),
  });
  const took: Record<string, number> = { A: 5000, B: 1000, C: 10, D: 7000 };
  for (const [id, ms] of Object.entries(took)) {
    rig.answer(`f/${id}`, (request) => {
      rig.time += ms;
      return { [`${id.toLowerCase()}.txt`]: request.prompt };
    });
  }
  rig.backlog('f', tasks('first'));
  await rig.build();

  // The first is any that was found stale first; the others wait for it and are then taken in their order.
  rig.backlog('f', tasks('second'));
  const asked = countTurns(rig, 'workers');
  const held = rig.start();
  let run = await held.agent.next();
  const first = run.label;
  await until('all that can start ask for a worker', () => asked.count === 3);
  for (let left = 3; ; left--) {
    await finish(run, `${run.label.slice(2).toLowerCase()}.txt`);
    if (left === 0) break;
    run = await held.agent.next();
  }
  await held.done;
  const order = ['f/B', 'f/A', 'f/C'].filter((label) => label !== first);
  const ready = held.agent.runs.map((one) => one.label).filter((label) => label !== 'f/D');
  expect(ready).toEqual([first, ...order]);
});

/** Results of a task are stored when the test says so, and as it says. */
function holdStore(rig: Rig, label: string) {
  let go: (refused?: Failure) => void = () => {};
  const going = new Promise<Failure | undefined>((resolve) => {
    go = resolve;
  });
  const open = rig.createExecutor;
  rig.createExecutor = (host, parts) => {
    let refused: Failure | undefined;
    const keep: ResultStore['keep'] = async (result) => {
      if (result.provenance.label !== label || refused) return parts.store.keep(result);
      refused = await going;
      return refused ? err(refused) : parts.store.keep(result);
    };
    return open(host, { ...parts, store: Object.assign(Object.create(parts.store), { keep }) });
  };
  return go;
}

test('the next agent has the worker and the workspace while a result is stored', async () => {
  await using rig = await createRig({ config: { workers: 1 } });
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
  const store = holdStore(rig, 'f/T1');
  const held = rig.start();
  const one = await held.agent.next('f/T1');
  await finish(one, 'one.txt');
  const two = await held.agent.next('f/T2');
  expect(two.cwd).toBe(one.cwd);
  store();
  await held.until((story) => story.of('task.finished').length === 1);
  await finish(two, 'two.txt');
  expect((await held.done).summary.counts.built).toBe(2);
});

test('a task whose result cannot be stored waits for a worker before its next attempt', async () => {
  await using rig = await createRig({ config: { workers: 1, attempts: 2 } });
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
  const store = holdStore(rig, 'f/T1');
  const held = rig.start();
  await finish(await held.agent.next('f/T1'), 'one.txt');
  const two = await held.agent.next('f/T2');
  store({ kind: 'gate-failed', gate: 'x', exitCode: 1, ms: 1, output: { tail: '' } });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  await finish(two, 'two.txt');
  await finish(await held.agent.next('f/T1'), 'one.txt');
  const built = await held.done;
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  const order = built.events.flatMap((event) => {
    if (event.type === 'agent.finished') return [`${event.task} ends`];
    return event.type === 'task.phase' && event.phase === 'agent' ? [`${event.task} begins`] : [];
  });
  const once = (label: string) => [`${label} begins`, `${label} ends`];
  expect(order).toEqual([...once('f/T1'), ...once('f/T2'), ...once('f/T1')]);
});

test('that a result cannot be stored is told at once where no other attempt follows', async () => {
  await using rig = await createRig({ config: { workers: 1, attempts: 2 } });
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
  const store = holdStore(rig, 'f/T1');
  const held = rig.start();
  await finish(await held.agent.next('f/T1'), 'one.txt');
  const two = await held.agent.next('f/T2');
  store({ kind: 'disk-full', path: 'x' });
  await held.until((story) => story.of('task.finished').length === 1);
  await finish(two, 'two.txt');
  expect((await held.done).outcomes()).toEqual({ 'f/T1': 'failed', 'f/T2': 'built' });
});

const failing = { T1: task('one.txt'), T2: task('two.txt', { depends_on: ['T1'] }), T3: task('three.txt') };

test('what needs a failed task is skipped, everything else is built and stored', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.backlog('f', failing);
  rig.answer('f/T1', {});
  rig.answer('f/T3', { 'three.txt': '3' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'failed', 'f/T2': 'skipped', 'f/T3': 'built' });
  expect(built.of('task.finished').find((event) => event.task === 'f/T2')?.because).toBe('f/T1');
  expect(built.summary).toMatchObject({ outcome: 'failed', exitCode: 1, published: 0, waiting: 1 });
  expect(rig.read('three.txt')).toBeUndefined();
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  const second = await rig.build();
  expect(second.ran()).toEqual(['f/T1', 'f/T2']);
  expect(second.summary.exitCode).toBe(0);
});

test('with fail-fast nothing new is started after a failure, and what is running may end', async () => {
  await using rig = await createRig({ config: { attempts: 1, workers: 2 } });
  rig.backlog('f', { ...failing, T4: task('four.txt', { depends_on: ['T3'] }) });
  const held = rig.start({ failFast: true });
  const one = await held.agent.next('f/T1');
  const three = await held.agent.next('f/T3');
  one.fail('it cannot be done');
  await held.until((story) => story.of('task.finished').length > 0);
  await finish(three, 'three.txt');
  const built = await held.done;
  expect(built.outcomes()).toEqual({
    'f/T1': 'failed',
    'f/T2': 'skipped',
    'f/T3': 'built',
    'f/T4': 'skipped',
  });
  expect(held.agent.runs).toHaveLength(2);
  expect(built.summary.exitCode).toBe(1);
});

test('targets are built with what they need and with nothing else', async () => {
  await using rig = await createRig();
  rig.backlog('f', failing);
  for (const [id, path] of [
    ['T1', 'one.txt'],
    ['T2', 'two.txt'],
  ] as const)
    rig.answer(`f/${id}`, { [path]: id });
  const built = await rig.build({ targets: ['f/T2'] });
  expect(built.ran()).toEqual(['f/T1', 'f/T2']);
  expect(rig.read('three.txt')).toBeUndefined();
  const unknown = await rig.build({ targets: ['f/T9'] });
  expect(unknown.buildFailure()).toMatchObject({ kind: 'unknown-target', target: 'f/T9' });
  expect(unknown.summary.exitCode).toBe(2);
});

test('a cancelled build stops its agents and keeps what was finished for the next one', async () => {
  await using rig = await createRig();
  rig.backlog('f', failing);
  const held = rig.start();
  await finish(await held.agent.next('f/T3'), 'three.txt', 'kept');
  await finish(await held.agent.next('f/T1'), 'one.txt', 'kept');
  const two = await held.agent.next('f/T2');
  held.cancel();
  expect(await two.exit).toMatchObject({ kind: 'failed', failure: { kind: 'cancelled' } });
  const built = await held.done;
  expect(built.summary).toMatchObject({ outcome: 'interrupted', exitCode: 130, published: 0 });
  expect(rig.read('one.txt')).toBeUndefined();

  rig.answer('f/T2', { 'two.txt': '2' });
  const second = await rig.build();
  expect(second.outcomes()).toMatchObject({ 'f/T1': 'cached', 'f/T2': 'built' });
  expect(second.ran()).toEqual(['f/T2']);
  expect(rig.read('one.txt')).toBe('kept');
});

test('a second build waits for the first, or says who it would wait for', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  const held = rig.start();
  const run = await held.agent.next();
  const refused = await rig.buildWithoutAgent({ wait: false });
  expect(refused.buildFailure()).toMatchObject({
    kind: 'locked',
    pid: process.pid,
    command: 'conductor build',
  });
  expect(refused.summary.exitCode).toBe(2);
  const waiting = rig.start({ wait: true }, { tripwire: true });
  await finish(run, 'one.txt');
  expect((await held.done).outcomes()).toEqual({ 'f/T1': 'built' });
  expect((await waiting.done).summary).toMatchObject({ outcome: 'up-to-date', exitCode: 0 });
});

test('commands that wait for each other leave a worker to an agent, and their wait is not their time', async () => {
  await using rig = await createRig({ config: { workers: 3, commands: 1, sandbox: 'off' } });
  const pipe = join(rig.dir, '.git', 'pipe');
  execFileSync('mkfifo', [pipe]);
  const names = ['T1', 'T2', 'T3', 'T4'];
  // Fails where another one runs.
  const alone = (name: string) =>
    `mkdir '${pipe}.lock' && cat '${pipe}' > ${name}.txt && rmdir '${pipe}.lock'`;
  const commands = names.map((name) => [name, task(`${name}.txt`, { run: alone(name) })]);
  rig.backlog('f', { ...Object.fromEntries(commands), A: task('a.txt') });
  const held = rig.start();
  await held.until((story) => story.of('task.phase').some(({ phase }) => phase === 'run'));
  await finish(await held.agent.next('f/A'), 'a.txt');
  await held.until((story) => story.of('task.finished').length === 1);
  const hour = 3_600_000;
  rig.time += hour;
  for (const [at, name] of names.entries()) {
    // Read by the one command that runs.
    await writeFile(pipe, name);
    await held.until((story) => story.of('task.finished').length === at + 2);
  }
  const built = await held.done;
  expect(built.summary.counts.built).toBe(5);
  // The one that ran meanwhile, and none of those that waited for it.
  expect(built.of('task.finished').filter(({ ms }) => ms !== undefined && ms >= hour)).toHaveLength(1);
});

test('of commands and gates that wait, the one with the longest way to the end comes first', async () => {
  await using rig = await createRig({ config: { workers: 4, commands: 1, sandbox: 'off' } });
  const asked = countTurns(rig, 'commands');
  const pipe = join(rig.dir, '.git', 'pipe');
  execFileSync('mkfifo', [pipe]);
  const command = (name: string) => task(name, { run: `cat '${pipe}' > ${name}` });
  rig.backlog('f', {
    C1: command('c1.txt'),
    C2: command('c2.txt'),
    A: task('a.txt', { verify: ['true'] }),
    B: task('b.txt', { depends_on: ['A'] }),
  });
  const held = rig.start();
  const agent = await held.agent.next('f/A');
  await until('both commands ask for their turn', () => asked.count === 2);
  await finish(agent, 'a.txt');
  await until('the gate asks too', () => asked.count === 3);
  await writeFile(pipe, 'one');
  await held.until((story) => story.of('task.finished').length > 0);
  const read = writeFile(pipe, 'two');
  await finish(await held.agent.next('f/B'), 'b.txt');
  await read;
  const built = await held.done;
  expect(built.summary.counts.built).toBe(4);
  const order = built.events.flatMap((event) => {
    if (event.type === 'gate.started') return [`gate of ${event.task}`];
    return event.type === 'task.phase' && event.phase === 'run' ? ['command'] : [];
  });
  expect(order.slice(0, 3)).toEqual(['command', 'gate of f/A', 'command']);
});
