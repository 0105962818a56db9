/** A plain build with nothing to do ends before anything else is loaded, and never when there is something to do. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { quickCheck } from '../../build/quick-check.js';
import { fileIdentity } from '../../io/files.js';
import { acquireLock } from '../../io/process-lock.js';
import { TemporaryProject } from '../rig/command-line.js';
import { createRig } from '../rig/rig.js';

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

const CONFIG = `import './read.cts';
export default { env: [process.env.WANTED ?? 'NONE'], sandbox: 'off' };
`;

function newProject(): TemporaryProject {
  const project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'conductor.config.ts': CONFIG,
    'read.cts': "module.exports = { also: 'ALSO' in process.env };\n",
    'templates/part.hbs': 'part {{value}}\n',
    'specs/f/BACKLOG.yaml': backlog(1),
    'hand.txt': 'by hand\n',
  });
  projects.push(project);
  return project;
}

function backlog(value: number): string {
  const render = [{ template: 'part.hbs', to: 'out.txt', with: { value } }];
  return JSON.stringify({ tasks: [{ id: 'T1', inputs: ['hand.txt'], render }] });
}

/** The record of the last build. */
function lastFile(project: TemporaryProject): string {
  const projects = '.git/conductor/projects';
  return join(projects, readdirSync(project.path(projects))[0] as string, 'last.json');
}

const logs = (project: TemporaryProject) => readdirSync(project.path('.conductor/logs')).length;

async function build(project: TemporaryProject, env: Record<string, string> = {}, ...args: string[]) {
  const before = existsSync(project.path('.conductor/logs')) ? logs(project) : 0;
  const ended = await project.start(['build', ...args], env).ended;
  expect(ended.code, ended.text).toBe(0);
  return { text: ended.text, leftLog: logs(project) > before };
}

test('nothing to do leaves no log, in text and in JSON, and any change is found', {
  timeout: 120_000,
}, async () => {
  const project = newProject();
  expect((await build(project)).text).toContain('built 1');
  for (let round = 0; round < 3; round++) {
    expect(await build(project)).toEqual({ text: 'conductor: nothing to do (1 fresh)\n', leftLog: false });
  }
  const events = (await build(project, {}, '--json')).text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.map(({ type, seq }) => [type, seq])).toEqual([
    ['build.started', 1],
    ['build.finished', 2],
  ]);
  expect(events[1].summary).toMatchObject({
    outcome: 'up-to-date',
    exitCode: 0,
    counts: { fresh: 1, built: 0 },
  });

  // Of the same size and with the same time: only the file system knows that it was written.
  const hand = project.path('hand.txt');
  const { atime, mtime } = statSync(hand);
  writeFileSync(hand, 'by HAND\n');
  utimesSync(hand, atime, mtime);
  expect((await build(project)).text).toContain('built 1');
  expect((await build(project)).leftLog).toBe(false);
  chmodSync(hand, 0o755);
  expect((await build(project)).text).toContain('built 1');
  project.remove('out.txt');
  expect((await build(project)).text).toContain('1 from cache');
  project.write('new.txt', 'a file that no task reads\n');
  expect(await build(project)).toMatchObject({ text: 'conductor: nothing to do (1 fresh)\n' });
  project.write('specs/f/BACKLOG.yaml', backlog(2));
  expect((await build(project)).text).toContain('built 1');
});

test.skipIf(Number.parseInt(process.versions.node, 10) > 24)(
  'nothing to do loads no module of node that takes milliseconds',
  { timeout: 120_000 },
  async () => {
    const project = newProject();
    await build(project);
    await build(project);
    const [hook, loaded] = [join(project.home, 'hook.cjs'), join(project.home, 'loaded')];
    const write = `require('node:fs').writeFileSync(process.env.LOADED, process.moduleLoadList.join('\\n'))`;
    writeFileSync(hook, `process.on('exit', () => ${write});\n`);
    const nothing = { text: 'conductor: nothing to do (1 fresh)\n', leftLog: false };
    const slow = /^NativeModule (child_process|crypto|module|net|os|perf_hooks|stream|timers\/promises)$/gm;
    const found = async (options: string) => {
      expect(await build(project, { NODE_OPTIONS: `--require ${hook} ${options}`, LOADED: loaded })).toEqual(
        nothing,
      );
      return readFileSync(loaded, 'utf8').match(slow) ?? [];
    };
    expect(await found('')).toEqual([]);
    // A node that is told to warn has nothing to warn of.
    expect(await found('--pending-deprecation')).toContain('NativeModule child_process');
  },
);

