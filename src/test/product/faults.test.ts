/** What the disk, git, a config or a signal does to a command is a failure with a cause and a way out, never a bug. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { asFailure } from '../../io/errors.js';
import { CoprocessEnded } from '../../io/git/coprocess.js';
import { GitError } from '../../io/git/git-process.js';
import { type Ended, TemporaryProject, until } from '../rig/command-line.js';
import { compileLibrary, errno, KIND, STATE_BYTES } from '../torture/library.js';

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

function newProject(
  config = "export default { sandbox: 'off' };\n",
  run = 'echo a > out.txt',
): TemporaryProject {
  const project = new TemporaryProject({
    '.gitignore': '/.conductor/\n',
    'conductor.config.mjs': config,
    'specs/one/BACKLOG.yaml': JSON.stringify({
      tasks: [{ id: 'T1', inputs: [], outputs: ['out.txt'], run }],
    }),
  });
  projects.push(project);
  return project;
}

function fails({ code, text }: Ended, exitCode: number, ...words: RegExp[]): void {
  expect(text).not.toMatch(/bug in conductor|^\s+at /m);
  expect(code, text).toBe(exitCode);
  for (const word of words) expect(text).toMatch(word);
}

test('a config that never finishes, or ends the process, is named', async () => {
  const project = newProject('await new Promise(() => {});\nexport default {};\n');
  fails(await project.conductor('build'), 2, /conductor\.config\.mjs: it never finishes/);
  project.write('conductor.config.mjs', 'process.reallyExit(0);\nexport default {};\n');
  fails(await project.conductor('build'), 2, /it calls process\.reallyExit/);
  project.write(
    'conductor.config.mjs',
    "process.env.HOME = '/nowhere';\nexport default { sandbox: 'off' };\n",
  );
  const built = await project.conductor('build');
  expect(built.code, built.text).toBe(0);
});

test('something else in the place of a file of conductor is named, with its path', async () => {
  const project = newProject();
  project.write('.conductor', 'a file of a person\n');
  fails(await project.conductor('build'), 2, /\.conductor/);
  project.remove('.conductor');
  fails(await project.conductor('build'), 0);
  const record = project.git('rev-parse', '--git-dir').trim();
  const state = execFileSync('find', [join(project.dir, record, 'conductor'), '-name', 'last.json'], {
    encoding: 'utf8',
  }).trim();
  execFileSync('rm', [state]);
  mkdirSync(join(state, 'inside'), { recursive: true });
  project.write('specs/one/BACKLOG.yaml', project.read('specs/one/BACKLOG.yaml').replace('echo a', 'echo b'));
  const ended = await project.conductor('build');
  expect(ended.text).not.toMatch(/bug in conductor|^\s+at /m);
  if (ended.code !== 0) expect(ended.text).toMatch(/last\.json/);
});

test('a home that cannot be used is named', async () => {
  const project = newProject();
  const home = join(project.root, 'not-a-folder');
  writeFileSync(home, '');
  fails(await project.start(['build'], { HOME: home }).ended, 2, /not-a-folder/);
});

test('SIGTERM to the whole process group is an interruption', async () => {
  const project = newProject(undefined, 'echo started; sleep 30; echo a > out.txt');
  const running = project.start(['build', '--json']);
  await until('the recipe to run', () => running.printed().includes('"phase":"run"'));
  process.kill(-running.pid, 'SIGTERM');
  const ended = await running.ended;
  fails(ended, 130);
});

test('a git that a signal ended is no bug', () => {
  const exit = { code: -1, signal: 'SIGTERM' as const, stdout: Buffer.alloc(0), stderr: '' };
  expect(asFailure(new GitError(['read-tree'], exit))).toEqual({
    kind: 'git-failed',
    command: 'read-tree',
    detail: 'it was ended by SIGTERM',
  });
  const ended = new CoprocessEnded(['mktree'], { code: null, signal: 'SIGTERM' }, '');
  expect(asFailure(ended)?.kind).toBe('git-failed');
});

test('a repository of another user gets the command that trusts it', () => {
  const stderr = "fatal: detected dubious ownership in repository at '/p/x'\nTo add an exception, call:\n";
  const exit = { code: 128, stdout: Buffer.alloc(0), stderr };
  expect(asFailure(new GitError(['add'], exit))).toMatchObject({
    kind: 'unsupported-repository',
    hint: 'if you trust it: `git config --global --add safe.directory /p/x`',
  });
});

test.each(['EACCES', 'EIO', 'EROFS', 'EMFILE', 'EISDIR', 'ENOTEMPTY'])(
  '%s names the path and the cause',
  (code) => {
    const error = Object.assign(new Error(`${code}: no luck, open '/p'`), {
      code,
      syscall: 'open',
      path: '/p',
    });
    expect(asFailure(error)).toEqual({
      kind: 'system-error',
      operation: 'open',
      path: '/p',
      code,
      reason: 'no luck',
    });
  },
);

test('what is no error of the system is a bug', () => {
  expect(asFailure(new TypeError('x is undefined'))).toBeUndefined();
  expect(asFailure(new Error('plain'))).toBeUndefined();
  const usage = { code: 129, stdout: Buffer.alloc(0), stderr: 'usage: git mktree' };
  expect(asFailure(new GitError(['mktree'], usage))).toBeUndefined();
});

test('a disk that refuses a file halfway through publishing keeps the journal, and the next build completes it', async (context) => {
  const library = compileLibrary();
  if (!library) return context.skip('no C compiler');
  try {
    const names = ['1', '2', '3', '4'].map((name) => `out/${name}.txt`);
    const project = newProject();
    const task = {
      id: 'T1',
      inputs: [],
      outputs: ['out/'],
      run: `mkdir out; for i in 1 2 3 4; do echo $i > out/$i.txt; done`,
    };
    project.write('specs/one/BACKLOG.yaml', JSON.stringify({ tasks: [task] }));
    const state = join(project.root, 'fault');
    writeFileSync(state, Buffer.alloc(STATE_BYTES));
    // From the third file on that is written where the results are published: git tries the first one before it makes the folder.
    const failed = await project.start(['build'], {
      LD_PRELOAD: library.file,
      FAULT_ROOT: project.path('out'),
      FAULT_STATE: state,
      FAULT_KINDS: String(KIND.openWrite),
      FAULT_AT: '4',
      FAULT_ACTION: String(errno('EACCES')),
      // git tries once more.
      FAULT_STICKY: '1',
    }).ended;
    fails(failed, 2, /out\/[34]\.txt/, /ermission denied/);
    expect(failed.text).not.toContain('nothing was written');
    expect(names.map((name) => existsSync(project.path(name)))).toEqual([true, true, false, false]);
    const next = await project.conductor('build');
    fails(next, 0, /completed the publishing/);
    expect(next.text).not.toContain('built');
    expect(names.map((name) => project.read(name))).toEqual(['1\n', '2\n', '3\n', '4\n']);
  } finally {
    library.remove();
  }
});
