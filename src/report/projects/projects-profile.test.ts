import { expect, test } from 'vitest';
import type { BuildEvent } from '../../model/event.js';
import type { ProjectEvent } from '../../model/projects/project-event.js';
import { ProjectsProfile } from './projects-profile.js';

test('each project has processes of its own, on one clock with the git processes of all', () => {
  const profile = new ProjectsProfile();
  const of = (project: string, at: number, body: object) =>
    profile.on({
      ...{ type: 'project.event', project },
      event: { schema: 1, seq: 1, at, ...body } as unknown as BuildEvent,
    });
  profile.on({ type: 'projects.started', projects: ['api', 'off', 'web'], workers: 2 } as ProjectEvent);
  profile.onGit({ command: 'fetch', at: 990, ms: 5 });
  for (const [project, start] of [
    ['api', 1000],
    ['web', 1500],
  ] as const) {
    of(project, start, { type: 'build.started', build: 'b', command: 'c', version: '1' });
    of(project, start + 10, { type: 'build.planned', tasks: ['f/A'] });
    of(project, start + 20, { type: 'task.checked', task: 'f/A', verdict: { kind: 'stale', reasons: [] } });
    of(project, start + 30, { type: 'task.started', task: 'f/A', attempt: 1, recipe: 'run' });
    of(project, start + 50, { type: 'task.finished', task: 'f/A', outcome: 'built', ms: 20 });
    of(project, start + 60, { type: 'build.finished', summary: {} });
  }
  const { traceEvents } = JSON.parse(profile.text()) as { traceEvents: Record<string, unknown>[] };
  const names = traceEvents.filter(({ ph }) => ph === 'M').map(({ pid, args }) => [pid, args]);
  expect(names).toEqual([
    [1, { name: 'api: build' }],
    [2, { name: 'api: tasks' }],
    [3, { name: 'web: build' }],
    [4, { name: 'web: tasks' }],
    [5, { name: 'git processes' }],
  ]);
  const slices = traceEvents.filter(({ ph, cat }) => ph === 'X' && (cat === 'task' || cat === 'git'));
  expect(slices.map(({ pid, name, ts, dur }) => [pid, name, ts, dur])).toEqual([
    [2, 'f/A', 30_000, 30_000],
    [4, 'f/A', 530_000, 30_000],
    [5, 'git fetch', 0, 5000],
  ]);
});

test('a trace in which nothing was built opens', () => {
  const profile = new ProjectsProfile();
  profile.on({ type: 'projects.started', projects: ['api'], workers: 2 });
  expect(JSON.parse(profile.text())).toMatchObject({ traceEvents: [{ name: 'process_name' }] });
});
