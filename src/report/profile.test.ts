import { expect, test } from 'vitest';
import type { BuildEvent, BuildEventBody } from '../model/event.js';
import type { ProjectEvent } from '../model/projects/project-event.js';
import { Profile, ProjectsProfile } from './profile.js';

function traceOf(events: readonly (readonly [at: number, body: object])[], git: readonly number[][] = []) {
  const profile = new Profile();
  for (const [at, body] of events)
    profile.on({ schema: 1, seq: 1, at, ...(body as BuildEventBody) } as BuildEvent);
  for (const [at = 0, ms = 0] of git) profile.onGit({ command: 'add', at, ms });
  const { traceEvents } = JSON.parse(profile.text()) as { traceEvents: Record<string, unknown>[] };
  return traceEvents.filter(({ ph }) => ph === 'X');
}

const checked = (task: string, kind = 'stale') => ({
  type: 'task.checked',
  task,
  verdict: { kind, reasons: [] },
});

test('a task has its wait and its phases in one lane, tasks at the same time have lanes of their own', () => {
  const slices = traceOf([
    [1000, { type: 'build.started', build: 'b', command: 'c', version: '1' }],
    [1010, { type: 'build.planned', tasks: [] }],
    [1020, checked('f/A')],
    [1021, checked('f/B')],
    [1022, checked('f/C', 'fresh')],
    [1023, { type: 'task.finished', task: 'f/C', outcome: 'fresh', ms: 1 }],
    [1030, { type: 'task.started', task: 'f/A', attempt: 1, recipe: 'run' }],
    [1030, { type: 'task.phase', task: 'f/A', attempt: 1, phase: 'workspace' }],
    [1040, { type: 'task.phase', task: 'f/A', attempt: 1, phase: 'gates' }],
    [1055, { type: 'task.finished', task: 'f/A', outcome: 'built', ms: 25 }],
    [1056, { type: 'task.finished', task: 'f/B', outcome: 'cached', ms: 2 }],
    [1060, checked('f/D')],
    [1070, { type: 'task.finished', task: 'f/D', outcome: 'cached', ms: 2 }],
    [1080, { type: 'build.finished', summary: {} }],
  ]);
  const tasks = slices.filter(({ pid }) => pid === 2).map(({ name, ts, dur, tid }) => [name, ts, dur, tid]);
  expect(tasks).toEqual([
    ['f/A', 20_000, 35_000, 0],
    ['wait for a worker', 20_000, 10_000, 0],
    ['workspace', 30_000, 10_000, 0],
    ['gates', 40_000, 15_000, 0],
    ['f/B', 21_000, 35_000, 1],
    ['f/D', 60_000, 10_000, 0],
  ]);
  expect(slices.filter(({ pid }) => pid === 1).map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
    ['loading', 0, 10_000],
    ['analysis and execution', 10_000, 70_000],
  ]);
});

test('waits have a category of their own; a gate lies in its phase, one of the whole build beside its steps', () => {
  const phase = (name: string, detail?: string) => ({
    ...{ type: 'task.phase', task: 'f/A', attempt: 1, phase: name },
    ...(detail === undefined ? {} : { detail }),
  });
  const slices = traceOf([
    [1000, { type: 'build.started', build: 'b', command: 'c', version: '1' }],
    [1001, { type: 'build.waiting', pid: 1, command: 'conductor watch', since: '' }],
    [1010, { type: 'build.planned', tasks: [] }],
    [1020, checked('f/A')],
    [1020, { type: 'task.started', task: 'f/A', attempt: 1, recipe: 'agent' }],
    [1020, phase('session-wait', 'openai')],
    [1040, phase('agent')],
    [1050, phase('gates')],
    // Measured with fractions: it would begin before its phase.
    [1060, { type: 'gate.finished', task: 'f/A', gate: 'npm test', ok: false, ms: 10.7 }],
    [1061, { type: 'task.finished', task: 'f/A', outcome: 'failed', ms: 41 }],
    [1080, { type: 'gate.finished', gate: 'npm run lint', ok: true, ms: 15 }],
    [1090, { type: 'build.finished', summary: {} }],
  ]);
  const of = (cat: string) => slices.filter((slice) => slice.cat === cat);
  expect(of('wait').map(({ name, ts, dur, args }) => [name, ts, dur, args])).toEqual([
    ['wait for a session', 20_000, 20_000, { detail: 'openai' }],
  ]);
  expect(of('phase').map(({ name }) => name)).toEqual(['agent', 'gates']);
  expect(of('gate').map(({ name, ts, dur, pid, tid, args }) => [name, ts, dur, pid, tid, args])).toEqual([
    ['npm run lint', 65_000, 15_000, 1, 1, { ok: true }],
    ['npm test', 50_000, 10_000, 2, 0, { ok: false }],
  ]);
  expect(of('build').map(({ name }) => name)).toEqual([
    'loading',
    'wait for conductor watch, then loading',
    'analysis and execution',
  ]);
});

test('git processes beside each other are in lanes of their own', () => {
  const slices = traceOf(
    [[0, { type: 'build.started', build: 'b', command: 'c', version: '1' }]],
    [
      [5, 10],
      [7, 2],
      [9, 1],
      [15, 1],
    ],
  );
  expect(slices.map(({ name, ts, tid }) => [name, ts, tid])).toEqual([
    ['git add', 5000, 0],
    ['git add', 7000, 1],
    ['git add', 9000, 1],
    ['git add', 15_000, 0],
  ]);
});

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