test('nothing is written and no lock is taken while every file is as git has it', {
  timeout: 120_000,
}, async () => {
  const project = newProject();
  await build(project);
  await build(project);
  const state = project.path(dirname(lastFile(project)));
  const owner = { command: 'a test', pid: process.pid, startedAt: new Date(0).toISOString() };
  const take = async (brief: boolean) => {
    const taken = await acquireLock(state, owner, { wait: false, brief });
    if (!taken.ok) throw new Error('the lock is held');
    return taken.value;
  };
  const nothing = { text: 'conductor: nothing to do (1 fresh)\n', leftLog: false };
  const index = () => fileIdentity(join(state, 'index'));
  const before = index();
  const brief = await take(true);
  expect(await build(project)).toEqual(nothing);
  await brief.release();
  expect(index()).toBe(before);

  // Who has the lock and says so is waited for.
  const lock = await take(false);
  const waiting = project.start(['build']);
  await expect.poll(waiting.printed, { timeout: 60_000 }).toContain('waiting for process');
  await lock.release();
  const ended = await waiting.ended;
  expect(ended.code, ended.text).toBe(0);
  expect(ended.text).toContain('nothing to do (1 fresh)');

  // A file that was only touched is looked at once, and then the index knows it.
  await build(project);
  const known = index();
  utimesSync(project.path('hand.txt'), 1, 1);
  expect(await build(project)).toEqual(nothing);
  const again = index();
  expect(again).not.toBe(known);
  expect(await build(project)).toEqual(nothing);
  expect(index()).toBe(again);
});

test('in a larger tree, where several threads of git look at files, new and changed ones are found', {
  timeout: 120_000,
}, async () => {
  const project = newProject();
  const path = (i: number) => `many/${i}-${'x'.repeat(240)}`;
  for (let i = 0; i < 1000; i++) project.write(path(i), `${i}\n`);
  await build(project);
  await build(project);
  const state = project.path(dirname(lastFile(project)));
  const index = () => fileIdentity(join(state, 'index'));
  const nothing = { text: 'conductor: nothing to do (1 fresh)\n', leftLog: false };
  const before = index();
  expect(await build(project)).toEqual(nothing);
  expect(index()).toBe(before);
  utimesSync(project.path(path(1)), 1, 1);
  expect(await build(project)).toEqual(nothing);
  expect(index()).not.toBe(before);
  project.write('new.txt', 'a file that no task reads\n');
  expect(await build(project)).toEqual({ ...nothing, leftLog: true });
  project.write('hand.txt', 'BY HAND\n');
  expect((await build(project)).text).toContain('built 1');
  project.remove('out.txt');
  expect((await build(project)).text).toContain('1 from cache');
});

test('where outputs are missing, the host hears of it before git has told its files, and otherwise never', {
  timeout: 120_000,
}, async () => {
  await using rig = await createRig();
  const path = (i: number) => `many/${i}-${'x'.repeat(240)}`;
  rig.write(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [path(i), `${i}\n`])));
  rig.write({ '.gitignore': '.conductor/\n' });
  rig.backlog('f', {
    T1: { outputs: ['out.txt'], run: 'echo a > out.txt' },
    // What stands behind a link need not be there.
    T2: { outputs: ['link'], run: 'ln -s nowhere link' },
  });
  await rig.build();
  const host = { directory: rig.dir, env: rig.env, version: rig.version, pid: process.pid, now: Date.now };
  let heard = 0;
  const onChanged = () => {
    heard++;
  };
  const check = () => quickCheck({ ...host, onChanged, configDigest: async () => '' }, 'conductor build');
  expect([await check(), await check(), heard]).toEqual([2, 2, 0]);
  rig.write({ [path(0)]: 'edited\n' });
  expect(await check()).toMatchObject({ listed: expect.stringContaining(path(0)) });
  expect(heard).toBe(0);
  rig.write({ [path(0)]: '0\n' });
  rig.remove('out.txt');
  expect(await check()).toMatchObject({ listed: expect.stringContaining('out.txt') });
  expect(heard).toBe(1);
  // A new file is found beside it, too.
  rig.write({ 'new.txt': 'new\n' });
  expect(await check()).toBeUndefined();
});

