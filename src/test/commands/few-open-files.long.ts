/** Every command that goes through many tasks, results, files or projects, in a process that may open few files. */

import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  type Ended,
  ensureBuilt,
  filesBelow,
  PACKAGE,
  TemporaryProject,
  until,
} from '../rig/command-line.js';

const OPEN_FILES = 256;
/** More than files may be open. */
const TASKS = 400;
const PER_FEATURE = 100;
const COMMANDS = 40;
const PROJECTS = 30;

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

const BIN = join(PACKAGE, 'bin/conductor.js');
const LIMITED = ['-c', `ulimit -n ${OPEN_FILES} && exec "$0" "$@"`, process.execPath, BIN];

function optionsFor({ dir, home }: TemporaryProject, folder: string) {
  return { cwd: join(dir, folder), env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' } };
}

/** Runs conductor below the limit, in a folder of the project. */
function limited(project: TemporaryProject, args: readonly string[], folder = '.'): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { ...optionsFor(project, folder), maxBuffer: 2 ** 28 };
    const child = execFile('sh', [...LIMITED, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, signal: null, stdout, stderr, text: stdout + stderr }),
    );
  });
}

async function succeed(project: TemporaryProject, args: readonly string[], folder?: string): Promise<string> {
  const ended = await limited(project, args, folder);
  expect([args.join(' '), ended.code, ended.code === 0 ? '' : ended.text]).toEqual([args.join(' '), 0, '']);
  return ended.text;
}

/** Rendered files, and files that commands write. `round` is in all of them. */
function specs(project: TemporaryProject, round: number): void {
  for (let first = 0; first < TASKS; first += PER_FEATURE) {
    const tasks = Array.from({ length: PER_FEATURE }, (_, i) => ({
      id: `T${i}`,
      inputs: [],
      ...(i % 10 === 0 ? {} : { depends_on: [`T${i - 1}`] }),
      render: [
        { template: 'part.hbs', to: `out/${first}/${i}.txt`, with: { value: `${first + i} ${round}` } },
      ],
    }));
    project.write(`specs/part-${first}/BACKLOG.yaml`, JSON.stringify({ tasks }));
  }
  const tasks = Array.from({ length: COMMANDS }, (_, i) => ({
    id: `T${i}`,
    inputs: [],
    outputs: [`out/made/${i}.txt`],
    run: `echo ${i} ${round} > out/made/${i}.txt`,
  }));
  project.write('specs/made/BACKLOG.yaml', JSON.stringify({ tasks }));
}

test('a large project: built, restored, edited, shared, checked, watched and cleaned', {
  timeout: 400_000,
}, async () => {
  await ensureBuilt();
  const all = TASKS + COMMANDS;
  const project = new TemporaryProject({
    'conductor.config.mjs': "export default { cache: { remotes: ['git:../shared.git'] }, workers: 16 };\n",
    'templates/part.hbs': 'part {{value}}\n',
    '.gitignore': '/out/\n/clone/\n/.conductor/\n',
  });
  projects.push(project);
  project.git('init', '-q', '--bare', '../shared.git');
  specs(project, 1);
  expect(await succeed(project, ['build'])).toContain(`built ${all}`);
  const built = filesBelow(project.path('out'));
  expect(Object.keys(built)).toHaveLength(all);
  project.commit();

  project.remove('out');
  expect(await succeed(project, ['build'])).toContain(`${all} from cache`);
  expect(filesBelow(project.path('out'))).toEqual(built);
  for (const line of [
    'status',
    'status --json',
    'list',
    'validate',
    'verify',
    'graph',
    'backlog show',
    'log',
    'metrics',
  ])
    await succeed(project, line.split(' '));
  for (const line of [
    'cache stats',
    'cache verify',
    'cache push',
    'cache pull',
    'cache gc --remote git:../shared.git',
    'gc --max-size 1',
  ])
    await succeed(project, line.split(' '));

  // Another machine has nothing but the remote.
  project.git('clone', '-q', '.', 'clone');
  const elsewhere = { ...project, home: join(project.root, 'other') } as TemporaryProject;
  mkdirSync(elsewhere.home);
  writeFileSync(
    project.path('clone/conductor.config.mjs'),
    "export default { cache: { remotes: ['git:../../shared.git'] } };\n",
  );
  expect(await succeed(elsewhere, ['build', '--restore-only'], 'clone')).toContain(`${all} from cache`);
  expect(filesBelow(project.path('clone/out'))).toEqual(built);

  specs(project, 2);
  expect(await succeed(project, ['build', '--json'])).toContain('"exitCode":0');
  expect(project.read('out/0/0.txt')).toBe('part 0 2\n');

  const [program, ...args] = ['sh', ...LIMITED, 'watch'] as const;
  const watch = spawn(program, args, { ...optionsFor(project, '.'), stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [watch.stdout, watch.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  const ended = new Promise<number | null>((resolve) => watch.on('close', resolve));
  try {
    await until('the watch waits', () => printed.includes(`watching ${all} tasks`), 60_000);
    specs(project, 3);
    await until('all is built again', () => printed.includes(`built ${all}`), 120_000).catch((error) => {
      throw new Error(`${error}\n${printed.slice(-2000)}`);
    });
  } finally {
    watch.kill('SIGINT');
  }
  expect(await ended).toBe(130);
  expect(printed).not.toContain('EMFILE');
  expect(project.read('out/300/99.txt')).toBe('part 399 3\n');

  for (let first = 0; first < TASKS; first += PER_FEATURE) project.remove(`specs/part-${first}`);
  await succeed(project, ['clean']);
  expect(Object.keys(filesBelow(project.path('out')))).toHaveLength(COMMANDS);
});

test('a long list of projects: looked at, built and built again', { timeout: 300_000 }, async () => {
  await ensureBuilt();
  const project = new TemporaryProject();
  projects.push(project);
  const names = Array.from({ length: PROJECTS }, (_, i) => `p${i}`);
  const list = Object.fromEntries(names.map((name) => [name, { path: name }]));
  project.write('conductor.projects.yaml', JSON.stringify({ projects: list }));
  for (const name of names) {
    const tasks = [1, 2].map((i) => ({
      id: `T${i}`,
      inputs: [],
      outputs: [`${i}.txt`],
      run: `echo ${name} > ${i}.txt`,
    }));
    project.write(`${name}/specs/f/BACKLOG.yaml`, JSON.stringify({ tasks }));
    project.git('init', '-q', name);
  }
  expect(await succeed(project, ['projects', 'build'])).toContain(`${PROJECTS} built`);
  for (const name of names) expect(project.read(`${name}/2.txt`)).toBe(`${name}\n`);
  for (const line of ['status', 'list', 'metrics', 'build --frozen'])
    await succeed(project, ['projects', ...line.split(' ')]);
});
