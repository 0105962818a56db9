/** The list of features: from specs and lock files alone, whatever state they are in. */

import { afterEach, expect, test } from 'vitest';
import { TemporaryProject } from '../test/rig/command-line.js';

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

const task = (id: string, more = '') =>
  `  - id: ${id}\n    inputs: []\n    outputs: [out/${id}.txt]\n    run: echo ${id} > out/${id}.txt\n${more}`;

function newProject(): TemporaryProject {
  const project = new TemporaryProject({
    'specs/a/BACKLOG.yaml': `title: First things\ntasks:\n${task('T1')}${task('T2')}`,
    'specs/b.spec.md': '---\ninputs: []\noutputs: [out/b.txt]\nrun: echo b > out/b.txt\n---\n',
  });
  projects.push(project);
  return project;
}

const list = async (project: TemporaryProject) => {
  const { code, stdout } = await project.conductor('list', '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout) as { features: Record<string, unknown>[]; problems: Record<string, unknown>[] };
};

test('before a build nothing is known but the specs', async () => {
  const project = newProject();
  const { code, text } = await project.conductor('list');
  expect({ code, text }).toEqual({
    code: 0,
    text: [
      'feature  version  status  tasks   last generated  attempts  cost',
      'a        -        new     0 of 2  -               -         -',
      'b        -        new     0 of 1  -               -         -',
      'conductor: 2 features, 3 tasks, 0 attempts',
      '',
    ].join('\n'),
  });
});

test('after builds: version, status, tasks, when, attempts; without git what specs and lock files say', async () => {
  const project = newProject();
  expect((await project.conductor('build')).code).toBe(0);
  project.write(
    'specs/a/BACKLOG.yaml',
    project.read('specs/a/BACKLOG.yaml') + task('T3', '    verify: [exit 1]\n'),
  );
  expect((await project.conductor('build')).code).toBe(1);
  const { features, problems } = await list(project);
  expect(problems).toEqual([]);
  expect(features).toEqual([
    {
      ...{
        feature: 'a',
        title: 'First things',
        status: 'incomplete',
        version: '1.0.0',
        tasks: 3,
        recorded: 2,
      },
      ...{ attempts: 2, costUsd: 0, lastGenerated: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) },
    },
    expect.objectContaining({ feature: 'b', status: 'complete', tasks: 1, recorded: 1 }),
  ]);
  const { stdout } = await project.conductor('list');
  expect(stdout).toMatch(/^a +1\.0\.0 +incomplete +2 of 3 +\d{4}-\d\d-\d\d \d\d:\d\d +2 +-$/m);
  expect(stdout).toMatch(/\nconductor: 2 features, 4 tasks, 3 attempts\n$/);
  project.remove('.git');
  const [first] = (await list(project)).features;
  expect(first).toEqual({
    ...{ feature: 'a', title: 'First things', status: 'incomplete', tasks: 3, recorded: 2 },
  });
});

test('damaged lock files and specs are listed with what is wrong with them', async () => {
  const project = newProject();
  expect((await project.conductor('build')).code).toBe(0);
  project.write('specs/a/.metadata.json', '<<<<<<< ours\n');
  project.write('specs/c/BACKLOG.yaml', 'tasks: [\n');
  const { code, stdout, stderr } = await project.conductor('list');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^a +- +unknown +2 +- +- +-$/m);
  expect(stdout).toMatch(/^b +1\.0\.0 +complete/m);
  expect(stdout).toMatch(/^c +- +new +0 /m);
  expect(stderr).toContain('specs/a/.metadata.json:1:1: has conflict markers');
  expect(stderr).toContain('specs/c/BACKLOG.yaml:');
  expect((await list(project)).problems.map(({ file }) => file)).toEqual([
    'specs/c/BACKLOG.yaml',
    'specs/a/.metadata.json',
  ]);
});

test('no specs are no features, and a config that does not load is a failure', async () => {
  const project = newProject();
  project.remove('specs');
  expect((await project.conductor('list')).text).toBe('conductor: 0 features, 0 tasks, 0 attempts\n');
  project.write('conductor.config.mjs', 'export default 7;\n');
  expect(await project.conductor('list')).toMatchObject({ code: 2, stdout: '' });
});
