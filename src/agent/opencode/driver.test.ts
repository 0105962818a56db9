/** Holds what the driver makes of the real server and a scripted model: endings, limits, refusals, deaths. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, test, vi } from 'vitest';
import type { OpencodeAgentConfig } from '../../model/config.js';
import type { Agent, AgentEvent, AgentExit, AgentRequest } from '../agent.js';
import type { ScriptStep } from '../scripted-model/playbook.js';
import { createScriptedModel, type ScriptedModel } from '../scripted-model/server.js';
import { createOpencodeAgent } from './driver.js';

const KEY = 'sk-planted-secret';
let root: string;
let model: ScriptedModel;
let agent: Agent;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'conductor-driver-'));
  model = await createScriptedModel({ key: KEY });
  agent = make({});
});
afterAll(async () => {
  await agent.close?.();
  await model.close();
  await rm(root, { recursive: true, force: true });
});

function make(more: Partial<OpencodeAgentConfig>, env: Record<string, string> = { MODEL_KEY: KEY }): Agent {
  const made = createOpencodeAgent(
    {
      driver: 'opencode',
      model: 'scripted/model-1',
      providers: {
        scripted: {
          baseURL: `${model.url}/v1`,
          keyEnv: 'MODEL_KEY',
          models: { 'model-1': { context: 200_000, output: 8192, cost: { input: 3, output: 15 } } },
        },
      },
      limits: { steps: 5, retryWaitMinutes: 1 },
      ...more,
    },
    {
      env: { PATH: process.env.PATH, HOME: root, ...env },
      stateDir: join(root, 'state'),
      shellEnv: [],
      findSandbox: async () => undefined,
      now: Date.now,
      files: [
        {
          path: 'agent/asker.md',
          text: '---\ndescription: x\nmode: primary\npermission:\n  bash: ask\n  task: allow\n---\nWork.\n',
        },
        { path: 'agent/child.md', text: '---\ndescription: y\nmode: subagent\n---\nWork.\n' },
      ],
    },
  );
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
}

interface Run {
  readonly dir: string;
  readonly exit: Promise<AgentExit>;
  readonly events: AgentEvent[];
  readonly stop: AbortController;
  transcript(): Promise<Record<string, unknown>[]>;
}

/** A run in a new workspace whose model does what the steps say. */
async function start(
  steps: readonly ScriptStep[],
  more: Partial<AgentRequest> = {},
  by = agent,
  files: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const name = `s${++count}`;
  const dir = join(root, `workspace ${name}`);
  await mkdir(dir);
  for (const [path, text] of Object.entries(files)) await writeFile(join(dir, path), text);
  model.script(name, steps);
  const events: AgentEvent[] = [];
  const stop = new AbortController();
  const logFile = join(root, `${name}.log`);
  const text = () => readFile(logFile, 'utf8').catch(() => '');
  onTestFailed(async () => {
    process.stderr.write(await text());
  });
  const exit = by.run({
    label: `f/${name}`,
    attempt: 1,
    cwd: dir,
    prompt: `Do it. [script:${name}]`,
    promptFile: join(root, `${name}.md`),
    timeoutMs: 60_000,
    logFile,
    signal: stop.signal,
    network: false,
    reset: async () => {},
    onEvent: (event) => events.push(event),
    ...more,
  });
  const lines = async () =>
    (await text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  return { dir, exit, events, stop, transcript: lines };
}

const write = (dir: string, name: string, content = name): ScriptStep => ({
  call: 'write',
  args: { filePath: name.startsWith('/') ? name : `${dir}/${name}`, content },
});
/** The workspace of the script that is started next. */
const nextDir = () => join(root, `workspace s${count + 1}`);
const failure = async (run: Run) => {
  const exit = await run.exit;
  return exit.kind === 'failed' ? exit.failure : exit;
};

describe('a task', () => {
  test('writes its file; usage is told while it runs, and what it did stands in its log', async () => {
    const run = await start([
      {
        ...write(nextDir(), 'made.txt', `key ${KEY}`),
        usage: { input: 100, cached: 40, output: 10 },
      } as ScriptStep,
      { hold: 'last' },
      { say: 'Done.', usage: { input: 200, output: 20 } },
    ]);
    await model.held('last');
    const usage = { costUsd: expect.closeTo(0.00057, 5), tokensIn: 100, tokensOut: 10, tokensCached: 40 };
    await vi.waitFor(() => expect(run.events).toContainEqual({ kind: 'usage', usage }), 5000);
    model.release('last');
    const exit = await run.exit;
    expect(exit).toMatchObject({ kind: 'finished', usage: { tokensIn: 300, tokensOut: 30 }, observed: [] });
    expect(await readFile(join(run.dir, 'made.txt'), 'utf8')).toBe(`key ${KEY}`);
    const lines = await run.transcript();
    expect(lines.map((line) => line.type)).toEqual(
      expect.arrayContaining(['prompt', 'tool', 'step', 'message', 'text']),
    );
    expect(JSON.stringify(lines)).not.toContain(KEY);
    expect(JSON.stringify(lines)).toContain('[secret]');
    expect(run.events).toContainEqual({ kind: 'output', line: 'Done.' });
  });

  test('runs beside two others on the same server, each in its own folder', async () => {
    const runs = [];
    for (const name of ['a', 'b', 'c']) {
      runs.push(await start([write(nextDir(), `${name}.txt`), { hold: 'three' }, { say: 'ok' }]));
    }
    await model.held('three', 3);
    model.release('three');
    for (const run of runs) expect(await run.exit).toMatchObject({ kind: 'finished' });
    expect(await Promise.all(runs.map((run) => readdir(run.dir)))).toEqual([['a.txt'], ['b.txt'], ['c.txt']]);
  });
});

describe('a limit', () => {
  test('of steps stops a model that goes round in circles', async () => {
    const run = await start([{ loop: { call: 'glob', args: { pattern: '*.x' } } }]);
    expect(await failure(run)).toMatchObject({ kind: 'step-limit', limit: 5 });
    expect((await run.exit).usage.tokensIn).toBeGreaterThan(0);
  });

  test('of silence stops a model that hangs', async () => {
    const impatient = make({ limits: { silenceMinutes: 0.05 } });
    try {
      const run = await start([{ hang: 'before-headers' }], {}, impatient);
      expect(await failure(run)).toMatchObject({ kind: 'stalled', minutes: 0.05 });
    } finally {
      await impatient.close?.();
    }
  });

  test('of time stops whatever takes too long', async () => {
    const run = await start([{ hang: 'mid-stream' }], { timeoutMs: 3000 });
    expect(await failure(run)).toMatchObject({ kind: 'timed-out', what: 'the agent', minutes: 0.05 });
  });

  test('of waits gives up a provider that asks for an hour', async () => {
    const run = await start([{ loop: { status: 429, retryAfter: 3600 } }]);
    expect(await failure(run)).toMatchObject({
      kind: 'provider-unavailable',
      provider: 'scripted',
      waitMinutes: expect.closeTo(60, 0),
    });
  });
});

describe('a model', () => {
  test('whose answer is cut off is asked again', async () => {
    const run = await start([{ say: 'Half an answer', cut: 40 }, { say: 'All of it.' }]);
    expect(await run.exit).toMatchObject({ kind: 'finished' });
  });

  test('whose window is too small fails the task as such', async () => {
    const run = await start([{ loop: { status: 400, overflow: true } }]);
    expect(await failure(run)).toMatchObject({ kind: 'context-overflow' });
  });

  test('that stops at its longest answer has not finished', async () => {
    const run = await start([{ say: 'and then', finish: 'length' }]);
    expect(await failure(run)).toMatchObject({
      kind: 'agent-error',
      detail: expect.stringContaining('cut off'),
    });
  });

  test('that is not known fails at once', async () => {
    const run = await start([], { model: 'scripted/none' });
    expect(await failure(run)).toMatchObject({ kind: 'agent-error' });
  });

  test('may not write outside of its workspace, and is told so', async () => {
    const outside = join(root, 'outside.txt');
    const run = await start([write('', outside), { say: 'It was refused.' }]);
    expect(await run.exit).toMatchObject({ kind: 'finished' });
    expect(await readdir(root)).not.toContain('outside.txt');
    expect(await run.transcript()).toContainEqual(
      expect.objectContaining({ type: 'tool', tool: 'write', status: 'error' }),
    );
  });
});

test('what an agent asks for is refused at once, and it goes on', async () => {
  const run = await start([{ call: 'bash', args: { command: 'true', description: 'x' } }, { say: 'Well.' }], {
    agentName: 'asker',
  });
  expect(await run.exit).toMatchObject({ kind: 'finished' });
  expect(await run.transcript()).toContainEqual(
    expect.objectContaining({ type: 'incident', permission: 'bash' }),
  );
});

test('what a sub-agent uses counts, and what was read, found and listed is observed', async () => {
  const usage = { input: 1000, output: 100 };
  const read = { call: 'read', args: { filePath: join(nextDir(), 'notes.md') } };
  model.script('child', [
    { ...read, usage },
    { say: 'Read it.', usage },
  ]);
  const prompt = 'Look. [script:child]';
  const run = await start(
    [
      { call: 'task', args: { description: 'look', prompt, subagent_type: 'child' }, usage },
      {
        calls: [
          { call: 'grep', args: { pattern: 'needle' } },
          { call: 'glob', args: { pattern: '*.txt' } },
          { call: 'read', args: { filePath: '.' } },
        ],
        usage,
      },
      { say: 'Done.', usage },
    ],
    { agentName: 'asker' },
    agent,
    {
      'notes.md': 'a note',
      'a found: one.md': 'hay\nneedle: 1\n',
      'listed.txt': '',
      'never.md': 'x',
    },
  );
  expect(await run.exit).toMatchObject({
    kind: 'finished',
    usage: { tokensIn: 5000, tokensOut: 500 },
    observed: ['a found: one.md', 'listed.txt', 'notes.md'],
  });
});

test('an agent that is stopped ends, and its session does nothing more', async () => {
  const run = await start([{ hold: 'abort' }, write(nextDir(), 'late.txt'), { say: 'ok' }]);
  await model.held('abort');
  run.stop.abort();
  expect(await failure(run)).toEqual({ kind: 'cancelled' });
  model.release('abort');
  expect(await readdir(run.dir)).toEqual([]);
});

test('a server that is killed takes no task with it', async () => {
  let resets = 0;
  const reset = async () => {
    resets++;
  };
  const run = await start([{ hold: 'kill' }, write(nextDir(), 'made.txt'), { say: 'ok' }], { reset });
  const name = `s${count}`;
  await model.held('kill');
  model.script(name, [write(run.dir, 'made.txt'), { say: 'ok' }]);
  process.kill(await serverPid(), 'SIGKILL');
  expect(await run.exit).toMatchObject({ kind: 'finished' });
  expect(await readdir(run.dir)).toEqual(['made.txt']);
  expect(resets).toBe(1);
  model.release('kill');
});

describe('a provider', () => {
  test('that refuses the key is asked once and not again', async () => {
    const other = make({}, { MODEL_KEY: 'sk-wrong-key' });
    try {
      const first = await start([{ say: 'never' }], {}, other);
      expect(await failure(first)).toMatchObject({
        kind: 'provider-refused',
        provider: 'scripted',
        status: 401,
      });
      const asked = model.refused.length;
      const second = await start([{ say: 'never' }], {}, other);
      expect(await failure(second)).toMatchObject({ kind: 'provider-refused' });
      expect(model.refused).toHaveLength(asked);
    } finally {
      await other.close?.();
    }
  });

  test('whose key is not set is not asked at all', async () => {
    const run = await start([{ say: 'never' }], {}, make({}, {}));
    expect(await failure(run)).toMatchObject({
      kind: 'provider-refused',
      detail: expect.stringContaining('MODEL_KEY'),
    });
  });
});

/** Of the only server that runs, from its record. */
async function serverPid(): Promise<number> {
  const folder = join(root, 'state', 'opencode');
  const [name] = await readdir(folder);
  return JSON.parse(await readFile(join(folder, name as string), 'utf8')).server.pid;
}
