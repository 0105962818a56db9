/** Builds with the real OpenCode server as the agent and a scripted model behind it. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOpencodeAgent } from '../agent/opencode/driver.js';
import { ScriptedAgent } from '../agent/scripted.js';
import { createScriptedModel, type ScriptedModel } from '../agent/scripted-model/server.js';
import { build } from '../engine/build.js';
import { PLAIN_BUILD } from '../engine/options.js';
import { findSandbox } from '../io/sandbox.js';
import type { ConductorConfig, OpencodeAgentConfig } from '../model/config.js';
import { ensureBuilt, PACKAGE } from './command-line.js';
import { createRig, type Rig } from './rig.js';
import { Story } from './rig-story.js';

const KEY = 'sk-planted-secret';
const AGENTS = join(PACKAGE, '.opencode/agent');
const agents = readdirSync(AGENTS);
let model: ScriptedModel;

beforeEach(async () => {
  ensureBuilt();
  model = await createScriptedModel({ key: KEY });
});
afterEach(() => model.close());

const write = (filePath: string, content: string) => ({ call: 'write', args: { filePath, content } });
const task = (script: string, output: string, more: object = {}) => ({
  description: `Write it. [script:${script}]`,
  inputs: [],
  outputs: [output],
  ...more,
});

function rigWith(config: ConductorConfig = {}): Promise<Rig> {
  const agent: OpencodeAgentConfig = {
    driver: 'opencode',
    model: 'scripted/model-1',
    providers: {
      scripted: {
        baseURL: `${model.url}/v1`,
        keyEnv: 'MODEL_KEY',
        models: { 'model-1': { context: 200_000, output: 8192, cost: { input: 3, output: 15 } } },
      },
    },
  };
  return createRig({ config: { agent, workers: 4, ...config } });
}

/** The bundled plugins, as the command line gives them. */
function plugins(): { path: string; text: string }[] {
  const folder = join(PACKAGE, 'dist/plugin');
  return readdirSync(folder).map((name) => ({
    path: `plugin/${name}`,
    text: readFileSync(join(folder, name), 'utf8'),
  }));
}

/** A build whose agent is the one that the config names. */
async function run(rig: Rig, key = KEY): Promise<Story> {
  const tripwire = new ScriptedAgent({ tripwire: true });
  const story = new Story(tripwire);
  const summary = await build(
    {
      ...rig.surroundings(tripwire),
      createAgent: async (config) =>
        createOpencodeAgent(config.agent as OpencodeAgentConfig, {
          env: { ...rig.env, MODEL_KEY: key },
          stateDir: stateOf(rig),
          shellEnv: [],
          files: plugins(),
          findSandbox: async () => {
            const found = await findSandbox(rig.env);
            return 'program' in found ? found.program : undefined;
          },
          now: Date.now,
        }),
      shippedAgents: async () =>
        new Map(agents.map((name) => [name, readFileSync(join(AGENTS, name), 'utf8')])),
    },
    PLAIN_BUILD,
    (event) => story.events.push(event),
    new AbortController().signal,
  );
  return story.end(summary);
}

const stateOf = (rig: Rig) => join(rig.temporary.root, 'servers');
/** Servers that are recorded as running. */
const records = (rig: Rig) => readdirSync(join(stateOf(rig), 'opencode'));

test('a feature of agent tasks is made in parallel, gated, merged, and not asked for again', async () => {
  await using rig = await rigWith();
  rig.backlog('f', {
    T1: task('one', 'one.txt', { verify: ['grep -q 1 one.txt'] }),
    T2: task('two', 'two.txt'),
    T3: task('three', 'three.txt'),
    T4: task('four', 'four.txt', { depends_on: ['T1', 'T2'], verify: ['cat one.txt two.txt four.txt'] }),
  });
  const meanwhile = [{ hold: 'side by side' }, { say: 'Done.' }];
  model.script('one', [write('one.txt', '1'), ...meanwhile]);
  model.script('two', [write('two.txt', '2'), ...meanwhile]);
  const command = 'printf 3 > three.txt; printf x > ../escaped.txt';
  model.script('three', [{ call: 'bash', args: { command, description: 'write' } }, ...meanwhile]);
  model.script('four', [write('four.txt', '4'), { say: 'Done.' }]);
  const building = run(rig);
  await Promise.race([model.held('side by side', 3), building]);
  model.release('side by side');
  const first = await building;
  expect(first.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built', 'f/T3': 'built', 'f/T4': 'built' });
  expect(['one', 'two', 'three', 'four'].map((name) => rig.read(`${name}.txt`))).toEqual([
    '1',
    '2',
    '3',
    '4',
  ]);
  if ('program' in (await findSandbox(rig.env))) {
    const everywhere = readdirSync(rig.temporary.root, { recursive: true }).map(String);
    expect(everywhere.filter((path) => path.endsWith('escaped.txt'))).toEqual([]);
  }
  expect(first.summary.usage.costUsd).toBeGreaterThan(0);
  expect(records(rig)).toEqual([]);
  const calls = model.calls;
  expect(calls).toBe(8);
  const second = await run(rig);
  expect(second.summary.outcome).toBe('up-to-date');
  rig.write({ 'unrelated.txt': 'x' });
  expect((await run(rig)).outcomes()).toMatchObject({ 'f/T1': 'fresh', 'f/T4': 'fresh' });
  expect(model.calls).toBe(calls);
});

test('work that a gate refuses is tried again in a new session, which is told what failed', async () => {
  await using rig = await rigWith();
  rig.backlog('f', { T1: task('one', 'one.txt', { verify: ['grep -q good one.txt'] }) });
  model.script(
    'one',
    [write('one.txt', 'bad'), { say: 'Done.' }],
    [write('one.txt', 'good'), { say: 'Done.' }],
  );
  const built = await run(rig);
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('one.txt')).toBe('good');
  expect(new Set(model.requests.map((request) => request.session)).size).toBe(2);
  expect(JSON.stringify(model.requests.at(-1)?.messages)).toContain('Attempt 1 failed');
});