test('only what the config reads is told apart; what a killed build left is mended first', {
  timeout: 120_000,
}, async () => {
  const project = newProject();
  const env = { WANTED: 'PATH' };
  await build(project, env);
  const state = join(
    project.dir,
    '.git/conductor/projects',
    readdirSync(project.path('.git/conductor/projects'))[0] as string,
  );
  const last = JSON.parse(
    project.read(join('.git/conductor/projects', state.split('/').at(-1) as string, 'last.json')),
  );
  // PATH is what the config passes on to commands: its value is in their keys.
  expect(Object.keys(last.environment).sort()).toEqual(['ALSO', 'PATH', 'WANTED']);
  // Two shells differ in much that decides nothing.
  const other = {
    ...env,
    CI: '1',
    TERM: 'other',
    AI_AGENT: 'x',
    BABEL_ENV: 'y',
    NODE_ENV: 'z',
    JITI_DEBUG: '0',
  };
  expect(await build(project, other)).toEqual({
    text: 'conductor: nothing to do (1 fresh)\n',
    leftLog: false,
  });
  expect((await build(project, { ...env, ALSO: '' })).leftLog).toBe(true);
  expect((await build(project, { WANTED: 'HOME' })).leftLog).toBe(true);

  // A publish that was cut off.
  await build(project, env);
  const tree = JSON.parse(
    project.read(join('.git/conductor/projects', state.split('/').at(-1) as string, 'last.json')),
  ).tree;
  rmSync(project.path('out.txt'));
  writeFileSync(join(state, 'publish.json'), JSON.stringify({ from: tree, to: tree }));
  expect((await build(project, env)).text).toContain('recovered');
  expect(existsSync(project.path('out.txt'))).toBe(true);
});

test('settings of git and what the person tracks are part of what was seen', {
  timeout: 120_000,
}, async () => {
  const project = newProject();
  project.write('.gitignore', '.conductor/\nhand.txt\n');
  project.write('hand.txt', 'by\r\nhand\r\n');
  // A spec that names the file itself would take it in, ignored or not.
  project.write('specs/f/BACKLOG.yaml', backlog(1).replace('hand.txt', 'hand.*'));
  expect((await build(project)).text).toContain('built 1');
  const isQuick = async () => (await build(project)).leftLog === false;
  expect(await isQuick()).toBe(true);
  // An ignored file that the person tracks is an input, and is none again when it is tracked no more.
  project.git('add', '-f', 'hand.txt');
  expect((await build(project)).text).toContain('built 1');
  expect(await isQuick()).toBe(true);
  // An index that was only written again says nothing new.
  project.git('update-index', '--force-write-index');
  expect(await isQuick()).toBe(true);
  project.write('.git/info/attributes', '*.txt text\n');
  expect((await build(project)).text).toContain('built 1');
  expect(await isQuick()).toBe(true);
  project.git('rm', '-q', '--cached', 'hand.txt');
  expect((await build(project)).text).toContain('from cache');
  expect(await isQuick()).toBe(true);
});

