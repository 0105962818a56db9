/** Many tasks with few open files: what is held at once does not grow with the project. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { schedule } from '../../build/scheduler.js';
import type { Task } from '../../model/task.js';
import { TaskGraph } from '../../model/task-graph.js';
import { ensureBuilt, filesBelow, PACKAGE, TemporaryProject } from '../rig/command-line.js';
import { createRig } from '../rig/rig.js';
import type { Story } from '../rig/rig-story.js';

const TASKS = 300;
const OPEN_FILES = 256;

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

test('more results than files may be open are stored, packed and restored', {
  timeout: 120_000,
}, async () => {
  await ensureBuilt();
  const project = new TemporaryProject({ 'templates/part.hbs': 'part {{value}}\n', '.gitignore': '/out/\n' });
  projects.push(project);
  const tasks = Array.from({ length: TASKS }, (_, value) => ({
    id: `T${value}`,
    inputs: [],
    render: [{ template: 'part.hbs', to: `out/${value % 7}/${value}.txt`, with: { value } }],
  }));
  project.write('specs/many/BACKLOG.yaml', JSON.stringify({ tasks }));
  const build = async () => {
    const line = `ulimit -n ${OPEN_FILES} && exec "${process.execPath}" "${join(PACKAGE, 'bin/conductor.js')}" build`;
    const ended = await promisify(execFile)('sh', ['-c', line], {
      cwd: project.dir,
      env: { PATH: process.env.PATH, HOME: project.home },
    });
    return ended.stderr + ended.stdout;
  };
  expect(await build()).toContain(`built ${TASKS}`);
  const built = filesBelow(project.path('out'));
  expect(Object.keys(built)).toHaveLength(TASKS);
  project.remove('out');
  expect(await build()).toContain(`${TASKS} from cache`);
  expect(filesBelow(project.path('out'))).toEqual(built);
});

/** Loaded into conductor: says at its end how large V8's space for new objects is. */
const YOUNG_MB = `process.on('exit', () => {
  const spaces = require('node:v8').getHeapSpaceStatistics();
  console.log('young', spaces.find((space) => space.space_name === 'new_space').space_size / 2 ** 20);
});`;

test('the space for new objects stays small while a large spec is loaded', async () => {
  await ensureBuilt();
  const tasks = Array.from({ length: 1500 }, (_, value) => ({
    id: `T${value}`,
    inputs: [],
    render: [{ template: 'part.hbs', to: `out/${value}.txt`, with: { value } }],
  }));
  const project = new TemporaryProject({
    'templates/part.hbs': 'part {{value}}\n',
    'specs/many/BACKLOG.yaml': JSON.stringify({ tasks }),
    'young.cjs': YOUNG_MB,
  });
  projects.push(project);
  const hook = `--require ${project.path('young.cjs')}`;
  const ended = await project.start(['validate'], { NODE_OPTIONS: hook }).ended;
  expect(ended.text).toContain('1500 tasks: no problems');
  const megabytes = Number(/young ([\d.]+)/.exec(ended.text)?.[1]);
  expect(megabytes).toBeGreaterThan(0);
  expect(megabytes).toBeLessThanOrEqual(8);
});

test('steps under way are bounded, and of those that are ready the first in order starts', async () => {
  const count = 300;
  const label = (i: number) => `f/T${i}`;
  // Every third task needs the one before it.
  const tasks = Array.from(
    { length: count },
    (_, i) => ({ label: label(i), dependsOn: i % 3 === 2 ? [label(i - 1)] : [] }) as unknown as Task,
  );
  const graph = new TaskGraph(tasks);
  let running = 0;
  let most = 0;
  const started: string[] = [];
  await schedule({
    graph,
    labels: new Set(tasks.map((task) => task.label).reverse()),
    failFast: false,
    atOnce: 5,
    signal: new AbortController().signal,
    async step(one) {
      started.push(one);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return 'done';
    },
    onSkip() {
      throw new Error('nothing is skipped');
    },
  });
  expect(most).toBe(5);
  expect(new Set(started).size).toBe(count);
  expect(started.slice(0, 5)).toEqual([298, 297, 295, 294, 292].map(label));
  // What becomes ready with a better place goes before what has waited longer.
  expect(started.indexOf(label(299))).toBeLessThan(15);
});