test('a server that is killed in the midst of a build costs no task', async () => {
  await using rig = await rigWith();
  rig.backlog('f', { T1: task('one', 'one.txt'), T2: task('two', 'two.txt', { depends_on: ['T1'] }) });
  model.script('one', [write('one.txt', '1'), { say: 'Done.' }]);
  const steps = [write('two.txt', '2'), { say: 'Done.' }];
  model.script('two', [{ hold: 'kill' }, ...steps], steps);
  const building = run(rig);
  await Promise.race([model.held('kill'), building]);
  const [record] = records(rig);
  const { server } = JSON.parse(readFileSync(join(stateOf(rig), 'opencode', record as string), 'utf8'));
  process.kill(server.pid, 'SIGKILL');
  const built = await building;
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(built.of('task.attempt-failed')).toEqual([]);
  expect(model.requests.filter((request) => request.script === 'one')).toHaveLength(2);
  expect(records(rig)).toEqual([]);
});

test('a budget stops a model that goes on and on within a step', async () => {
  await using rig = await rigWith({ attempts: 3 });
  rig.backlog('f', { T1: task('one', 'one.txt', { budget: { tokens: 2500 } }) });
  const usage = { input: 900, output: 100 };
  model.script('one', [{ loop: { call: 'glob', args: { pattern: '*.x' }, usage } }]);
  const built = await run(rig);
  expect(built.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', unit: 'tokens', spent: 3000 });
  expect(model.calls).toBeLessThanOrEqual(4);
});

test('a provider that refuses the key is asked once, whatever there is to do', async () => {
  await using rig = await rigWith({ attempts: 3, workers: 1 });
  rig.backlog('f', { T1: task('one', 'one.txt'), T2: task('one', 'two.txt') });
  const built = await run(rig, 'sk-wrong-key');
  const refused = { kind: 'provider-refused', provider: 'scripted', status: 401 };
  expect(built.failure('f/T1')).toMatchObject(refused);
  expect(built.failure('f/T2')).toMatchObject(refused);
  expect(model.refused).toHaveLength(1);
  expect(built.summary.exitCode).toBe(1);
});

test('an agent that says that it is blocked is believed, and is not asked again', async () => {
  await using rig = await rigWith({ attempts: 3 });
  rig.backlog('f', { T1: task('one', 'one.txt') });
  const because = 'src/api.ts,\nwhich it needs, is missing';
  model.script('one', [
    { call: 'task_progress', args: { done: 'read the spec' } },
    { call: 'task_blocked', args: { because, needs: 'file' } },
    { say: 'I cannot go on.' },
  ]);
  const built = await run(rig);
  expect(built.failure('f/T1')).toMatchObject({
    kind: 'agent-blocked',
    because: 'src/api.ts, which it needs, is missing',
    needs: 'file',
  });
  expect(built.of('task.attempt-failed')).toEqual([]);
  expect(model.calls).toBe(3);
  expect(built.of('task.output').map(({ line }) => line)).toContain('task_progress read the spec');
});

test('what an agent read, found and listed beyond its inputs is kept with the result', async () => {
  await using rig = await rigWith();
  rig.write({ 'a.md': 'alpha', 'b.md': 'beta', 'c.css': 'x', 'in.txt': 'in' });
  rig.backlog('f', { T1: { ...task('one', 'one.txt'), inputs: undefined } });
  model.script('one', [
    { call: 'read', args: { filePath: 'a.md' } },
    { call: 'grep', args: { pattern: 'beta', path: '.' } },
    write('one.txt', '1'),
    { say: 'Done.' },
  ]);
  expect((await run(rig)).outcomes()).toEqual({ 'f/T1': 'built' });
  const { tasks } = JSON.parse(rig.read('specs/f/.metadata.json') ?? '');
  expect(Object.keys(tasks.T1.observed)).toEqual(['a.md', 'b.md']);
  rig.write({ 'b.md': 'gamma' });
  expect((await run(rig)).verdict('f/T1')).toEqual({ kind: 'fresh', observed: ['b.md'] });
});
