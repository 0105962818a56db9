/** What builds of several projects may cost, before anything is paid: by project and in sum. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { estimateProjects } from '../../commands/projects/project-status.js';
import { type ListedProject, resolveList } from '../../model/projects/project-list.js';
import { projectEstimatesText } from '../../report/projects/estimates-text.js';
import { plainStyle } from '../../report/style.js';
import { TemporaryProject } from '../rig/command-line.js';
import { ProjectsRig } from '../rig/projects-rig.js';

test('each project is estimated from what it has built, and the sum is that of all; nothing is built or paid', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api');
  const web = await projects.add('web', { depends_on: ['api'] });
  const lone = await projects.add('lone');
  const task = (output: string) => ({ inputs: [], outputs: [output] });
  for (const rig of [api, web]) {
    rig.backlog('f', { T1: task('1.txt') });
    rig.answer('f/T1', { '1.txt': '1' });
    rig.commit();
  }
  lone.backlog('f', { T1: { ...task('1.txt'), run: 'echo 1 > 1.txt' } });
  lone.commit();
  const usage = { tokensIn: 1000, tokensOut: 500, costUsd: 0.25 };
  expect((await projects.build({}, { usage })).summary.exitCode).toBe(0);
  api.backlog('f', { T1: task('1.txt'), T2: task('2.txt'), T3: task('3.txt') });
  web.backlog('f', { T1: task('1.txt'), T2: task('2.txt') });

  const { list } = projects.parts(() => {}, new AbortController().signal, new Map());
  const gone = { ...(list.projects[0] as ListedProject), name: 'gone', folder: '/gone/from/here', needs: [] };
  const before = list.projects.map(({ name }) => projects.rigs.get(name)?.read('specs/f/.metadata.json'));
  const rows = await estimateProjects(
    { list, projects: [...list.projects, gone] },
    ({ name }) => (projects.rigs.get(name) ?? lone).host(new ScriptedAgent({ tripwire: true })),
    { force: false, discardEdits: false, warn: () => {} },
  );
  expect(rows.map(({ project, estimate }) => [project.name, estimate?.agentTasks.length])).toEqual([
    ['api', 2],
    ['web', 1],
    ['lone', 0],
    ['gone', undefined],
  ]);
  const text = projectEstimatesText(rows, plainStyle);
  expect(text).toContain('api  f/T2  1.5k tokens  $0.25');
  expect(text).toMatch(/^api {2}2 tasks to build, 2 by agents: about 3\.0k tokens, \$0\.50/m);
  expect(text).toMatch(/^web .* with new copies it may be more: needs api, not up to date$/m);
  expect(text).toMatch(/^lone nothing to build$/m);
  expect(text).toMatch(/^gone error: /m);
  expect(text).toMatch(
    /^conductor: 4 projects: 3 tasks to build, 3 by agents: about 4\.5k tokens, \$0\.75 \(from similar tasks\); 1 project without an estimate$/m,
  );
  const after = list.projects.map(({ name }) => projects.rigs.get(name)?.read('specs/f/.metadata.json'));
  expect(after).toEqual(before);
});

test('what gets outputs of a project that may change may change itself; what only waits for it does not', () => {
  const path = '/x';
  const { projects } = resolveList(
    {
      projects: {
        api: { path },
        web: { path, depends_on: ['api'] },
        site: { path, depends_on: ['web'] },
        shop: { path, depends_on: ['site'] },
        waits: { path, depends_on: [{ project: 'web', outputs: [] }] },
      },
    },
    'conductor.projects.yaml',
    (place) => place,
  );
  const estimate = (tasks: number) => ({ tasks, agentTasks: [] });
  const rows = projects.map((project) => ({ project, estimate: estimate(project.name === 'api' ? 1 : 0) }));
  const lines = projectEstimatesText(rows, plainStyle).split('\n');
  const noteOf = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.split('; ')[1];
  const more = 'with new copies it may be more: needs';
  expect(['api', 'web', 'site', 'shop', 'waits'].map(noteOf)).toEqual([
    undefined,
    `${more} api, not up to date`,
    `${more} web, which may change`,
    `${more} site, which may change`,
    undefined,
  ]);
});

test('of the command line: with --json one object, exit code 2 for what cannot be estimated, and flags of a build are refused', async () => {
  const temporary = new TemporaryProject({
    'conductor.projects.yaml': 'projects:\n  here: { path: here }\n  gone: { path: gone }\n',
    'here/conductor.config.mjs': "export default { sandbox: 'off' };\n",
    'here/specs/f/BACKLOG.yaml':
      'title: f\ntasks:\n  - id: T1\n    outputs: [a.txt]\n    run: echo > a.txt\n',
  });
  try {
    const { code, stdout } = await temporary.conductor('projects', 'build', '--estimate', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      projects: [
        { name: 'here', tasks: 1, agentTasks: [] },
        { name: 'gone', error: { kind: expect.any(String) } },
      ],
      all: { tasks: 1, agentTasks: [] },
    });
    const refused = await temporary.conductor('projects', 'build', '--estimate', '--profile', 'x.json');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("'--estimate' cannot be used with option '--profile <file>'");
  } finally {
    temporary.dispose();
  }
});
