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
  expect(deadlineOf('2024-02-29T10:00+02:00')).toBe(Date.UTC(2024, 1, 29, 8));
  for (const other of [
    '5',
    '01.02.2027',
    '2026-02-29',
    '2026-02-31T10:00:00Z',
    '2026-13-01',
    '2026-03-01T10:00:00',
    '2026-03-01T25:00Z',
  ])
    expect(deadlineOf(other), other).toBeNaN();
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

test('an address or a branch that git would not take for one is refused', () => {
  const git = (address: string) => messages({ a: { git: address } });
  for (const sound of [
    'git@example.com:team/a.git',
    'https://ada:token@example.com/a.git',
    'ssh://git@example.com:2222/a.git',
    '../a.git',
    '/srv/a b.git',
    'C:/repos/a.git',
    'a-b',
  ])
    expect(git(sound), sound).toEqual([]);
  for (const hostile of [
    '--upload-pack=touch /tmp/x',
    '-u',
    'ext::sh -c touch% /tmp/x',
    'fd::17',
    'ssh://-oProxyCommand=touch/x',
    'ssh://ada@-oProxyCommand=touch/x',
    'ada@-oProxyCommand=touch:x',
    'a\nb',
    'a\0b',
  ])
    expect(git(hostile), hostile).toHaveLength(1);
  const branch = (name: string) => messages({ a: { git: '../a.git', branch: name } });
  for (const sound of ['main', 'feature/one', 'v1.0.1', '@home']) expect(branch(sound), sound).toEqual([]);
  for (const hostile of [
    '--upload-pack=x',
    '+main',
    'main:refs/heads/other',
    'a b',
    'a..b',
    'refs/*',
    'x.lock',
    '@{u}',
    'a\0',
  ])
    expect(branch(hostile), hostile).toHaveLength(1);
});

test('copies go to folders of the project, none inside another', () => {
  const into = (...folders: readonly string[]) => {
    const needs = folders.map((folder, at) => ({ project: `p${at}`, into: folder }));
    const others = Object.fromEntries(folders.map((_, at) => [`p${at}`, { path: `p${at}` }]));
    return messages({ a: { path: 'a', depends_on: needs }, ...others });
  };
  expect(into('vendor/one', 'vendor/two', 'vendored')).toEqual([]);
  for (const hostile of [
    '/etc',
    '../other',
    'a/../../b',
    '.git/hooks',
    '.GIT',
    '.conductor/x',
    'a//b',
    '*',
    '',
  ])
    expect(into(hostile), hostile).toHaveLength(1);
  expect(into('vendor', 'vendor/two')).toEqual([
    'projects.a.depends_on.1: the outputs of p0 go to `vendor`, and these to `vendor/two`: one is inside the other',
  ]);
  expect(into('vendor/two', 'vendor')).toHaveLength(1);
});
