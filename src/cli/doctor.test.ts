/** The doctor on projects that are well and on projects that are not: what it finds, and what it says to do. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PACKAGE, TemporaryProject, until } from '../test/rig/command-line.js';
import { Terminal } from '../test/rig/terminal.js';

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

const SPEC = 'specs/f/BACKLOG.yaml';
const CONFIG = 'conductor.config.mjs';
const backlog = (more: string) => `tasks:\n  - id: T1\n    outputs: [a.txt]\n${more}`;
const RUN = backlog('    run: echo 1 > a.txt\n');

function newProject(files: Readonly<Record<string, string>> = { [SPEC]: RUN }): TemporaryProject {
  const project = new TemporaryProject(files);
  projects.push(project);
  return project;
}

interface Finding {
  readonly about: string;
  readonly state: string;
  readonly found: string;
  readonly hint?: string;
}

async function examined(
  project: TemporaryProject,
  env: Readonly<Record<string, string>> = {},
  ...more: string[]
): Promise<{ readonly code: number | null; readonly findings: readonly Finding[] }> {
  const { code, stdout, stderr } = await project.start(['doctor', '--json', ...more], env).ended;
  expect(stderr).toBe('');
  const { schema, findings } = JSON.parse(stdout) as { schema: number; findings: Finding[] };
  expect(schema).toBe(1);
  for (const { state, hint } of findings) if (state !== 'ok') expect(hint).toBeTruthy();
  expect(code).toBe(findings.some(({ state }) => state === 'problem') ? 1 : 0);
  return { code, findings };
}

const problems = (findings: readonly Finding[]) =>
  findings.filter(({ state }) => state === 'problem').map(({ about, found }) => `${about}: ${found}`);

test('a project that can be built has no problem', async () => {
  const { code, findings } = await examined(newProject());
  expect(code).toBe(0);
  expect(findings.map(({ about }) => about)).toEqual(
    expect.arrayContaining(['node', 'git', 'sandbox', 'disk', 'repository', 'config', 'specs', 'builds']),
  );
  expect(findings.find(({ about }) => about === 'specs')?.found).toMatch(/^1 feature, 1 task;/);
});

test('people read aligned lines, hints below them, and a last line that says it all', async () => {
  const project = newProject({
    [SPEC]: backlog('    title: x\n'),
    [CONFIG]: "export default { sandbox: 'off' };\n",
  });
  const { code, stdout } = await project.conductor('doctor');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ok {7}git +\d/m);
  expect(stdout).toMatch(/^warning {2}sandbox +switched off in the config\n +hint: /m);
  expect(stdout).toMatch(/^problem {2}agent +1 task needs an agent, and none is configured\n +hint: /m);
  expect(stdout.endsWith('conductor: 1 problem, 1 warning\n')).toBe(true);
});

test('in a terminal the states have colours, and without colours when NO_COLOR says so', async () => {
  const project = newProject();
  for (const [more, colour] of [
    [{}, true],
    [{ NO_COLOR: '1' }, false],
  ] as const) {
    const env = { PATH: process.env.PATH ?? '', HOME: project.home, ...more };
    const terminal = new Terminal(process.execPath, [`${PACKAGE}/bin/conductor.js`, 'doctor'], {
      cwd: project.dir,
      env,
    });
    expect(await terminal.ended()).toBe(0);
    expect(await terminal.shows(/^ok {7}git +\d/m, 0)).toMatch(/conductor: (all is well|1 warning)\r\n$/);
    expect(terminal.raw.includes('\u001b[32mok')).toBe(colour);
  }
});

test('outside of a repository and without git it says so, and goes on', async () => {
  const project = newProject();
  project.remove('.git');
  const empty = join(project.root, 'empty');
  mkdirSync(empty);
  const { findings } = await examined(project, { PATH: empty });
  expect(problems(findings)).toEqual([
    'git: it was not found on PATH',
    `repository: ${project.dir} is not in a git repository`,
  ]);
});

test('a config that does not load and specs that are wrong are named with their places', async () => {
  const broken = newProject({ [SPEC]: RUN, [CONFIG]: 'export default { workerz: 1 };\n' });
  expect(problems((await examined(broken)).findings)).toEqual([
    `config: ${CONFIG}: workerz: \`workerz\` is not a known key`,
  ]);
  const wrong = newProject({
    [SPEC]: backlog('    run: x\n    tytle: x\n'),
  });
  expect(problems((await examined(wrong)).findings)).toEqual([
    `specs: ${SPEC}:5: \`tytle\` is not a known key`,
  ]);
  const gate = newProject({ [SPEC]: backlog('    run: x\n    verify: [no-such-program --all]\n') });
  expect(problems((await examined(gate)).findings)).toEqual([
    `gates: ${SPEC}:5: the gate's program \`no-such-program\` is not where a gate looks for it`,
  ]);
});

test('agents: a program that is missing, one that is there, keys that are set or not', async () => {
  const command = (agent: string) => `export default { agent: { driver: 'command', ${agent} } };\n`;
  const project = newProject({
    [SPEC]: backlog('    title: x\n'),
    [CONFIG]: command("preset: 'codex', env: ['KEY']"),
  });
  const programs = join(project.root, 'programs');
  mkdirSync(programs);
  const PATH = `${programs}:/usr/bin:/bin`;
  const missing = await examined(project, { PATH });
  expect(problems(missing.findings)).toEqual(['agent: the program `codex` is not on PATH']);
  expect(missing.findings).toContainEqual(
    expect.objectContaining({
      about: 'models',
      state: 'warning',
      found: 'KEY, which the agent needs, is not set',
    }),
  );
  writeFileSync(join(programs, 'codex'), '#!/bin/sh\necho "codex-cli 1.2.3"\n', { mode: 0o755 });
  const there = await examined(project, { PATH, KEY: 'a-secret-value' });
  expect(there.code).toBe(0);
  expect(there.findings).toContainEqual({
    about: 'agent',
    state: 'ok',
    found: `${programs}/codex, codex-cli 1.2.3`,
  });
  expect(JSON.stringify(there.findings)).not.toContain('a-secret-value');

  // A program that nobody knows is not started to learn its version.
  writeFileSync(join(programs, 'own'), `#!/bin/sh\ntouch ${project.root}/started\n`, { mode: 0o755 });
  project.write(CONFIG, command("command: ['own']"));
  expect((await examined(project, { PATH })).findings).toContainEqual({
    about: 'agent',
    state: 'ok',
    found: `${programs}/own`,
  });
  expect(() => execFileSync('test', ['-e', join(project.root, 'started')])).toThrow();

  // A script of the project is looked up there.
  project.write(CONFIG, command("command: ['./own.sh']"));
  project.write('own.sh', 'true\n');
  expect(problems((await examined(project, { PATH })).findings)).toEqual([
    'agent: `./own.sh` is no file that can be executed',
  ]);
  chmodSync(join(project.dir, 'own.sh'), 0o755);
  expect((await examined(project, { PATH })).findings).toContainEqual(
    expect.objectContaining({ about: 'agent', state: 'ok' }),
  );
});

test('OpenCode: its program, ripgrep, and what each provider needs', async () => {
  const project = newProject({
    [SPEC]: backlog('    title: x\n'),
    [CONFIG]: `export default { agent: { driver: 'opencode', model: 'anthropic/a', smallModel: 'other/b', providers: {
      anthropic: { keyEnv: 'A_KEY' }, local: { baseURL: 'http://localhost:1/v1' } } } };\n`,
  });
  const { findings } = await examined(project);
  expect(problems(findings)).toEqual(['models: anthropic: A_KEY, which holds its key, is not set']);
  expect(findings.find(({ about }) => about === 'agent')?.found).toMatch(/OpenCode \d+\.\d+\.\d+$/);
  expect(findings.find(({ about }) => about === 'ripgrep')?.state).toBe('ok');
  const models = findings
    .filter(({ about }) => about === 'models')
    .map(({ state, found }) => `${state} ${found}`);
  expect(models).toEqual([
    'problem anthropic: A_KEY, which holds its key, is not set',
    'warning other: no key is configured',
    'ok local: no key, reached at http://localhost:1/v1',
  ]);
  expect((await examined(project, { A_KEY: 'x' })).code).toBe(0);
});

test('a build at work is named, and what is left of it when it is killed', async () => {
  const project = newProject({ [CONFIG]: "export default { sandbox: 'off' };\n" });
  const fifo = join(project.root, 'held');
  execFileSync('mkfifo', [fifo]);
  project.write(SPEC, backlog(`    run: cat ${fifo} > a.txt\n`));
  const held = project.start(['build']);
  await until('the task to run', () => held.printed().includes('T1') || hasStarted(project));
  const during = await examined(project);
  expect(during.findings).toContainEqual(
    expect.objectContaining({
      about: 'builds',
      state: 'ok',
      found: expect.stringContaining(`process ${held.pid},`),
    }),
  );
  process.kill(held.pid, 'SIGKILL');
  await held.ended;
  // Its task, which nobody ended, reads on: it is let go.
  writeFileSync(fifo, '');
  expect((await examined(project)).findings).toContainEqual({
    about: 'builds',
    state: 'ok',
    found: '1 workspace of a killed build; the next build removes them',
  });
});

function hasStarted(project: TemporaryProject): boolean {
  try {
    return execFileSync('sh', ['-c', 'cat .conductor/logs/*/events.ndjson'], {
      cwd: project.dir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).includes('"phase":"run"');
  } catch {
    return false;
  }
}