test('all dependencies of a task are found once, and few of a long chain are kept', () => {
  const count = 2000;
  const label = (i: number) => `f/T${i}`;
  const chain = Array.from(
    { length: count },
    (_, i) => ({ label: label(i), dependsOn: i === 0 ? [] : [label(i - 1)] }) as unknown as Task,
  );
  const graph = new TaskGraph(chain);
  const sets = graph.order.map((one) => graph.transitiveDependencies(one));
  expect(sets.map(({ size }) => size)).toEqual(chain.map((_, i) => i));
  expect([...(sets[3] ?? [])].sort()).toEqual([0, 1, 2].map(label));
  const isKept = (i: number) => graph.transitiveDependencies(label(i)) === sets[i];
  expect(isKept(count - 1)).toBe(true);
  // A graph of the same shape has the same ones.
  expect(new TaskGraph([], graph).transitiveDependencies(label(count - 1))).toBe(sets[count - 1]);
  // Two million labels are too many.
  expect(isKept(count / 2)).toBe(false);
});

test('the time of a task is its own work: waiting for a worker is not in it', async () => {
  await using rig = await createRig({ config: { workers: 1 } });
  const task = (output: string) => ({ description: 'x', inputs: [], outputs: [output] });
  rig.backlog('f', { A: task('a.txt'), B: task('b.txt') });
  const took: Record<string, number> = { A: 5_000_000, B: 1_000_000 };
  for (const [id, ms] of Object.entries(took)) {
    rig.answer(`f/${id}`, () => {
      rig.time += ms;
      return { [`${id.toLowerCase()}.txt`]: 'done' };
    });
  }
  const built = await rig.build();
  for (const event of built.of('task.finished')) {
    const own = took[event.task.slice(2)] as number;
    expect(event.ms).toBeGreaterThanOrEqual(own);
    expect(event.ms).toBeLessThan(own + 1000);
  }
});

test('the wait for the session of another task is no work of a task', async () => {
  const models = { routes: [{ model: 'a/b' }], limits: { a: { sessions: 1 } } };
  await using rig = await createRig({ config: { workers: 2, models } });
  const task = (output: string) => ({ description: 'x', inputs: [], outputs: [output] });
  rig.backlog('f', { A: task('A.txt'), B: task('B.txt') });
  const held = rig.start();
  const runs = ['A', 'B'].map((id) => held.agent.next(`f/${id}`));
  const finish = async (run: Awaited<(typeof runs)[number]>) => {
    await run.write(`${run.label.slice(2)}.txt`, 'done');
    run.finish();
  };
  const first = await Promise.race(runs);
  const waits = (story: Story) => story.of('task.phase').some(({ phase }) => phase === 'session-wait');
  await held.until(waits);
  rig.time += 1_000_000;
  await finish(first);
  await finish(await (runs[first.label === 'f/A' ? 1 : 0] as (typeof runs)[number]));
  const built = await held.done;
  for (const { task, ms } of built.of('task.finished'))
    expect([task, ms > 500_000]).toEqual([task, task === first.label]);
});

test('the time of a task that is only verified is that of its gates', async () => {
  await using rig = await createRig({ config: { workers: 1 } });
  const task = (output: string, verify: string) => ({
    description: 'x',
    inputs: [],
    outputs: [output],
    verify: [verify],
  });
  for (const id of ['A', 'B']) rig.answer(`f/${id}`, () => ({ [`${id}.txt`]: 'done' }));
  rig.backlog('f', { A: task('A.txt', 'true'), B: task('B.txt', 'true') });
  await rig.build();
  rig.backlog('f', { A: task('A.txt', 'test -e A.txt'), B: task('B.txt', 'test -e B.txt') });
  const verified = await rig.build();
  expect(verified.outcomes()).toEqual({ 'f/A': 'verified', 'f/B': 'verified' });
  for (const event of verified.of('task.finished')) expect(event.ms).toBeGreaterThan(0);
});
