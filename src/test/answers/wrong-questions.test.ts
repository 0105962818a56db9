/**
 * What commands answer about names, files and flags that do not fit a project: one error that names them, on stderr, once, and with
 * `--json` one object on stdout. Run in this process, in a project that was built.
 */

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createProgram } from '../../cli/program.js';
import { commandsOf, TemporaryProject } from '../rig/command-line.js';
import { runHere } from './own-process.js';

let project: TemporaryProject;
beforeAll(async () => {
  project = new TemporaryProject({
    '.gitignore': '.conductor/\nignored.txt\n',
    'conductor.config.ts': `export default { sandbox: 'off' };\n`,
    'in/a.txt': 'a\n',
    'ignored.txt': 'a\n',
    'specs/f/BACKLOG.yaml': JSON.stringify({
      tasks: [
        { id: 'T1', inputs: ['in/a.txt'], outputs: ['out/a.txt'], run: 'cp in/a.txt out/' },
        {
          id: 'T2',
          depends_on: ['T1'],
          inputs: ['no/*.such'],
          outputs: ['out/b.txt'],
          run: 'cp out/a.txt out/b.txt',
        },
      ],
    }),
  });
  project.commit();
  expect(await run('build')).toMatchObject({ code: 0 });
  project.commit();
});
afterAll(() => project.dispose());

const run = (line: string) => runHere(project.dir, line.split(' '));

/** For a test that changes files: the next one finds them as they were built. */
function restoreAfterwards(): void {
  onTestFinished(() => {
    project.git('checkout', '-q', '--', '.');
  });
}

const timesIn = (text: string, part: string) => text.split(part).length - 1;

const UNKNOWN = 'no task or feature is called';
const WRONG: readonly (readonly [line: string, message: string])[] = [
  ['build nosuch', `${UNKNOWN} nosuch`],
  ['build no*', `${UNKNOWN} no*`],
  ['build nosuch --dry-run', `${UNKNOWN} nosuch`],
  ['build nosuch --estimate', `${UNKNOWN} nosuch`],
  ['verify f/T9', `${UNKNOWN} f/T9`],
  ['status nosuch', `${UNKNOWN} nosuch`],
  ['diff nosuch', `${UNKNOWN} nosuch`],
  ['accept nosuch', `${UNKNOWN} nosuch`],
  ['approve nosuch', `${UNKNOWN} nosuch`],
  ['approve f/T1', 'f/T1 asks for nothing'],
  ['absorb f/T9', `${UNKNOWN} f/T9`],
  ['absorb f', 'f names 2 tasks; absorb takes one task'],
  ['absorb f/T1', 'f/T1 was not edited by hand'],
  ['regenerate nosuch', `${UNKNOWN} nosuch`],
  ['regenerate', 'regenerate needs targets, or --all'],
  ['versions nosuch', `${UNKNOWN} nosuch`],
  ['checkout nosuch@1.0.0', `${UNKNOWN} nosuch`],
  ['checkout f@9.9.9', 'f has no version 9.9.9'],
  ['explain nosuch', `${UNKNOWN} nosuch`],
  ['prompt f/T9', `${UNKNOWN} f/T9`],
  ['map nosuch', `${UNKNOWN} nosuch`],
  ['graph nosuch', `${UNKNOWN} nosuch`],
  ['backlog ready nosuch', `${UNKNOWN} nosuch`],
  ['backlog show nosuch', `${UNKNOWN} nosuch`],
  ['backlog set nosuch status=done', `${UNKNOWN} nosuch`],
  ['log nosuch', `${UNKNOWN} nosuch`],
  ['report nosuch --html report.html', 'no build is called nosuch'],
  ['blame nosuch.txt', 'nosuch.txt does not exist, and no task writes it'],
  ['blame ../other.txt', '../other.txt is outside of the project'],
  ['blame out', 'out is a folder'],
  ['blame ignored.txt', 'no task reads or writes ignored.txt: git ignores it, or it looks secret'],
  ['review nosuch..HEAD', 'nosuch is not a commit of this repository'],
  ['new nosuch --name x', 'no template is called nosuch'],
  ['plan nosuch', 'specs/nosuch/REQUEST.md does not exist'],
  ['plan nosuch --dry-run', 'specs/nosuch/REQUEST.md does not exist'],
  ['cache push', 'the config names no remote'],
  ['cache pull', 'the config names no remote'],
];

