/** `conductor watch` as a person has it: keys, signals, what is shown, what a kill leaves. */

import { afterEach, expect, test } from 'vitest';
import { TemporaryProject, until } from '../rig/command-line.js';
import { PseudoTerminal } from '../rig/pseudo-terminal.js';

const TIMED = { timeout: 120_000 };
const made: { project: TemporaryProject; terminals: PseudoTerminal[] }[] = [];
afterEach(() => {
  for (const { project, terminals } of made.splice(0)) {
    for (const terminal of terminals) terminal.end();
    project.dispose();
  }
});

function newProject(run: string): TemporaryProject {
  const project = new TemporaryProject({
    '.gitignore': '/.conductor/\n',
    'conductor.config.mjs': "export default { sandbox: 'off' };\n",
    'notes.txt': 'one\n',
    'specs/f/BACKLOG.yaml': backlog(run),
  });
  made.push({ project, terminals: [] });
  return project;
}

const backlog = (run: string) => `tasks:
  - id: T1
    title: Copy
    inputs: [notes.txt]
    outputs: [out.txt]
    run: ${JSON.stringify(run)}
`;

function terminal(project: TemporaryProject, line: string): PseudoTerminal {
  const opened = new PseudoTerminal(project, line);
  made.find((one) => one.project === project)?.terminals.push(opened);
  return opened;
}

test('builds, watches, obeys its keys, and leaves the terminal as it was', TIMED, async () => {
  const project = newProject('cp notes.txt out.txt');
  const screen = terminal(
    project,
    'stty -a | grep -o " -\\?icanon"; conductor watch; echo "code $?"; stty -a',
  );
  await screen.see('built    f/T1');
  await screen.see('watching 1 task');
  await screen.see('q quit');
  project.write('notes.txt', 'two\n');
  await screen.see('changed: notes.txt');
  await screen.see('built    f/T1');
  await screen.see('watching 1 task');
  expect(project.read('out.txt')).toBe('two\n');

  screen.type('e');
  await screen.see('f/T1: stale: changed: ');
  screen.type('\r');
  await screen.see('nothing to do (1 fresh)');
  await screen.see('watching 1 task');
  screen.type('f');
  await screen.see('no task has failed');

  project.write('specs/f/BACKLOG.yaml', backlog('exit 3'));
  await screen.see('the command failed');
  await screen.see('1 failed');
  await screen.see('watching 1 task, 1 failed');
  screen.type('\r');
  await screen.see('nothing in its key has changed');
  await screen.see('watching 1 task, 1 failed');
  screen.type('f');
  await screen.see('1 failed');
  await screen.see('watching 1 task, 1 failed');
  project.write('specs/f/BACKLOG.yaml', 'tasks: [');
  await screen.see('the specs are not valid');
  await screen.see('continues with the last good ones');

  screen.type('q');
  await screen.see('code 0');
  await screen.exited;
  expect(screen.shown.slice(screen.shown.lastIndexOf('code 0'))).toMatch(/(?<!-)icanon/);
});

test('Ctrl-C stops what runs and restores the terminal', TIMED, async () => {
  const project = newProject('echo begun; exec sleep 600');
  const screen = terminal(project, 'conductor watch; echo "code $?"; stty -a');
  await screen.see('1 running');
  await screen.see('begun');
  screen.type('\u0003');
  await screen.see('code 130');
  await screen.exited;
  expect(screen.shown.slice(screen.shown.lastIndexOf('code 130'))).toMatch(/(?<!-)icanon/);
});

test('after `kill -9` of a watch a build goes on as if nothing had been', TIMED, async () => {
  const project = newProject('cp notes.txt out.txt');
  const watching = project.start(['watch', '--json']);
  await until('the watch to be idle', () => watching.printed().includes('"watch.idle"'));
  project.write('notes.txt', 'two\n');
  await until('the next build', () => watching.printed().includes('"watch.changed"'));
  process.kill(-watching.pid, 'SIGKILL');
  await watching.ended;
  const built = await project.conductor('build', '--no-wait');
  expect(built.text).toContain('conductor: ');
  expect(built.code).toBe(0);
  expect(project.read('out.txt')).toBe('two\n');
});

test('without a terminal it prints lines, as JSON too, and ends at a signal', TIMED, async () => {
  const project = newProject('cp notes.txt out.txt');
  const plain = project.start(['watch', '--poll']);
  await until('the watch to be idle', () => plain.printed().includes('watching 1 task'));
  expect(plain.printed()).toContain('scanning every second');
  project.write('notes.txt', 'two\n');
  await until('the next build', () => plain.printed().split('built    f/T1').length === 3);
  plain.process.kill('SIGTERM');
  expect((await plain.ended).code).toBe(130);

  const json = project.start(['watch', '--json']);
  await until('the watch to be idle', () => json.printed().includes('"watch.idle"'));
  json.process.kill('SIGINT');
  const { stdout, code } = await json.ended;
  expect(code).toBe(130);
  const types = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).type);
  expect(types[0]).toBe('watch.started');
  expect(types).toContain('build.finished');
  expect(types.at(-1)).toBe('watch.idle');
});

test('where there is no repository it says so', TIMED, async () => {
  const project = newProject('true');
  project.remove('.git');
  const ended = await project.conductor('watch');
  expect(ended.code).toBe(2);
  expect(ended.text).toContain('this folder is not in a git repository');
});
