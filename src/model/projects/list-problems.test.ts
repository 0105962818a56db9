import { expect, test } from 'vitest';
import { listProblems } from './list-problems.js';
import { deadlineOf, type ProjectEntry, resolveList } from './project-list.js';

const messages = (projects: Readonly<Record<string, ProjectEntry>>, workers = 4) =>
  listProblems({ limits: { workers }, projects }).map(({ path, message }) => `${path.join('.')}: ${message}`);

test('a sound list has no problem, and is resolved with its defaults, dependencies first', () => {
  const projects = {
    web: { path: 'web', depends_on: ['api', { project: 'docs', outputs: [] }] },
    docs: { git: 'https://example.com/docs.git', branch: 'main' },
    api: { path: '../api', priority: 'high' as const, workers: { min: 1 }, deadline: '2026-03-01' },
  };
  expect(messages(projects)).toEqual([]);
  const list = resolveList({ projects }, 'conductor.projects.yaml', (path) => `/all/${path}`);
  expect(list.projects.map(({ name }) => name)).toEqual(['api', 'docs', 'web']);
  const [api, docs, web] = list.projects;
  expect(api).toMatchObject({ folder: '/all/../api', least: 1, deadline: deadlineOf('2026-03-01') });
  expect(docs).toMatchObject({
    folder: '/all/.conductor/projects/docs',
    isOwnCheckout: true,
    priority: 'normal',
  });
  expect(web?.needs).toEqual([
    { project: 'api', outputs: ['**'], into: 'imports/api' },
    { project: 'docs', outputs: [], into: 'imports/docs' },
  ]);
});

test('a day lasts until its end in UTC', () => {
  expect(deadlineOf('2026-03-01')).toBe(Date.UTC(2026, 2, 2) - 1);
  expect(deadlineOf('2026-03-01T10:00:00Z')).toBe(Date.UTC(2026, 2, 1, 10));
});

test('each mistake of an entry is named with its place', () => {
  const found = messages({
    a: {},
    b: { path: 'b', branch: 'main', deadline: 'soon', workers: { min: 3, max: 2 } },
    c: { path: 'c', depends_on: ['c', 'bb'] },
    d: {
      path: 'd',
      depends_on: ['b', { project: 'c', into: 'imports/b' }, { project: 'a', into: '../out' }],
    },
  });
  expect(found).toEqual([
    'projects.a: a has neither `path` nor `git`',
    'projects.b.branch: `branch` is only for `git`',
    'projects.b.deadline: `soon` is no date',
    'projects.b.workers: `min` is 3, which is more than `max` (2)',
    'projects.c.depends_on.0: c depends on itself',
    'projects.c.depends_on.1: there is no project `bb`',
    'projects.d.depends_on.1: the outputs of b go to `imports/b` too',
    expect.stringMatching(/^projects\.d\.depends_on\.2\.into: `\.\.\/out` /),
  ]);
});

test('projects that need each other are named in a circle', () => {
  const [problem] = messages({
    a: { path: 'a', depends_on: ['b'] },
    b: { path: 'b', depends_on: ['c'] },
    c: { path: 'c', depends_on: ['b'] },
  });
  expect(problem).toBe('projects.b.depends_on: projects need each other in a circle: b → c → b');
});

test('minimums leave a worker for projects without one', () => {
  const of = (min: number) => ({ a: { path: 'a', workers: { min } }, b: { path: 'b' } });
  expect(messages(of(3))).toEqual([]);
  expect(messages(of(4))[0]).toContain('want 4 workers at least, but there are 4');
  expect(messages({ a: { path: 'a', workers: { min: 4 } } })).toEqual([]);
});