const jsonCommands = commandsOf(createProgram(() => {}))
  .filter(([, command]) => command.options.some(({ long }) => long === '--json'))
  .map(([name]) => name);

test.each(WRONG)('%s', async (line, message) => {
  const { code, out, err } = await run(line);
  expect(code).toBe(2);
  expect(timesIn(err, 'error: '), err).toBe(1);
  expect(err).toContain(`error: ${message}\n`);
  expect(timesIn(err, '  hint: ')).toBe(1);
  expect(out).not.toContain(message);
  if (!jsonCommands.some((name) => line.startsWith(`${name} `) || line === name)) return;
  const json = await run(`${line} --json`);
  expect(json.code).toBe(2);
  const objects = json.out
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text))
    .filter((one) => 'error' in one);
  expect(objects, json.out).toHaveLength(1);
  expect(objects[0].error).toMatchObject({ message, fix: expect.any(String) });
});

test.each([
  'build --frozen --force',
  'build --frozen --dry-run',
  'build --frozen --estimate',
  'build --frozen --restore-only',
  'build --restore-only --dry-run',
  'build --restore-only --estimate',
  'build --estimate --commit',
  'build --estimate --dry-run',
  'build --estimate --keep-edits',
  'build --estimate --no-wait',
  'build --keep-going --fail-fast',
  'build --keep-edits --discard-edits',
  'build --no-verify',
  'metrics --export csv --json',
  'metrics --export csv --html m.html',
  'review HEAD..HEAD --markdown --json',
  'new --list --name x',
  'new --list --dry-run',
  'init --gate true --no-gates',
  'mcp --port 8080',
])('%s is refused: the flags contradict each other', async (line) => {
  const { code, err } = await run(line);
  expect(code).toBe(2);
  expect(err).toMatch(/^error: .*(cannot be used with|does nothing without)/);
  expect(timesIn(err, 'error: ')).toBe(1);
});

test('a selection that matches nothing says so', async () => {
  const { code, out, err } = await run('metrics --feature nosuch --json');
  expect(code).toBe(0);
  expect(err).toContain('warning: --feature nosuch matches nothing that is recorded');
  expect(JSON.parse(out)).toMatchObject({ builds: 0 });
});

test('a command is named in its events as it was called', async () => {
  const { out } = await run('verify f --json');
  expect(JSON.parse(out.split('\n')[0] ?? '')).toMatchObject({ command: 'conductor verify f' });
});

test('what a failed command of its own prints comes once', async () => {
  restoreAfterwards();
  project.write('out/a.txt', '<<<<<<< a\na\n=======\nb\n>>>>>>> b\n');
  const { code, err } = await run('absorb f/T1');
  expect(code).toBe(1);
  expect(timesIn(err, 'error: '), err).toBe(1);
});

test('a pattern that matches nothing is a warning, not a problem, and `status` tells it too', async () => {
  const validated = await run('validate');
  expect(validated.code).toBe(0);
  expect(validated.out).toContain('1 warning in 1 file\nconductor: 1 feature with 2 tasks: no problems\n');
  const status = await run('status');
  expect(status.code).toBe(0);
  expect(status.err).toContain('warning: specs/f/BACKLOG.yaml:1: `no/*.such` matches no file');
});

test('`verify` says of each task what is wrong, what comes next, and leaves no attempt in the history', async () => {
  restoreAfterwards();
  project.write('out/a.txt', 'by hand\n');
  const edited = await run('verify');
  expect(edited.code).toBe(1);
  expect(edited.err).toContain('  f/T1  edited by hand\n');
  // Hints name conductor as it was called: by npm's scripts `npx conductor`.
  expect(edited.err).toMatch(/`(npx )?conductor accept` records them/);
  project.remove('out/a.txt');
  project.write('in/a.txt', 'new\n');
  const stale = await run('verify');
  expect(stale.code).toBe(1);
  expect(stale.err).toContain('  f/T1  stale: changed: input in/a.txt\n  f/T2  pending: waits for f/T1\n');
  const { out } = await run('metrics --json');
  expect(JSON.parse(out).outcomes).toMatchObject({ failed: 0 });
});
