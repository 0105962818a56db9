/** docs/ci.md does what it says: its files for CI and its hook, run against real repositories. */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { codeBlock } from '../../commands/init/ci-file.js';
import { ensureBuilt, PACKAGE, TemporaryProject } from '../rig/command-line.js';

const PAGE = readFileSync(join(PACKAGE, 'docs/ci.md'), 'utf8');
const BACKLOG = 'specs/f/BACKLOG.yaml';

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

const block = (path: string) => codeBlock(PAGE, path) ?? expect.fail(`docs/ci.md has no ${path}`);
const workflow = (path: string) => parse(block(path)) as Workflow;
const VERIFY = '.github/workflows/conductor.yml';
const BUILD = '.github/workflows/conductor-build.yml';

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

const task = (id: string, word: string, gate = 'true') =>
  `  - id: ${id}\n    inputs: []\n    outputs: [${id}.txt]\n    run: echo ${word} > ${id}.txt\n    verify: ['${gate}']\n`;
const specs = (...tasks: readonly string[]) => `title: f\ntasks:\n${tasks.join('')}`;

/** A package that depends on conductor as projects do, built, committed and pushed with its results. */
async function published(): Promise<TemporaryProject> {
  ensureBuilt();
  const bin = { conductor: 'conductor.js' };
  const dependency = { 'conductor-build': 'file:tools/conductor' };
  const project = new TemporaryProject({
    'package.json': JSON.stringify({ name: 'app', devDependencies: dependency }),
    'package-lock.json': JSON.stringify({
      ...{ name: 'app', lockfileVersion: 3, requires: true },
      packages: {
        '': { name: 'app', devDependencies: dependency },
        'node_modules/conductor-build': { resolved: 'tools/conductor', link: true },
        'tools/conductor': { name: 'conductor-build', version: '0.1.0', dev: true, bin },
      },
    }),
    'tools/conductor/package.json': JSON.stringify({
      name: 'conductor-build',
      version: '0.1.0',
      type: 'module',
      bin,
    }),
    'tools/conductor/conductor.js': `#!/usr/bin/env node\nawait import(${JSON.stringify(join(PACKAGE, 'bin/conductor.js'))});\n`,
    'conductor.config.mjs': "export default { cache: { remotes: ['git:origin'] } };\n",
    '.gitignore': 'node_modules/\n.conductor/\n',
    [BACKLOG]: specs(task('T1', 'one'), task('T2', 'two')),
  });
  projects.push(project);
  chmodSync(project.path('tools/conductor/conductor.js'), 0o755);
  project.git('init', '-q', '--bare', join(project.root, 'origin.git'));
  project.git('remote', 'add', 'origin', join(project.root, 'origin.git'));
  expect((await project.conductor('build')).code).toBe(0);
  project.commit();
  project.git('push', '-q', 'origin', 'main');
  return project;
}

/** Runs the commands of a job in a folder as the service does; the output and the code of the first that fails. */
function runJob(
  project: TemporaryProject,
  dir: string,
  commands: readonly Step[],
  env: Record<string, string>,
) {
  let text = '';
  for (const { run = '', env: own } of commands) {
    const { status, stdout, stderr } = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', run], {
      cwd: dir,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: project.home,
        CI: 'true',
        npm_config_offline: 'true',
        ...env,
        ...own,
      },
    });
    text += stdout + stderr;
    if (status !== 0) return { code: status, text };
  }
  return { code: 0, text };
}

const clone = (project: TemporaryProject, name: string, branch = 'main') => {
  const dir = join(project.root, name);
  project.git('clone', '-q', '-b', branch, join(project.root, 'origin.git'), dir);
  return dir;
};
const stepsOf = (path: string) => Object.values(workflow(path).jobs).flatMap(({ steps }) => steps);
const commandsOf = (path: string) => stepsOf(path).filter(({ run }) => run !== undefined);
const GITHUB = { GITHUB_ACTIONS: 'true' };

test('what pull requests of forks run has no secrets and only reads; what has secrets runs for no pull request', () => {
  expect(Object.keys(workflow(VERIFY).on)).toEqual(['push', 'pull_request']);
  expect(workflow(VERIFY).permissions).toEqual({ contents: 'read' });
  expect(block(VERIFY)).not.toContain('secrets.');
  expect(Object.keys(workflow(BUILD).on)).toEqual(['push']);
  expect(block(BUILD)).toContain('secrets.');
});

