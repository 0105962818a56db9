/** A terminal that is closed during a build, and a reader that goes away: nothing is left behind, and the exit code is right. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { ensureBuilt, PACKAGE, TemporaryProject, until } from '../rig/command-line.js';
import { PseudoTerminal } from '../rig/pseudo-terminal.js';

vi.setConfig({ testTimeout: 120_000 });

const SPEC = 'specs/f/BACKLOG.yaml';

let project: TemporaryProject;
afterEach(() => project.dispose());

/** conductor as the first program of a terminal, which is closed as soon as the build has begun. */
async function closeDuring(line: string, begun: () => boolean): Promise<PseudoTerminal> {
  mkdirSync(join(project.root, 'tmp'));
  const terminal = new PseudoTerminal(project, `export TMPDIR="$(cd ../tmp && pwd)"; ${line}`);
  try {
    await until('the build to get there', begun);
    terminal.close();
  } catch (error) {
    terminal.end();
    throw error;
  }
  return terminal;
}

const temporaryFiles = () => readdirSync(join(project.root, 'tmp'));
/** Node aborts (6) where it cannot restore a terminal. */
const HANGUP = { signal: 1 };

test('a closed terminal ends a build and the command that it runs, and the next build goes on', async () => {
  project = newProject("{ sandbox: 'off' }");
  const begun = join(project.root, 'begun');
  const run = `test -e '${begun}' || { echo $$ > '${begun}.new'; mv '${begun}.new' '${begun}'; exec sleep 300; }; touch out.txt`;
  project.write(SPEC, backlog({ run }));
  const terminal = await closeDuring('exec conductor build', () => existsSync(begun));
  expect(await terminal.exited).toMatchObject(HANGUP);
  expect(existsSync(`/proc/${readFileSync(begun, 'utf8').trim()}`)).toBe(false);
  expect(temporaryFiles()).toEqual([]);
  expect((await project.start(['build']).ended).code).toBe(0);
});

test('a build that is not told of the closed terminal ends well, although nobody can read it', async () => {
  project = newProject("{ sandbox: 'off' }");
  const [begun, go, code] = ['begun', 'go', 'code'].map((name) => join(project.root, name)) as [
    string,
    string,
    string,
  ];
  project.write(
    SPEC,
    backlog({ run: `touch '${begun}'; until test -e '${go}'; do sleep 0.05; done; touch out.txt` }),
  );
  // The shell is told instead, and does not tell its program.
  const line = 'trap : HUP; conductor build; echo $? > ../code.new; mv ../code.new ../code';
  const terminal = await closeDuring(line, () => existsSync(begun));
  writeFileSync(go, '');
  await until('conductor to end', () => existsSync(code));
  terminal.end();
  expect(readFileSync(code, 'utf8')).toBe('0\n');
  expect(existsSync(project.path('out.txt'))).toBe(true);
});

test('a closed terminal leaves no folder of the agent server, which holds its key', async () => {
  project = newProject("{ agent: { driver: 'scripted', script: 'script.json' } }");
  const script = { scripts: { slow: { attempts: [[{ hang: 'before-headers' }]] } } };
  project.write('script.json', JSON.stringify(script));
  project.write(SPEC, backlog({ description: 'Write it. [script:slow]' }));
  const logs = project.path('.conductor/logs');
  const hasBegun = () =>
    temporaryFiles().some((name) => name.startsWith('conductor-opencode-')) &&
    existsSync(logs) &&
    readdirSync(logs).some((name) =>
      readFileSync(join(logs, name, 'events.ndjson'), 'utf8').includes('"phase":"agent"'),
    );
  const terminal = await closeDuring('exec conductor build', hasBegun);
  expect(await terminal.exited).toMatchObject(HANGUP);
  expect(temporaryFiles()).toEqual([]);
});

test('a reader that goes away ends no build', () => {
  project = newProject("{ sandbox: 'off' }");
  project.write(SPEC, backlog({ run: 'touch out.txt' }));
  ensureBuilt();
  const conductor = `"${process.execPath}" "${join(PACKAGE, 'bin/conductor.js')}"`;
  spawnSync('/bin/sh', ['-c', `{ ${conductor} build --json; echo $? > ../code; } | true`], {
    cwd: project.dir,
    env: { PATH: process.env.PATH, HOME: project.home },
  });
  expect(readFileSync(join(project.root, 'code'), 'utf8')).toBe('0\n');
  expect(existsSync(project.path('out.txt'))).toBe(true);
});

function newProject(config: string): TemporaryProject {
  return new TemporaryProject({
    '.gitignore': '/.conductor/\n',
    'conductor.config.mjs': `export default ${config};\n`,
  });
}

function backlog(more: object): string {
  const task = { id: 'T1', title: 'Slow', inputs: [], outputs: ['out.txt'], ...more };
  const lines = Object.entries(task).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `tasks:\n  - ${lines.join('\n    ')}\n`;
}
