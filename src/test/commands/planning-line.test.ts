/** `plan`, `run` and `backlog` as typed: a killed plan goes on, a person is asked, their files keep their comments. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureBuilt, PACKAGE, processesNaming, TemporaryProject, until } from '../rig/command-line.js';

let project: TemporaryProject;

/** An agent with a command line: it looks at its prompt and writes what the test has laid ready for it. */
const AGENT = `
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
const [promptFile, desk] = process.argv.slice(2);
const prompt = readFileSync(promptFile, 'utf8');
const who = /^# (?:One )?(Requirements|Structure|Proof|Tasks|plan) /m.exec(prompt)?.[1] ?? /agent:(\\w+)/.exec(prompt)?.[1];
appendFileSync(desk + '/calls', who + '\\n');
while (existsSync(desk + '/hold-' + who)) await new Promise((resolve) => setTimeout(resolve, 20));
for (const [path, text] of Object.entries(JSON.parse(readFileSync(desk + '/' + who + '.json', 'utf8')))) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
`;
const BACKLOG = `title: Greetings
tasks:
  # the heart of it
  - id: T01
    title: Greet
    description: "Write greet.txt. agent:one"
    inputs: []
    outputs: [greet.txt]
    verify: [test -s greet.txt]
  - id: T02
    title: Part # and nothing more
    description: "Write part.txt. agent:two"
    inputs: []
    outputs: [part.txt]
    depends_on: [T01]
`;

const desk = () => join(project.root, 'desk');
const lay = (who: string, files: object) => writeFileSync(join(desk(), `${who}.json`), JSON.stringify(files));
const calls = () =>
  existsSync(join(desk(), 'calls')) ? readFileSync(join(desk(), 'calls'), 'utf8').trim().split('\n') : [];

beforeEach(() => {
  project = new TemporaryProject();
  project.write('../desk/agent.mjs', AGENT);
  project.write('specs/f/REQUEST.md', '# Greetings\n\nGreet, then part.\n');
  project.write('.gitignore', '.conductor/\n');
  const command = [process.execPath, join(desk(), 'agent.mjs'), '{promptFile}', desk()];
  const config = { agent: { driver: 'command', command }, sandbox: 'off' };
  project.write('conductor.config.mjs', `export default ${JSON.stringify(config)};\n`);
  lay('Requirements', { 'specs/f/plan-spec.md': '## Purpose\n\nGreetings.\n' });
  lay('Structure', { 'specs/f/plan-arch.md': '## Parts\n\nTwo files.\n' });
  lay('Proof', { 'specs/f/plan-qa.md': '## Cases\n\nNone is empty.\n' });
  lay('plan', {
    'specs/f/PLAN.md':
      '## Requirements\n\n### R1 Greet\n\nGreetings.\n\n## Contradictions\n\n- None greets.\n\n## Assumptions\n\n- In English.\n',
  });
  lay('Tasks', { 'specs/f/BACKLOG.yaml': BACKLOG });
  lay('one', { 'greet.txt': 'hello\n' });
  lay('two', { 'part.txt': 'bye\n' });
});
afterEach(() => project.dispose());

test('a plan that is killed goes on: what a planner has finished is not paid again', async () => {
  const hold = join(desk(), 'hold-Proof');
  writeFileSync(hold, '');
  const running = project.start(['plan', 'f', '--json']);
  const finished = (who: string) =>
    new RegExp(`"task.finished","task":"f/@planner-${who}"`).test(running.printed());
  await until('two planners to end', () => finished('spec') && finished('arch') && calls().includes('Proof'));
  process.kill(-running.pid, 'SIGKILL');
  await running.ended;
  for (const pid of processesNaming(desk())) process.kill(pid, 'SIGKILL');
  expect(existsSync(project.path('specs/f/PLAN.md'))).toBe(false);
  project.remove('../desk/hold-Proof');
  const again = await project.conductor('plan', 'f');
  expect(again.text).toContain('planned  f: 2 tasks: 2 added (T01, T02)');
  expect(again.code).toBe(0);
  expect(calls().sort()).toEqual(['Proof', 'Proof', 'Requirements', 'Structure', 'Tasks', 'plan']);
  expect(project.read('specs/f/BACKLOG.yaml')).toBe(BACKLOG);
  expect((await project.conductor('validate')).text).toContain('1 feature with 2 tasks: no problems');
});