test('the commands of the files run in clones: verify is green, then red with an annotation; a build shares its results', async () => {
  const project = await published();
  const remote = join(project.root, 'origin.git');
  const results = () =>
    project.git('ls-remote', remote, 'refs/conductor/results/*').trim().split('\n').length;
  const dir = clone(project, 'ci');
  const green = runJob(project, dir, commandsOf(VERIFY), GITHUB);
  expect(green).toMatchObject({ code: 0 });
  expect(readFileSync(join(dir, '.conductor/junit.xml'), 'utf8')).toContain('tests="2" failures="0"');

  project.git('checkout', '-q', '-b', 'change');
  project.write(BACKLOG, specs(task('T1', 'one'), task('T2', 'changed')));
  project.commit();
  project.git('push', '-q', 'origin', 'change');
  const changed = clone(project, 'ci-change', 'change');
  const red = runJob(project, changed, commandsOf(VERIFY), GITHUB);
  expect(red.code).toBe(1);
  expect(red.text).toMatch(/^::error file=specs\/f\/BACKLOG\.yaml,line=8,title=f\/T2 is not up to date::/m);

  const before = results();
  const built = runJob(project, changed, commandsOf(BUILD), { ...GITHUB, GITHUB_REF: 'refs/heads/change' });
  expect(built).toMatchObject({ code: 0 });
  expect(results()).toBe(before + 1);
  // A person restores what CI has built.
  const restored = await project.conductor('build', '--restore-only');
  expect({ code: restored.code, text: restored.text }).toMatchObject({
    code: 0,
    text: expect.stringMatching(/^cached {3}f\/T2/m),
  });

  const job = (
    parse(block('.gitlab-ci.yml')) as {
      conductor: { script: string[]; artifacts: { reports: Record<string, string> } };
    }
  ).conductor;
  const gitlab = runJob(
    project,
    dir,
    job.script.map((run) => ({ run })),
    { GITLAB_CI: 'true' },
  );
  expect(gitlab).toMatchObject({ code: 0 });
  for (const report of Object.values(job.artifacts.reports)) expect(existsSync(join(dir, report))).toBe(true);
});

test('the hook stops a commit whose files are not those of a build; `init --ci` writes the file of the page', async () => {
  const project = await published();
  const hook = project.path('.git/hooks/pre-commit');
  writeFileSync(hook, block('.git/hooks/pre-commit'));
  chmodSync(hook, 0o755);
  execFileSync('npm', ['ci', '--offline'], {
    cwd: project.dir,
    env: { PATH: process.env.PATH, HOME: project.home },
    stdio: 'pipe',
  });
  project.write(BACKLOG, specs(task('T1', 'one'), task('T2', 'changed')));
  project.git('add', '-A');
  expect(() => project.git('commit', '-q', '-m', 'stale')).toThrow(/1 task is not up to date/);
  // These commit from an index of their own.
  project.git('reset', '-q');
  const stale = /1 task is not up to date/;
  expect(() => project.git('commit', '-q', '-a', '-m', 'all')).toThrow(stale);
  expect(() => project.git('commit', '-q', '-m', 'one', '--', BACKLOG)).toThrow(stale);
  project.git('add', '-A');
  expect((await project.conductor('build')).code).toBe(0);
  // What is not staged does not count.
  expect(() => project.git('commit', '-q', '-m', 'only the spec')).toThrow(/not up to date|would change/);
  project.git('add', '-A');
  project.git('commit', '-q', '-m', 'built');
  // What a build commits is built: the hook lets it pass, although the build holds the lock.
  project.write(BACKLOG, specs(task('T1', 'one'), task('T2', 'again')));
  project.git('config', 'user.name', 'a person');
  project.git('config', 'user.email', 'person@example.com');
  const committed = await project.conductor('build', '--commit');
  expect({ code: committed.code, text: committed.text }).toMatchObject({
    code: 0,
    text: expect.stringMatching(/^committed 1 task/m),
  });

  for (const [kind, path] of [
    ['github', VERIFY],
    ['gitlab', '.gitlab-ci.yml'],
  ] as const) {
    const { code, text } = await project.conductor('init', '--yes', '--no-example', '--ci', kind);
    expect({ code, text }).toMatchObject({ code: 0, text: expect.stringContaining(path) });
    expect(project.read(path)).toBe(block(path));
  }
  expect((await project.conductor('init', '--yes', '--no-example', '--ci', 'github')).text).toContain(
    `${VERIFY}: exists already`,
  );
});
