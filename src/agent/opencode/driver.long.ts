/** Holds what the driver makes of the real server and a scripted model: endings, limits, refusals, deaths. */

import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { OpencodeProviderConfig } from '../../model/config.js';
import {
  createDriverRig,
  type DriverRig,
  failureOf as failure,
  writeInto as write,
} from '../../test/rig/driver-rig.js';
import { KEY, scriptedAgentConfig } from '../../test/rig/opencode-rig.js';
import type { Agent } from '../agent.js';
import type { ScriptedModel } from '../scripted-model/model-server.js';
import type { ScriptStep } from '../scripted-model/playbook.js';
import type { Step } from '../scripted-model/step.js';

// A server takes a second to start, and many on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

let rig: DriverRig;
let model: ScriptedModel;
let agent: Agent;

beforeAll(async () => {
  rig = await createDriverRig();
  model = rig.model;
  agent = rig.agent;
});
afterAll(() => rig[Symbol.asyncDispose]());

const start: DriverRig['start'] = (...args) => rig.start(...args);
const make: DriverRig['make'] = (...args) => rig.make(...args);
const nextDir = () => rig.nextDir;

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
    const usage = { costUsd: expect.closeTo(0.000462, 7), tokensIn: 100, tokensOut: 10, tokensCached: 40 };
    await vi.waitFor(() => expect(run.events).toContainEqual({ kind: 'usage', usage }), 5000);
    model.release('last');
    const exit = await run.exit;
    expect(exit).toMatchObject({
      kind: 'finished',
      usage: { tokensIn: 300, tokensOut: 30 },
      observed: [],
      lastWords: 'Done.',
    });
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
    expect(model.requests.filter(({ script }) => script === run.name)).toHaveLength(5);
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

  test('of silence does not count a quiet tool', async () => {
    const impatient = make({ limits: { silenceMinutes: 0.05, toolSilenceMinutes: 1 } });
    try {
      const sleep = { call: 'bash', args: { command: 'sleep 6', description: 'runs the tests' } };
      const run = await start([sleep, { say: 'Done.' }], {}, impatient);
      expect(await run.exit).toMatchObject({ kind: 'finished' });
    } finally {
      await impatient.close?.();
    }
  });

  test('of time stops whatever takes too long, and the call that is cut off is estimated', async () => {
    // Long enough for a loaded machine to begin the call.
    const run = await start([{ hang: 'mid-stream' }], { timeoutMs: 9000 });
    expect(await failure(run)).toMatchObject({ kind: 'timed-out', what: 'the agent', minutes: 0.15 });
    const { usage } = await run.exit;
    expect(usage.tokensIn).toBeGreaterThan(0);
    expect(usage.costUsd).toBeGreaterThan(0);
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

  test('that ends with a word of its own has ended, and is not asked again', async () => {
    const none = { usage: 'none' } as const;
    const runs = [];
    for (const end of [
      { say: 'Done.', finish: 'end_turn' },
      { say: 'Done.', finish: 'eos', ...none },
    ]) {
      const made = write(nextDir(), 'made.txt') as Step;
      runs.push(await start([{ ...made, ...('usage' in end ? none : {}) }, end, { say: 'Asked again.' }]));
    }
    for (const run of runs) {
      const exit = await run.exit;
      expect(exit).toMatchObject({ kind: 'finished', lastWords: 'Done.' });
      // Also where the provider sends no usage.
      expect(exit.usage.tokensIn).toBeGreaterThan(0);
      expect(exit.usage.costUsd).toBeGreaterThan(0);
      expect(model.requests.filter(({ script }) => script === run.name)).toHaveLength(2);
    }
  });

  test('whose provider gives no answer with status 200 is asked three times, and the provider is named', async () => {
    const cut = 'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"del';
    const runs = [];
    for (const body of [
      '<html><body>Sign in</body></html>',
      '',
      cut,
      '{"error":{"message":"no such model"}}',
    ])
      runs.push(await start([{ loop: { body } }]));
    for (const run of runs) {
      expect(await failure(run)).toMatchObject({ kind: 'provider-unavailable', provider: 'scripted' });
      expect(model.requests.filter(({ script }) => script === run.name)).toHaveLength(3);
    }
  });

  test('that gives no answer now and then goes on', async () => {
    const none = { body: '' };
    const call = { call: 'glob', args: { pattern: '*.x' } };
    const run = await start([none, call, none, { say: 'Done.' }]);
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
      detail: expect.stringContaining('largest size'),
    });
  });

  test('that is not known fails at once', async () => {
    const run = await start([], { model: 'scripted/none' });
    expect(await failure(run)).toMatchObject({ kind: 'agent-error' });
  });

  test('may not write outside of its workspace, and is told so', async () => {
    const outside = join(rig.root, 'outside.txt');
    const run = await start([write('', outside), { say: 'It was refused.' }]);
    expect(await run.exit).toMatchObject({ kind: 'finished' });
    expect(await readdir(rig.root)).not.toContain('outside.txt');
    expect(await run.transcript()).toContainEqual(
      expect.objectContaining({ type: 'tool', tool: 'write', status: 'error' }),
    );
  });
});

test('a price is the config’s, else that of OpenCode’s catalogue, else unknown', async () => {
  const { scripted } = (scriptedAgentConfig(model).providers ?? {}) as Record<string, OpencodeProviderConfig>;
  const providers = {
    scripted: { ...scripted, models: { ...scripted?.models, free: { context: 1000, output: 100 } } },
    anthropic: { keyEnv: 'MODEL_KEY' },
  };
  const one = make({ providers });
  const isPriced = (name: string) =>
    one.isPriced?.({ cwd: rig.root, model: name, signal: new AbortController().signal });
  try {
    expect(await isPriced('scripted/model-1')).toEqual({ ok: true, value: true });
    expect(await isPriced('scripted/free')).toEqual({ ok: true, value: false });
    expect(await isPriced('anthropic/claude-sonnet-4-5')).toEqual({ ok: true, value: true });
  } finally {
    await one.close?.();
  }
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

test('a workspace that a link leads to is worked in and observed as any other', async () => {
  const place = join(rig.root, 'place');
  await mkdir(place);
  await writeFile(join(place, 'notes.md'), 'a note');
  await symlink(place, join(rig.root, 'link'));
  const run = await start(
    [
      { call: 'grep', args: { pattern: 'note' } },
      { call: 'bash', args: { command: 'printf x > made.txt', description: 'x' } },
      { say: 'Done.' },
    ],
    { cwd: join(rig.root, 'link') },
  );
  expect(await run.exit).toMatchObject({ kind: 'finished', observed: ['notes.md'] });
  expect(await readdir(place)).toEqual(['made.txt', 'notes.md']);
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
  await model.held('kill');
  model.script(run.name, [write(run.dir, 'made.txt'), { say: 'ok' }]);
  process.kill((await rig.record()).server.pid, 'SIGKILL');
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

  test('that repeats the key in its refusal tells it to nobody', async () => {
    const other = make({});
    try {
      const run = await start([{ status: 401, say: `Incorrect API key provided: ${KEY}` }], {}, other);
      const refused = await failure(run);
      expect(refused).toMatchObject({ detail: expect.stringContaining('key provided: [secret]') });
      expect(JSON.stringify([refused, run.events, await run.transcript()])).not.toContain(KEY);
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
