/** `kill -9` of conductor, of the OpenCode server and of both, while agents work: nothing is paid twice, nothing is left. */

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createScriptedModel, type ScriptedModel } from '../../agent/scripted-model/model-server.js';
import { type Ended, processesNaming, type Running, TemporaryProject, until } from '../rig/command-line.js';
import { bashStep, KEY, scriptedAgentConfig, scriptedTask, writeStep } from '../rig/opencode-rig.js';
import { backlogYaml } from '../rig/rig-backlog.js';

const DONE = { say: 'Done.' };
const TIMED = { timeout: 300_000 };
let project: TemporaryProject;
let model: ScriptedModel;

beforeEach(async () => {
  model = await createScriptedModel({ key: KEY });
  project = new TemporaryProject();
  mkdirSync(temporary());
});
afterEach(async () => {
  await model.close();
  project.dispose();
});

const temporary = () => join(project.root, 'tmp');
const cache = (...path: string[]) => join(project.home, '.cache/conductor', ...path);
const asked = (script: string) => model.requests.filter((request) => request.script === script).length;

/** One task that finishes, then two that are held: one at the model, one in a command of its shell. */
function specify(sandbox: 'auto' | 'off'): void {
  const config = { agent: scriptedAgentConfig(model), sandbox, workers: 3 };
  project.write('conductor.config.mjs', `export default ${JSON.stringify(config)};\n`);
  project.write('.gitignore', '/.conductor/\n');
  project.write(
    'specs/f/BACKLOG.yaml',
    backlogYaml('f', {
      first: scriptedTask('first', 'first.txt'),
      held: scriptedTask('held', 'held.txt', { depends_on: ['first'] }),
      busy: scriptedTask('busy', 'busy.txt', { depends_on: ['first'] }),
    }),
  );
  project.commit();
  model.script('first', [writeStep('first.txt', '1'), DONE]);
  model.script('held', [{ hold: 'kill' }, DONE], [writeStep('held.txt', '2'), DONE]);
  model.script('busy', [bashStep('touch begun; sleep 300'), DONE], [writeStep('busy.txt', '3'), DONE]);
}

function start(): Running {
  return project.start(['build', '--json'], { MODEL_KEY: KEY, TMPDIR: temporary() });
}

/** Where both held tasks are at work. */
async function atWork(running: Running): Promise<void> {
  await Promise.race([model.held('kill'), running.ended]);
  const begun = () =>
    readdirSync(cache(), { recursive: true, encoding: 'utf8' }).some((path) => path.endsWith('/begun'));
  await until('the command of the shell to run', begun, 120_000);
}

function serverPid(): number {
  const name = readdirSync(cache('opencode')).find((one) => one.endsWith('.json'));
  return JSON.parse(readFileSync(cache('opencode', name as string), 'utf8')).server.pid;
}

/** Only the process itself, as a system out of memory would do it. */
async function kill(running: Running): Promise<void> {
  process.kill(running.pid, 'SIGKILL');
  await running.ended;
}

/** All is built, what was finished was asked for once, and nothing is left of any build. */
function complete(ended: Ended): void {
  expect(ended.code, ended.text).toBe(0);
  expect(['first', 'held', 'busy'].map((name) => project.read(`${name}.txt`))).toEqual(['1', '2', '3']);
  expect(asked('first')).toBe(2);
  // No attempt is burnt: what was cut off is begun again, each in one more session.
  expect(new Set(model.requests.map((request) => request.session)).size).toBe(5);
  nothingLeft();
}

function nothingLeft(): void {
  expect(processesNaming(project.root)).toEqual([]);
  expect(readdirSync(temporary())).toEqual([]);
  expect(readdirSync(cache('opencode'))).toEqual([]);
  const left = readdirSync(cache(), { recursive: true, encoding: 'utf8' });
  expect(left.filter((path) => /\.busy$|conductor-tmp|\/begun$/.test(path))).toEqual([]);
  const workspaces = left.filter((path) => /-w\d+$/.test(path)).length;
  expect(readdirSync(join(project.dir, '.git/conductor/repo/workspaces'))).toHaveLength(workspaces);
}

describe('after kill -9', () => {
  test('of the server, the build itself completes', TIMED, async () => {
    specify('off');
    const running = start();
    await atWork(running);
    process.kill(serverPid(), 'SIGKILL');
    complete(await running.ended);
  });

  test.each(['auto', 'off'] as const)(
    'of conductor, the next build completes (sandbox: %s)',
    TIMED,
    async (sandbox) => {
      specify(sandbox);
      const running = start();
      await atWork(running);
      await kill(running);
      complete(await start().ended);
    },
  );

  test('of both, the next build completes', TIMED, async () => {
    specify('auto');
    const running = start();
    await atWork(running);
    process.kill(serverPid(), 'SIGKILL');
    await kill(running);
    complete(await start().ended);
  });
});

test('a build that has nothing to do ends what a killed one left', TIMED, async () => {
  specify('off');
  model.script('held', [writeStep('held.txt', '2'), DONE], [{ hold: 'kill' }, DONE]);
  model.script('busy', [writeStep('busy.txt', '3'), DONE], [bashStep('touch begun; sleep 300'), DONE]);
  expect((await start().ended).code).toBe(0);
  const spec = project.read('specs/f/BACKLOG.yaml');
  project.write('specs/f/BACKLOG.yaml', spec.replaceAll('Write it.', 'Write it again.'));
  model.script('first', [writeStep('first.txt', '1 again'), DONE]);
  const running = start();
  await atWork(running);
  await kill(running);
  project.write('specs/f/BACKLOG.yaml', spec);
  expect(existsSync(cache('opencode')) && readdirSync(cache('opencode'))).toHaveLength(1);
  const ended = await start().ended;
  expect(ended.stdout).toContain('"up-to-date"');
  expect(processesNaming(project.root)).toEqual([]);
  expect(readdirSync(temporary())).toEqual([]);
  expect(readdirSync(cache('opencode'))).toEqual([]);
});
