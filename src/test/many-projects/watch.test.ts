/** Watching several projects: what one publishes is built into those that need it. */

import { expect, test } from 'vitest';
import { watchProjects } from '../../commands/projects/watch-projects.js';
import { openFileEvents } from '../../commands/watch/file-events.js';
import type { ProjectEvent } from '../../model/projects/project-event.js';
import { until } from '../rig/command-line.js';
import { ProjectsRig } from '../rig/projects-rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

test('a change in one project is built there, copied into the one that needs it, and built there too', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api');
  const web = await projects.add('web', { depends_on: ['api'] });
  api.backlog('f', { T1: task('contract.txt', { inputs: ['source.txt'] }) });
  api.write({ 'source.txt': 'first' });
  api.answer('f/T1', () => ({ 'contract.txt': `contract of ${api.read('source.txt')}` }));
  web.backlog('f', { T1: task('page.txt', { inputs: ['imports/api/**'] }) });
  web.answer('f/T1', () => ({ 'page.txt': `page of ${web.read('imports/api/contract.txt')}` }));

  const events: ProjectEvent[] = [];
  const stop = new AbortController();
  const agents = projects.agents();
  const watching = watchProjects(
    {
      ...projects.parts((event) => events.push(event), stop.signal, agents),
      poll: false,
      openEvents: openFileEvents,
      after(ms, call) {
        const timer = setTimeout(call, ms);
        return () => clearTimeout(timer);
      },
    },
    [],
    () => {},
  );
  try {
    await until('the first builds', () => web.read('page.txt') === 'page of contract of first');
    const isIdle = (name: string) =>
      events.some(
        (event) =>
          event.type === 'project.event' && event.project === name && event.event.type === 'watch.idle',
      );
    await until('both to be idle', () => isIdle('api') && isIdle('web'));
    api.write({ 'source.txt': 'second' });
    await until('the second builds', () => web.read('page.txt') === 'page of contract of second');
    expect(agents.get('web')?.runs).toHaveLength(2);
  } finally {
    stop.abort();
    expect((await watching).ok).toBe(true);
  }
});
