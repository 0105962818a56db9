/** Several projects in one command: their order, what one gets of another, and the limits that they share. */

import { expect, test } from 'vitest';
import { ProjectsRig } from '../rig/projects-rig.js';
import type { Rig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

const contractsOf = (web: Rig) =>
  ['contract', 'other'].map((name) => web.read(`vendor/api/out/${name}.txt`)).join(' ');

/** `api` publishes a contract, and `web` is built from it. */
async function two(projects: ProjectsRig): Promise<{ api: Rig; web: Rig }> {
  const api = await projects.add('api');
  const web = await projects.add('web', {
    depends_on: [{ project: 'api', outputs: ['out/**'], into: 'vendor/api' }],
  });
  api.backlog('f', { T1: task('out/contract.txt'), T2: task('private.txt') });
  web.backlog('f', { T1: task('page.txt', { inputs: ['vendor/api/**'] }) });
  api.answer('f/T1', { 'out/contract.txt': 'first' });
  api.answer('f/T2', { 'private.txt': 'secret' });
  // What stands in it: an agent that changes nothing has not worked.
  web.answer('f/T1', () => ({ 'page.txt': `page of ${contractsOf(web)}` }));
  return { api, web };
}

test('only the named project is built, after what it needs, from its published outputs; nothing is done twice', async () => {
  await using projects = new ProjectsRig();
  const { api, web } = await two(projects);
  const tools = await projects.add('tools');
  tools.backlog('f', { T1: task('tool.txt') });
  tools.answer('f/T1', { 'tool.txt': 'tool' });
  const first = await projects.build({ only: ['web'] });
  expect(first.outcomes()).toEqual({ api: 'built', web: 'built' });
  expect(first.summary.exitCode).toBe(0);
  expect(web.read('vendor/api/out/contract.txt')).toBe('first');
  expect(web.read('vendor/api/private.txt')).toBeUndefined();
  expect(web.read('page.txt')).toBe('page of first ');
  const order = first.events.flatMap((event) => (event.type === 'project.finished' ? [event.project] : []));
  expect(order.indexOf('api')).toBeLessThan(order.indexOf('web'));
  expect(first.of('api')).toMatchObject({ jobs: 2 });

  const second = await projects.build();
  expect(second.outcomes()).toEqual({ api: 'up-to-date', web: 'up-to-date', tools: 'built' });
  expect([second.ran('api'), second.ran('web')]).toEqual([[], []]);

  api.backlog('f', { T1: task('out/contract.txt', { description: 'another' }), T2: task('private.txt') });
  api.answer('f/T1', { 'out/contract.txt': 'second' });
  const third = await projects.build();
  expect(third.ran('api')).toEqual(['f/T1']);
  expect(third.ran('web')).toEqual(['f/T1']);
  expect(third.ran('tools')).toEqual([]);
  expect(web.read('vendor/api/out/contract.txt')).toBe('second');
});

test('projects that do not need each other are built at the same time', async () => {
  await using projects = new ProjectsRig();
  const one = await projects.add('one');
  const two = await projects.add('two');
  let arrived = 0;
  let meet = () => {};
  const met = new Promise<void>((resolve) => {
    meet = resolve;
  });
  for (const rig of [one, two]) {
    rig.backlog('f', { T1: task('a.txt') });
    rig.answer('f/T1', async () => {
      if (++arrived === 2) meet();
      await met;
      return { 'a.txt': 'x' };
    });
  }
  expect((await projects.build()).outcomes()).toEqual({ one: 'built', two: 'built' });
});

test('one limit of workers holds over all projects, and the numbers of one project within it', async () => {
  await using projects = new ProjectsRig();
  projects.limits = { workers: 2 };
  let running = 0;
  let most = 0;
  const own = new Map<string, { running: number; most: number }>();
  for (const name of ['one', 'two', 'narrow']) {
    const entry = name === 'narrow' ? { workers: { max: 1 }, priority: 'critical' as const } : {};
    const rig = await projects.add(name, entry, { config: { workers: 50 } });
    const count = { running: 0, most: 0 };
    own.set(name, count);
    const ids = ['T1', 'T2'];
    rig.backlog('f', Object.fromEntries(ids.map((id) => [id, task(`${id}.txt`)])));
    for (const id of ids)
      rig.answer(`f/${id}`, async () => {
        most = Math.max(most, ++running);
        count.most = Math.max(count.most, ++count.running);
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        running--;
        count.running--;
        return { [`${id}.txt`]: 'x' };
      });
  }
  const built = await projects.build();
  expect(built.summary.exitCode).toBe(0);
  expect(most).toBeLessThanOrEqual(2);
  expect(own.get('narrow')?.most).toBe(1);
  expect(built.of('one')).toMatchObject({ jobs: 2 });
});

test('one limit of agents and one budget hold over all projects', async () => {
  await using projects = new ProjectsRig();
  projects.limits = { workers: 8, agents: 1, usd: 2.5 };
  let running = 0;
  let most = 0;
  for (const name of ['one', 'two']) {
    const rig = await projects.add(name, {}, { config: { attempts: 1 } });
    rig.backlog('f', { T1: task('1.txt'), T2: task('2.txt') });
    for (const n of [1, 2])
      rig.answer(`f/T${n}`, async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return { [`${n}.txt`]: 'x' };
      });
  }
  const built = await projects.build({}, { usage: { costUsd: 1 } });
  const failures = ['one', 'two'].flatMap((name) =>
    built
      .eventsOf(name)
      .flatMap((event) => (event.type === 'task.finished' && event.failure ? [event.failure] : [])),
  );
  expect(failures.length).toBeGreaterThanOrEqual(1);
  for (const failure of failures)
    expect(failure).toMatchObject({ kind: 'budget-exceeded', scope: 'projects', limit: 2.5 });
  expect(built.summary.exitCode).toBe(1);
  expect(most).toBe(1);
  const asked = built.ran('one').length + built.ran('two').length;
  expect(asked).toBe(3);
});