test('a person is asked before anything is built: on a terminal, or by `--yes`', async () => {
  const unasked = await project.conductor('run', 'f');
  expect(unasked.code).toBe(2);
  expect(unasked.stdout).toContain('f/T01  Greet  stale\n  writes  greet.txt\n  runs    test -s greet.txt\n');
  expect(unasked.stdout).toContain('contradictions:\n  - None greets.\nassumptions:\n  - In English.\n');
  expect(unasked.stdout).toMatch(/2 tasks to build, 2 by agents: prompts of about \d+ tokens/);
  expect(unasked.stderr).toContain('conductor cannot ask without a terminal');
  expect(unasked.stderr).toContain('--yes');
  expect(calls()).not.toContain('one');

  ensureBuilt();
  const onTerminal = async (answer: string) => {
    const terminal = spawn(process.execPath, [join(PACKAGE, 'bin/conductor.js'), 'run', 'f'], {
      cwd: project.dir,
      cols: 100,
      env: { PATH: process.env.PATH, HOME: project.home, NO_COLOR: '1', TERM: 'xterm' },
    });
    let seen = '';
    terminal.onData((text) => {
      seen += text;
    });
    const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    await until('the question', () => seen.includes('Build this?'));
    terminal.write(answer);
    return { code: await ended, seen };
  };
  const interrupted = await onTerminal('\u0003');
  expect(interrupted.code).toBe(130);
  const declined = await onTerminal('n');
  expect(declined.code).toBe(1);
  expect(declined.seen).toContain('nothing was built; the plan is written');
  expect(calls()).not.toContain('one');
  const agreed = await onTerminal('y');
  expect(agreed.seen).toContain('conductor: built 2');
  expect(agreed.code).toBe(0);
  expect(project.read('part.txt')).toBe('bye\n');
  expect(calls().filter((who) => who === 'Tasks')).toHaveLength(1);
  // With nothing to build nobody is asked.
  const idle = await project.conductor('run', 'f');
  expect(idle.text).toContain('nothing to do');
  expect(idle.code).toBe(0);

  // What it changes in another feature needs more than `--yes`.
  project.write(
    'specs/g/BACKLOG.yaml',
    'tasks:\n  - id: T1\n    outputs: [g.txt]\n    inputs: []\n    run: echo g > g.txt\n',
  );
  const change = 'changes:\n  - task: g/T1\n    because: greetings count\n    acceptance: [It counts.]\n';
  project.write('specs/f/BACKLOG.yaml', project.read('specs/f/BACKLOG.yaml') + change);
  const refused = await project.conductor('run', 'f', '--yes');
  expect(refused.code).toBe(2);
  expect(refused.stdout).toContain(
    'changes of other features:\ng/T1  greetings count\n  --- a/specs/g/BACKLOG.yaml\n',
  );
  expect(refused.stdout).toContain('nothing to build; 1 changed task of another feature is not counted\n');
  expect(refused.stderr).toContain('conductor approve f');
  expect(project.read('specs/g/BACKLOG.yaml')).not.toContain('It counts.');
  expect((await project.conductor('approve', '--list')).stdout).toContain('g/T1  greetings count');
  const approved = await project.conductor('approve', 'f');
  expect(approved.code).toBe(0);
  expect(project.read('specs/g/BACKLOG.yaml')).toContain('- It counts.');
  expect(project.read('specs/f/BACKLOG.yaml')).not.toContain('changes:');
});

test('the backlog says what can start, and words about a task are set with every comment kept', async () => {
  project.write('specs/f/BACKLOG.yaml', BACKLOG);
  project.write('specs/g.spec.md', '---\nid: main # the only one\noutputs: [g.txt]\n---\n\nWrite g.\n');
  const ready = await project.conductor('backlog', 'ready');
  expect(ready.stdout).toBe(
    'f/T01   Greet\ng/main  main\nconductor: 2 tasks can start, 1 waiting or blocked\n',
  );
  const set = await project.conductor(
    'backlog',
    'set',
    'f/T01',
    'status=blocked',
    'owner=Ada L.',
    'priority=1',
  );
  expect(set.stdout).toBe('conductor: specs/f/BACKLOG.yaml changed\n');
  const words = '  - id: T01\n    status: blocked\n    owner: Ada L.\n    priority: 1\n';
  expect(project.read('specs/f/BACKLOG.yaml')).toBe(BACKLOG.replace('  - id: T01\n', words));
  expect((await project.conductor('backlog', 'set', 'g/main', 'priority=high')).code).toBe(0);
  expect(project.read('specs/g.spec.md')).toBe(
    '---\nid: main # the only one\npriority: high\noutputs: [g.txt]\n---\n\nWrite g.\n',
  );
  expect((await project.conductor('backlog', 'ready')).stdout).toContain('g/main  priority high  main\n');
  const shown = await project.conductor('backlog', 'show', 'f');
  expect(shown.stdout).toContain('f/T01  blocked, priority 1, Ada L.  Greet  stale: never built\n');
  expect(shown.stdout).not.toContain('g/main');
  await project.conductor('backlog', 'set', 'f/T01', 'status=', 'owner=', 'priority=');
  expect(project.read('specs/f/BACKLOG.yaml')).toBe(BACKLOG);

  for (const [args, message] of [
    [['f/T9', 'status=done'], 'no task or feature is called f/T9'],
    [['f/T01', 'status=soon'], '`soon` is not a status'],
    [['f/T01', 'outputs=x'], 'is not a field that `set` can change'],
    [['f/T01', 'status'], 'is not a field that `set` can change'],
  ] as const) {
    const refused = await project.conductor('backlog', 'set', ...args);
    expect(refused.stderr).toContain(message);
    expect(refused.code).toBe(2);
  }
  expect(project.read('specs/f/BACKLOG.yaml')).toBe(BACKLOG);
});