test('a file that looks secret is an input exactly as long as git tracks it', {
  timeout: 120_000,
}, async () => {
  const project = newProject();
  const list = { id: 'T1', outputs: ['out/list'], run: 'ls -A > out/list' };
  project.write('specs/f/BACKLOG.yaml', JSON.stringify({ tasks: [list] }));
  project.write('.npmrc', 'save-exact=true\n');
  const nothing = { text: 'conductor: nothing to do (1 fresh)\n', leftLog: false };
  await build(project);
  expect(project.read('out/list')).not.toContain('.npmrc');
  expect(await build(project)).toEqual(nothing);
  project.git('add', '.npmrc');
  await build(project);
  expect(project.read('out/list')).toContain('.npmrc');
  // Such files are taken by name, which only the build itself does.
  expect(await build(project)).toEqual(nothing);
  project.git('add', 'hand.txt');
  expect(await build(project)).toEqual(nothing);
  project.git('rm', '-q', '--cached', '.npmrc');
  await build(project);
  expect(project.read('out/list')).not.toContain('.npmrc');
  expect(await build(project)).toEqual(nothing);
  // The answer is kept: a written index is asked about once.
  project.git('add', 'read.cts');
  const person = () => JSON.parse(project.read(lastFile(project))).person;
  const before = person();
  expect(await build(project)).toEqual(nothing);
  expect(person()).not.toBe(before);
});

const HIDDEN: readonly [string, string, (project: TemporaryProject) => Record<string, string>][] = [
  [
    'an import of the environment',
    `import { env } from 'node:process'; const salt = env.SALT;`,
    () => ({ SALT: 'x' }),
  ],
  [
    'a copy of the environment',
    'const all = { ...process.env }; const salt = all.SALT;',
    () => ({ SALT: 'x' }),
  ],
  [
    'a list of the environment',
    `const salt = Object.keys(process.env).filter((name) => name.startsWith('SALT')).join();`,
    () => ({ SALT2: 'x' }),
  ],
  [
    'an ignored file that it reads',
    `import { defineConfig } from 'conductor-build'; import { readFileSync } from 'node:fs'; const salt = defineConfig(readFileSync('private.txt', 'utf8') as never);`,
    (project) => {
      project.write('private.txt', 'new');
      return {};
    },
  ],
  [
    'an ignored module',
    `import salt from './private.mjs';`,
    (project) => {
      project.write('private.mjs', `export default 'new';`);
      return {};
    },
  ],
  [
    'a module outside the project',
    `import salt from '../outside.mjs';`,
    (project) => {
      project.write('../outside.mjs', `export default 'new';`);
      return {};
    },
  ],
  [
    'a program',
    `import { execFileSync } from 'node:child_process'; const salt = execFileSync('cat', ['private.txt'], { encoding: 'utf8' });`,
    (project) => {
      project.write('private.txt', 'new');
      return {};
    },
  ],
];

test.each(HIDDEN)('%s of a config is seen', { timeout: 120_000 }, async (_name, code, change) => {
  const project = newProject();
  project.write('.gitignore', '.conductor/\nprivate.*\n');
  project.write('private.txt', 'old');
  project.write('private.mjs', `export default 'old';`);
  project.write('../outside.mjs', `export default 'old';`);
  project.write('conductor.config.ts', `${code}\nexport default { salt: String(salt), sandbox: 'off' };\n`);
  expect((await build(project)).text).toContain('built 1');
  expect(await build(project)).toEqual({ text: 'conductor: nothing to do (1 fresh)\n', leftLog: false });
  const env = change(project);
  expect((await build(project, env)).text).toContain('built 1');
  expect(await build(project, env)).toEqual({ text: 'conductor: nothing to do (1 fresh)\n', leftLog: false });
});

