/** Watching several projects: what one publishes is built into those that need it, within the limits of each. */

import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ScriptedAgent, ScriptedOptions } from '../../agent/scripted-agent.js';
import { watchProjects } from '../../commands/projects/watch-projects.js';
import { openFileEvents } from '../../commands/watch/file-events.js';
import type { BuildEvent } from '../../model/event.js';
import type { ProjectEvent } from '../../model/projects/project-event.js';
import { until } from '../rig/command-line.js';
import { ProjectsRig } from '../rig/projects-rig.js';
import type { Rig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

interface Watching {
  readonly events: readonly ProjectEvent[];
  readonly agents: ReadonlyMap<string, ScriptedAgent>;
  eventsOf(project: string): BuildEvent[];
  /** The time has come for what is done again after a while. */
  tick(): void;
}

/** Watches while the story goes on. */
async function watching(
  projects: ProjectsRig,
  story: (watch: Watching) => Promise<void>,
  scripted: ScriptedOptions = {},
): Promise<void> {
  const events: ProjectEvent[] = [];
  const stop = new AbortController();
  const agents = projects.agents(scripted);
  const later = new Set<() => void>();
  const watched = watchProjects(
    {
      ...projects.parts((event) => events.push(event), stop.signal, agents),
      poll: false,
      openEvents: openFileEvents,
      after(ms, call) {
        if (ms >= 1000) {
          later.add(call);
          return () => later.delete(call);
        }
        const timer = setTimeout(call, ms);
        return () => clearTimeout(timer);
      },
    },
    [],
    () => {},
  );
  const eventsOf = (project: string) =>
    events.flatMap((event) =>
      event.type === 'project.event' && event.project === project ? [event.event] : [],
    );
  try {
    const tick = () => {
      for (const call of [...later]) call();
    };
    await story({ events, agents, eventsOf, tick });
  } finally {
    stop.abort();
    expect((await watched).ok).toBe(true);
  }
}

/** `api` publishes a contract of its source, and `web` a page of the contract. */
function answers(api: Rig, web: Rig): void {
  api.backlog('f', { T1: task('contract.txt', { inputs: ['source.txt'] }) });
  api.write({ 'source.txt': 'first' });
  api.answer('f/T1', () => ({ 'contract.txt': `contract of ${api.read('source.txt')}` }));
  web.backlog('f', { T1: task('page.txt', { inputs: ['imports/api/**'] }) });
  web.answer('f/T1', () => ({ 'page.txt': `page of ${web.read('imports/api/contract.txt')}` }));
}

test('a change in one project is built there, copied into the one that needs it, and built there too', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api');
  const web = await projects.add('web', { depends_on: ['api'] });
  answers(api, web);
  await watching(projects, async ({ agents, eventsOf }) => {
    await until('the first builds', () => web.read('page.txt') === 'page of contract of first');
    const isIdle = (name: string) => eventsOf(name).some(({ type }) => type === 'watch.idle');
    await until('both to be idle', () => isIdle('api') && isIdle('web'));
    api.write({ 'source.txt': 'second' });
    await until('the second builds', () => web.read('page.txt') === 'page of contract of second');
    expect(agents.get('web')?.runs).toHaveLength(2);
  });
});