test('what deleted projects, dead servers and a killed git left is told', async () => {
  const project = newProject();
  const cache = join(project.home, '.cache/conductor');
  mkdirSync(join(cache, 'gone-0123456789ab/0123abcd-w0'), { recursive: true });
  writeFileSync(join(cache, 'gone-0123456789ab/0123abcd-w0/.git'), 'gitdir: /no/such/repo/worktrees/x\n');
  mkdirSync(join(cache, 'opencode'));
  const mark = 'a'.repeat(32);
  writeFileSync(join(cache, `opencode/${mark}.json`), JSON.stringify({ mark, root: '/no/such/root' }));
  project.write('.git/index.lock', '');
  const { code, findings } = await examined(project);
  expect(code).toBe(0);
  expect(findings.filter(({ state }) => state === 'warning').map(({ found }) => found)).toEqual(
    expect.arrayContaining([
      '1 OpenCode server left by a killed conductor',
      '1 folder of projects that no longer exist',
      'its index is locked',
    ]),
  );
});

const trial = async (project: TemporaryProject, ...args: string[]) => {
  const { findings } = await examined(project, {}, '--agent', ...args);
  return findings.find(({ about }) => about === 'trial');
};

test('OpenCode is tried with a scripted model, and nothing of it is left', async () => {
  const project = newProject();
  expect(await trial(project)).toMatchObject({
    state: 'ok',
    found: expect.stringMatching(/^OpenCode with a scripted model read, .* tokens, \$/),
  });
  expect(project.git('status', '--short', '--ignored').trim().split('\n')).toEqual(['?? specs/']);
});

test.each([
  ['works', "cut -d ' ' -f 3 question.txt > answer.txt", { state: 'ok' }],
  ['does nothing', 'true', { state: 'problem', found: expect.stringContaining('it wrote no answer.txt') }],
  ['breaks', 'exit 3', { state: 'problem', found: expect.stringMatching(/^the agent failed: /) }],
])('the configured agent is tried: one that %s', async (_what, line, expected) => {
  const agent = { driver: 'command', command: ['sh', '-c', line] };
  const project = newProject({ [SPEC]: RUN, [CONFIG]: `export default ${JSON.stringify({ agent })};\n` });
  expect(await trial(project, 'configured')).toMatchObject(expected);
});

test('where no agent is configured there is none to be tried', async () => {
  expect(await trial(newProject(), 'configured')).toMatchObject({
    state: 'problem',
    found: 'no agent is configured',
  });
});
