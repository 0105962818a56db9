/** Several projects in one command, one of which cannot be built: what the others do, and what is told. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { ok } from '../../base/result.js';
import { inSession, openWritingSession } from '../../build/project-session.js';
import { projectStatus } from '../../commands/projects/project-status.js';
import type { ListedProject } from '../../model/projects/project-list.js';
import { ProjectsRig } from '../rig/projects-rig.js';
import type { Rig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

/** `web` gets what `api` publishes, and `tools` has nothing to do with either. */
async function three(projects: ProjectsRig, into = 'imports/api') {
  const api = await projects.add('api', {}, { config: { attempts: 1 } });
  const web = await projects.add('web', { depends_on: [{ project: 'api', into }] });
  const tools = await projects.add('tools');
  for (const rig of [api, web, tools]) {
    rig.backlog('f', { T1: task('a.txt') });
    rig.answer('f/T1', { 'a.txt': 'x' });
  }
  return { api, web };
}

test('a project that fails stops only those that need it', async () => {
  await using projects = new ProjectsRig();
  const { api, web } = await three(projects);
  await projects.add('late', { depends_on: ['web'] });
  api.answer('f/T1', { kind: 'agent-blocked', because: 'no', needs: 'file', output: { tail: '' } });
  const built = await projects.build();
  expect(built.outcomes()).toEqual({ api: 'failed', web: 'skipped', tools: 'built', late: 'skipped' });
  expect(built.of('web').because).toBe('api');
  expect(built.of('late').because).toBe('web');
  expect(built.summary.exitCode).toBe(1);
  expect(built.ran('web')).toEqual([]);
  expect(web.read('imports/api/a.txt')).toBeUndefined();
});

test('an error of the disk in one project is its failure, and the others are built and shown', async () => {
  await using projects = new ProjectsRig();
  // Longer than a file system takes.
  await three(projects, 'x'.repeat(300));
  const failure = { kind: 'system-error', code: 'ENAMETOOLONG' };
  for (const dryRun of [true, false]) {
    const built = await projects.build({ build: { dryRun } });
    const done = dryRun ? 'would-build' : 'built';
    expect(built.outcomes()).toEqual({ api: done, web: 'failed', tools: done });
    expect(built.of('web').failure).toMatchObject(failure);
  }
  const { list } = projects.parts(() => {}, new AbortController().signal, projects.agents());
  const hostOf = ({ name }: ListedProject) =>
    (projects.rigs.get(name) as Rig).host(new ScriptedAgent({ tripwire: true }));
  const rows = await projectStatus({ list, projects: list.projects }, hostOf, { now: 0, warn: () => {} });
  expect(rows.map((row) => [row.project.name, row.failure?.kind])).toEqual([
    ['api', undefined],
    ['web', 'system-error'],
    ['tools', undefined],
  ]);
});

test('without waiting, a project that another command builds is locked, and gets no copies', async () => {
  await using projects = new ProjectsRig();
  const { web } = await three(projects);
  const signal = new AbortController().signal;
  const host = web.host(new ScriptedAgent({}));
  const other = openWritingSession(host, { command: 'conductor build', wait: true, signal }, () => {});
  await inSession(other, async () => {
    const built = await projects.build({ only: ['web'], build: { wait: false } });
    expect(built.outcomes()).toEqual({ api: 'built', web: 'failed' });
    expect(built.of('web')).toMatchObject({ exitCode: 2, failure: { kind: 'locked' } });
    return ok(undefined);
  });
  expect(web.read('imports/api/a.txt')).toBeUndefined();
});