test('a build goes on from what the quick check saw, and the next one needs no lock', {
  timeout: 120_000,
}, async () => {
  const project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    '.gitattributes': '*.bin binary\n',
    'templates/part.hbs': 'part {{value}}\n',
    'specs/f/BACKLOG.yaml': backlog(1),
    'hand.txt': 'by hand\n',
  });
  projects.push(project);
  // Names every git that is started.
  const bin = join(project.home, 'bin');
  const log = join(project.home, 'log');
  mkdirSync(bin);
  const real = (process.env.PATH ?? '').split(':').find((folder) => existsSync(join(folder, 'git')));
  writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$@" >>'${log}'\nexec ${real}/git "$@"\n`, {
    mode: 0o755,
  });
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const commands = async () => {
    writeFileSync(log, '');
    const { text } = await build(project, env);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    return {
      text,
      asksSizes: lines.some((line) => line.includes('--batch-check')),
      git: lines.map((line) => / (add|diff-files|ls-files|update-index|write-tree) /.exec(`${line} `)?.[1]),
    };
  };
  await build(project, env);
  expect((await build(project, env)).text).toContain('nothing to do');
  for (const value of [2, 3]) {
    project.write('specs/f/BACKLOG.yaml', backlog(value));
    const edited = await commands();
    expect(edited.text).toContain('built 1');
    expect(edited.git).not.toContain('add');
    expect(edited.git).not.toContain('write-tree');
    // What it publishes it has written itself.
    expect(edited.asksSizes).toBe(false);
    expect(edited.git.filter((name) => name === 'diff-files')).toHaveLength(1);
    // For new files. The rules files are known to be those of the last build.
    expect(edited.git.filter((name) => name === 'ls-files')).toHaveLength(1);
    expect(project.read('out.txt')).toBe(`part ${value}\n`);
    expect((await commands()).git.sort()).toEqual(['diff-files', 'ls-files']);
  }
  // Other attributes lead to another look at every file.
  project.write('.gitattributes', '*.bin binary\nhand.txt eol=lf\n');
  expect((await commands()).git).toContain('add');
  expect((await commands()).git.sort()).toEqual(['diff-files', 'ls-files']);
  // The next edit after a failed build too.
  project.write('specs/f/BACKLOG.yaml', 'tasks: [');
  expect((await project.start(['build'], env).ended).code).not.toBe(0);
  project.write('.gitattributes', '*.bin binary\nhand.txt eol=crlf\n');
  expect((await project.start(['build'], env).ended).code).not.toBe(0);
  project.write('specs/f/BACKLOG.yaml', backlog(3));
  await build(project, env);
  expect((await commands()).text).toContain('nothing to do');
  // A new file, another mode and a lost file are looked for by git.
  project.write('specs/f/BACKLOG.yaml', backlog(4));
  project.write('templates/part.hbs', 'the part {{value}}\n');
  project.write('new.txt', 'new\n');
  expect((await commands()).git).toContain('add');
  expect(project.read('out.txt')).toBe('the part 4\n');
  expect((await commands()).text).toContain('nothing to do');
  chmodSync(project.path('hand.txt'), 0o755);
  expect((await commands()).git).toContain('add');
  // Outputs that are gone are looked for once.
  const outcome = project.read('out.txt');
  for (let round = 0; round < 2; round++) {
    project.remove('out.txt');
    const restored = await commands();
    expect(restored.text).toContain('1 from cache');
    expect(restored.git.filter(Boolean).sort()).toEqual(['diff-files', 'ls-files']);
    expect(project.read('out.txt')).toBe(outcome);
    expect((await commands()).git.sort()).toEqual(['diff-files', 'ls-files']);
  }
  // Touched only.
  utimesSync(project.path('hand.txt'), 1, 1);
  const touched = await commands();
  expect(touched.text).toContain('nothing to do');
  expect(touched.git).toContain('update-index');
});

test('a build that could not make its store independent is not recorded as complete: the next one tries again', async () => {
  const project = newProject();
  await build(project);
  const before = project.read(lastFile(project));
  const store = project.path('.git/conductor/repo');
  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', store, ...args], { encoding: 'utf8' }).trim();
  const refs = git('for-each-ref', '--format=%(objectname)', 'refs/conductor/results');
  git('update-ref', 'refs/conductor/results/aa/borrowed', refs.split('\n')[0] as string);
  // What is to be removed at the end of that work cannot be.
  rmSync(join(store, 'whole-refs'), { force: true });
  mkdirSync(join(store, 'whole-refs'));
  project.write('specs/f/BACKLOG.yaml', backlog(2));
  const failed = await project.start(['build']).ended;
  expect(failed.code, failed.text).not.toBe(0);
  expect(project.read('out.txt')).toBe('part 2\n');
  expect(project.read(lastFile(project))).toBe(before);

  rmSync(join(store, 'whole-refs'), { recursive: true });
  expect((await build(project)).leftLog).toBe(true);
  expect(project.read(lastFile(project))).not.toBe(before);
});
