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

/** `api` publishes a contract, `web` is built from it, and `tools` has nothing to do with either. */
async function three(projects: ProjectsRig): Promise<{ api: Rig; web: Rig; tools: Rig }> {
  const api = await projects.add('api');
  const web = await projects.add('web', {
    depends_on: [{ project: 'api', outputs: ['out/**'], into: 'vendor/api' }],
  });
  const tools = await projects.add('tools');
  api.backlog('f', { T1: task('out/contract.txt'), T2: task('private.txt') });
  web.backlog('f', { T1: task('page.txt', { inputs: ['vendor/api/**'] }) });
  tools.backlog('f', { T1: task('tool.txt') });
  api.answer('f/T1', { 'out/contract.txt': 'first' });
  api.answer('f/T2', { 'private.txt': 'secret' });
  // What stands in it: an agent that changes nothing has not worked.
  web.answer('f/T1', () => ({ 'page.txt': `page of ${contractsOf(web)}` }));
  tools.answer('f/T1', { 'tool.txt': 'tool' });
  return { api, web, tools };
}

test('a project is built after what it needs, from its published outputs; nothing is done twice', async () => {
  await using projects = new ProjectsRig();
  const { api, web } = await three(projects);
  const first = await projects.build();
  expect(first.outcomes()).toEqual({ api: 'built', web: 'built', tools: 'built' });
  expect(first.summary.exitCode).toBe(0);
  expect(web.read('vendor/api/out/contract.txt')).toBe('first');
  expect(web.read('vendor/api/private.txt')).toBeUndefined();
  expect(web.read('page.txt')).toBe('page of first ');
  const order = first.events.flatMap((event) => (event.type === 'project.finished' ? [event.project] : []));
  expect(order.indexOf('api')).toBeLessThan(order.indexOf('web'));
  expect(first.of('api')).toMatchObject({ jobs: 2 });

  const second = await projects.build({}, { tripwire: true });
  expect(second.outcomes()).toEqual({ api: 'up-to-date', web: 'up-to-date', tools: 'up-to-date' });

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

test('only the named projects are built, with those that they need', async () => {
  await using projects = new ProjectsRig();
  await three(projects);
  expect((await projects.build({ only: ['web'] })).outcomes()).toEqual({ api: 'built', web: 'built' });
});

test('one limit of workers holds over all projects, and the numbers of one project within it', async () => {
  await using projects = new ProjectsRig();
  projects.limits = { workers: 3 };
  let running = 0;
  let most = 0;
  const own = new Map<string, { running: number; most: number }>();
  for (const name of ['one', 'two', 'narrow']) {
    const entry = name === 'narrow' ? { workers: { max: 1 }, priority: 'critical' as const } : {};
    const rig = await projects.add(name, entry, { config: { workers: 50 } });
    const count = { running: 0, most: 0 };
    own.set(name, count);
    const ids = ['T1', 'T2', 'T3', 'T4'];
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
  expect(most).toBeLessThanOrEqual(3);
  expect(own.get('narrow')?.most).toBe(1);
  expect(built.of('one')).toMatchObject({ jobs: 4 });
});

test('one limit of agents holds over all projects', async () => {
  await using projects = new ProjectsRig();
  projects.limits = { workers: 8, agents: 1 };
  let running = 0;
  let most = 0;
  for (const name of ['one', 'two']) {
    const rig = await projects.add(name);
    rig.backlog('f', { T1: task('1.txt'), T2: task('2.txt') });
    for (const n of [1, 2])
      rig.answer(`f/T${n}`, async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return { [`${n}.txt`]: 'x' };
      });
  }
  expect((await projects.build()).summary.exitCode).toBe(0);
  expect(most).toBe(1);
});

test('one budget holds over all projects', async () => {
  await using projects = new ProjectsRig();
  projects.limits = { workers: 1, usd: 2.5 };
  for (const name of ['one', 'two']) {
    const rig = await projects.add(name, {}, { config: { attempts: 1 } });
    rig.backlog('f', { T1: task('1.txt'), T2: task('2.txt') });
    for (const n of [1, 2]) rig.answer(`f/T${n}`, { [`${n}.txt`]: 'x' });
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
  const asked = built.ran('one').length + built.ran('two').length;
  expect(asked).toBe(3);
});

test('a copy that a person changed is not overwritten; one that is no longer published is removed', async () => {
  await using projects = new ProjectsRig();
  const { api, web } = await three(projects);
  await projects.build();
  web.write({ 'vendor/api/out/contract.txt': 'mine' });
  api.backlog('f', { T1: task('out/contract.txt', { description: 'another' }), T2: task('private.txt') });
  api.answer('f/T1', { 'out/contract.txt': 'second' });
  const refused = await projects.build();
  expect(refused.outcomes()).toMatchObject({ api: 'built', web: 'failed', tools: 'up-to-date' });
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

test('a dry run and a frozen build change nothing, and tell copies that are out of date', async () => {
  await using projects = new ProjectsRig();
  const { api, web } = await three(projects);
  const first = await projects.build({ build: { dryRun: true } }, { tripwire: true });
  expect(first.summary.exitCode).toBe(0);
  expect(first.outcomes()).toEqual({ api: 'would-build', web: 'would-build', tools: 'would-build' });
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
  expect(frozen.outcomes()).toEqual({ api: 'up-to-date', web: 'failed', tools: 'up-to-date' });
  expect(frozen.summary.exitCode).toBe(1);
  expect(frozen.of('web').failure).toEqual({ kind: 'not-up-to-date', tasks: [], files: stale });
  expect(web.read('vendor/api/out/contract.txt')).toBe('first');
});

test('a list of projects takes what a build takes: since a commit, by hand or by the store alone', async () => {
  await using projects = new ProjectsRig();
  const { tools, ...others } = await three(projects);
  await projects.build();
  for (const rig of [tools, others.api, others.web]) rig.commit();
  tools.backlog('f', { T1: task('tool.txt'), T2: task('more.txt') });
  tools.answer('f/T2', { 'more.txt': 'more' });
  const restored = await projects.build({ build: { restoreOnly: true } }, { tripwire: true });
  expect(restored.outcomes()).toEqual({ api: 'up-to-date', web: 'up-to-date', tools: 'failed' });
  const since = await projects.build({ build: { since: 'HEAD' } });
  expect(since.outcomes()).toEqual({ api: 'up-to-date', web: 'up-to-date', tools: 'built' });
  expect(since.ran('tools')).toEqual(['f/T2']);
});