test("copies: a dry run and a frozen build only tell those that are out of date, a person's change stays, and what is no longer published is removed", async () => {
  await using projects = new ProjectsRig();
  const { api, web } = await two(projects);
  const first = await projects.build({ build: { dryRun: true } }, { tripwire: true });
  expect(first.summary.exitCode).toBe(0);
  expect(first.outcomes()).toEqual({ api: 'would-build', web: 'would-build' });
  expect([api.read('out/contract.txt'), web.read('vendor/api/.conductor-import.json')]).toEqual([
    undefined,
    undefined,
  ]);
  const copies = { from: 'api', into: 'vendor/api', stale: [], edited: [], mayChange: true };
  expect(first.events).toContainEqual({ type: 'project.copies', project: 'web', copies });
  await projects.build();
  api.backlog('f', { T1: task('out/contract.txt', { description: 'another' }), T2: task('private.txt') });
  api.answer('f/T1', { 'out/contract.txt': 'second' });
  expect((await projects.build({ only: ['api'] })).outcomes()).toEqual({ api: 'built' });

  const dry = await projects.build({ build: { dryRun: true } }, { tripwire: true });
  const stale = ['vendor/api/out/contract.txt'];
  expect(dry.events.filter(({ type }) => type === 'project.copies')).toEqual([
    {
      type: 'project.copies',
      project: 'web',
      copies: { from: 'api', into: 'vendor/api', stale, edited: [] },
    },
  ]);
  const frozen = await projects.build({ build: { frozen: true } }, { tripwire: true });
  expect(frozen.outcomes()).toEqual({ api: 'up-to-date', web: 'failed' });
  expect(frozen.summary.exitCode).toBe(1);
  expect(frozen.of('web').failure).toEqual({ kind: 'not-up-to-date', tasks: [], files: stale });
  expect(web.read('vendor/api/out/contract.txt')).toBe('first');

  web.write({ 'vendor/api/out/contract.txt': 'mine' });
  const refused = await projects.build();
  expect(refused.outcomes()).toEqual({ api: 'up-to-date', web: 'failed' });
  expect(refused.of('web').failure).toEqual({
    kind: 'files-in-the-way',
    paths: ['vendor/api/out/contract.txt'],
    copiesOf: 'api',
  });
  expect(web.read('vendor/api/out/contract.txt')).toBe('mine');

  web.write({ 'vendor/api/out/contract.txt': 'first' });
  expect((await projects.build()).outcomes()).toMatchObject({ web: 'built' });
  expect(web.read('vendor/api/out/contract.txt')).toBe('second');

  api.backlog('f', { T1: task('out/other.txt'), T2: task('private.txt') });
  api.answer('f/T1', { 'out/other.txt': 'other' });
  const moved = await projects.build();
  expect(moved.outcomes()).toMatchObject({ web: 'built' });
  expect(web.read('vendor/api/out/contract.txt')).toBeUndefined();
  expect(web.read('vendor/api/out/other.txt')).toBe('other');
});

test('a list of projects takes what a build takes: since a commit, by hand or by the store alone', async () => {
  await using projects = new ProjectsRig();
  for (const name of ['one', 'two']) {
    const rig = await projects.add(name);
    rig.backlog('f', { T1: task('1.txt') });
    rig.answer('f/T1', { '1.txt': 'x' });
  }
  await projects.build({ only: ['one'] });
  for (const rig of projects.rigs.values()) rig.commit();
  const two = projects.rigs.get('two') as Rig;
  two.backlog('f', { T1: task('1.txt'), T2: task('2.txt') });
  two.answer('f/T2', { '2.txt': 'x' });
  const restored = await projects.build({ build: { restoreOnly: true } }, { tripwire: true });
  expect(restored.outcomes()).toEqual({ one: 'up-to-date', two: 'failed' });
  const since = await projects.build({ build: { since: 'HEAD' } });
  expect(since.outcomes()).toEqual({ one: 'up-to-date', two: 'built' });
  expect(since.ran('two')).toEqual(['f/T2']);
});

test('a long list has few projects open at once, the ones with more weight first', async () => {
  await using projects = new ProjectsRig();
  projects.limits = { workers: 1 };
  const names = Array.from({ length: 10 }, (_, i) => `p${i}`);
  for (const name of names) {
    const rig = await projects.add(name, name === 'p9' ? { priority: 'high' } : {});
    rig.backlog('f', { T1: { inputs: [], outputs: ['x.txt'], run: 'echo x > x.txt' } });
  }
  const built = await projects.build();
  expect(Object.values(built.outcomes())).toEqual(names.map(() => 'built'));
  const open = new Set<string>();
  const order: string[] = [];
  let most = 0;
  for (const event of built.events) {
    if (event.type === 'project.finished') open.delete(event.project);
    if (event.type !== 'project.event' || order.includes(event.project)) continue;
    order.push(event.project);
    most = Math.max(most, open.add(event.project).size);
  }
  expect(most).toBe(8);
  expect(order.at(-1)).toBe('p8');
});