test('a project that fails neither stops those that need it nor changes their copies', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api', {}, { config: { attempts: 1 } });
  const gone = await projects.add('gone');
  const tools = await projects.add('tools');
  const web = await projects.add('web', { depends_on: ['api', 'gone', 'tools'] });
  answers(api, web);
  tools.backlog('f', { T1: task('tool.txt') });
  tools.answer('f/T1', { 'tool.txt': 'tool' });
  gone.dir = gone.path('missing');
  const sound = api.read('specs/f/BACKLOG.yaml') as string;
  api.write({ 'specs/f/BACKLOG.yaml': 'tasks: [' });
  const page = (text: string) => until(text, () => web.read('page.txt') === `page of ${text}`);
  await watching(projects, async ({ events }) => {
    await page('undefined');
    const failed = events.flatMap((event) => (event.type === 'project.failure' ? [event.project] : []));
    expect([...failed, web.read('imports/tools/tool.txt')]).toEqual(['gone', 'tool']);
    api.write({ 'specs/f/BACKLOG.yaml': sound });
    await page('contract of first');
  });

  // One feature is published, another one fails, and `tools` has nothing to do.
  api.write({ 'source.txt': 'second' });
  api.backlog('g', { T1: task('other.txt') });
  api.answer('g/T1', { kind: 'agent-blocked', because: 'no', needs: 'file', output: { tail: '' } });
  web.remove('imports/tools/tool.txt');
  await watching(projects, async ({ eventsOf }) => {
    await until('web to be idle', () => eventsOf('web').some(({ type }) => type === 'watch.idle'));
    expect(api.read('contract.txt')).toBe('contract of second');
    expect(web.read('imports/api/contract.txt')).toBe('contract of first');
    expect(web.read('imports/tools/tool.txt')).toBe('tool');
    api.remove('specs/g');
    await page('contract of second');
  });
});

test('a project whose files could not be scanned once is copied again as soon as they can be', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api');
  const web = await projects.add('web', { depends_on: ['api'] });
  answers(api, web);
  await watching(projects, async ({ eventsOf, tick }) => {
    await until('the builds', () => eventsOf('web').some(({ type }) => type === 'watch.idle'));
    const strange = Buffer.concat([Buffer.from(api.path('a')), Buffer.from([0xe9])]);
    const isTold = (name: string) => eventsOf('api').some(({ type }) => type === name);
    writeFileSync(strange, '');
    await until('the problem', () => {
      tick();
      return isTold('watch.problem');
    });
    web.remove('imports/api/contract.txt');
    rmSync(strange);
    await until('the end of the problem', () => {
      tick();
      return isTold('watch.corrected');
    });
    await until('the copy', () => web.read('imports/api/contract.txt') === 'contract of first');
    expect(eventsOf('api').filter(({ type }) => type === 'build.started')).toHaveLength(1);
  });
});

test('a project that could not be prepared at first is watched as soon as it can be', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api', { targets: ['f'] });
  const web = await projects.add('web', { depends_on: ['api'] });
  answers(api, web);
  const [whole, missing] = [api.dir, api.path('missing')];
  api.dir = missing;
  await watching(projects, async ({ events, eventsOf, tick }) => {
    await until('web without copies', () => web.read('page.txt') === 'page of undefined');
    const failures = () => events.filter(({ type }) => type === 'project.failure');
    // A folder without tasks names no target.
    api.backlog('g', { T1: task('other.txt') });
    await until('another failure', () => {
      tick();
      return failures().length === 2;
    });
    const started = () => eventsOf('api').filter(({ type }) => type === 'watch.started');
    expect(started()).toHaveLength(0);
    answers(api, web);
    await until('the copies', () => {
      tick();
      return web.read('page.txt') === 'page of contract of first';
    });
    expect([failures().length, started().length]).toEqual([2, 1]);
  });
  api.dir = whole;
}, 120_000);

test('the budget of a listed project holds for each of its builds', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api', { budget: { usd: 0.5 } }, { config: { attempts: 1 } });
  projects.limits = { workers: 1 };
  api.backlog('f', { T1: task('a.txt'), T2: task('b.txt') });
  api.answer('f/T1', { 'a.txt': 'x' });
  api.answer('f/T2', { 'b.txt': 'x' });
  await watching(
    projects,
    async ({ eventsOf }) => {
      await until('the build', () => eventsOf('api').some(({ type }) => type === 'build.finished'));
      expect(eventsOf('api')).toContainEqual(
        expect.objectContaining({
          type: 'task.finished',
          failure: expect.objectContaining({ kind: 'budget-exceeded', limit: 0.5 }),
        }),
      );
    },
    { usage: { costUsd: 1 } },
  );
});
