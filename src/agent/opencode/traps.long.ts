/** Holds conductor's answers to what the real OpenCode server does unasked; `docs/opencode.md` lists them. */

import { execFileSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { exists } from '../../io/files.js';
import { createDriverRig, type DriverRig, failureOf, writeInto } from '../../test/rig/driver-rig.js';
import type { ScriptStep } from '../scripted-model/playbook.js';

// A server takes a second to start, and many on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

let rig: DriverRig;
beforeAll(async () => {
  rig = await createDriverRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const DONE: ScriptStep = { say: 'Done.' };
const bash = (command: string, more: object = {}): ScriptStep => ({
  call: 'bash',
  args: { command, description: 'x', ...more },
});
const requests = (name: string) => rig.model.requests.filter((one) => one.script === name);
/** How a model's tool calls ended, in order. */
const tools = async (run: Awaited<ReturnType<DriverRig['start']>>) =>
  (await run.transcript()).filter((line) => line.type === 'tool');

describe('what reaches the model', () => {
  test('is the task’s turns alone: no title, no tool that asks, fetches or starts agents, the agent’s temperature', async () => {
    const before = rig.model.requests.length;
    const run = await rig.start([writeInto(rig.nextDir, 'a.txt'), DONE], { agentName: 'asker' });
    expect(await run.exit).toMatchObject({ kind: 'finished' });
    const asked = rig.model.requests.slice(before);
    expect(asked.map((one) => one.kind)).toEqual(['turn', 'turn']);
    expect(asked[0]).toMatchObject({ temperature: 0.3, maxTokens: 8192 });
    const plain = await rig.start([DONE]);
    await plain.exit;
    const offered = requests(plain.name)[0]?.tools.map((one) => one.function.name) ?? [];
    expect(offered).toEqual(expect.arrayContaining(['bash', 'write', 'read', 'grep', 'glob']));
    const barred = ['question', 'webfetch', 'websearch', 'task', 'StructuredOutput'];
    expect(offered.filter((name) => barred.includes(name))).toEqual([]);
  });

  test('is nothing of a person’s home or of a snapshot: both stay empty', async () => {
    const run = await rig.start([writeInto(rig.nextDir, 'a.txt'), DONE]);
    await run.exit;
    expect(await exists(rig.home)).toBe(false);
    expect(await exists(join((await rig.record()).root, 'data/opencode/snapshot'))).toBe(false);
  });
});

describe('a model', () => {
  test('that sends broken arguments or names no tool is told so, and goes on', async () => {
    const run = await rig.start([
      { call: 'write', args: '{"filePath": "a' },
      { call: 'fly', args: {} },
      DONE,
    ]);
    expect(await run.exit).toMatchObject({ kind: 'finished' });
    expect((await tools(run)).map((line) => line.tool)).toEqual(['invalid', 'invalid']);
  });

  test('that reads `.env` or asks for a folder outside waits for nobody', async () => {
    const files = { '.env': 'A=1' };
    const read = (filePath: string): ScriptStep => ({ call: 'read', args: { filePath } });
    const steps = [read(join(rig.nextDir, '.env')), read('/etc/hostname'), DONE];
    const run = await rig.start(steps, {}, undefined, files);
    expect(await run.exit).toMatchObject({ kind: 'finished' });
    expect((await tools(run)).map((line) => line.status)).toContain('error');
  });

  test('that makes the same call three times in one answer does not hang', async () => {
    const same = { call: 'glob', args: { pattern: '*' } };
    const run = await rig.start([{ calls: [same, same, same, same] }, DONE]);
    expect(await failureOf(run)).toMatchObject({ kind: 'agent-error' });
  });

  test('that ends because of a filter has not finished', async () => {
    const run = await rig.start([{ say: 'I would', finish: 'content_filter' }]);
    expect(await failureOf(run)).toMatchObject({ kind: 'agent-error' });
  });

  test('whose context was compacted goes on, and the summary is paid for', async () => {
    const usage = { input: 195_000, output: 10 };
    const run = await rig.start([
      { call: 'glob', args: { pattern: '*' }, usage },
      { say: 'Done.', usage: { input: 100, output: 10 } },
    ]);
    const exit = await run.exit;
    expect(exit.kind).toBe('finished');
    const kinds = rig.model.requests.filter((one) => one.session === requests(run.name)[0]?.session);
    expect(kinds.map((one) => one.kind)).toEqual(['turn', 'summary', 'turn']);
    expect(exit.usage.tokensIn).toBeGreaterThan(195_100);
    expect((await run.transcript()).filter((line) => line.summary === true)).toHaveLength(1);
  });

  test('cannot reach into the workspace beside its own', async () => {
    const one = await rig.start([writeInto(rig.nextDir, 'mine.txt'), DONE]);
    await one.exit;
    const other = await rig.start([
      writeInto(one.dir, 'foreign.txt'),
      { call: 'read', args: { filePath: join(one.dir, 'mine.txt') } },
      DONE,
    ]);
    expect(await other.exit).toMatchObject({ kind: 'finished', observed: [] });
    expect((await tools(other)).map((line) => line.status)).toEqual(['error', 'error']);
    expect(await readdir(one.dir)).toEqual(['mine.txt']);
  });
});

describe('a provider', () => {
  test('that refuses the form of a request fails the task at once', async () => {
    const run = await rig.start([{ loop: { status: 400 } }]);
    expect(await failureOf(run)).toMatchObject({ kind: 'agent-error' });
    expect(requests(run.name)).toHaveLength(1);
  });

  test('that stays out of order is given up as unavailable when OpenCode gives it up', async () => {
    const run = await rig.start([{ loop: { status: 503, retryAfter: 0.01 } }]);
    expect(await failureOf(run)).toMatchObject({ kind: 'provider-unavailable', provider: 'scripted' });
    expect(requests(run.name).length).toBeGreaterThan(3);
  });

  test('that has no quota left is not asked by another task', async () => {
    const agent = rig.make({});
    try {
      const run = await rig.start([{ loop: { status: 429, quota: true, retryAfter: 0.01 } }], {}, agent);
      expect(await failureOf(run)).toMatchObject({ kind: 'provider-refused' });
      const next = await rig.start([DONE], {}, agent);
      expect(await failureOf(next)).toMatchObject({ kind: 'provider-refused' });
      expect(requests(next.name)).toEqual([]);
    } finally {
      await agent.close?.();
    }
  });
});

test('a command that would run for an hour ends with the attempt’s time, and its process with it', async () => {
  const nap = `sleep ${3600 + Math.floor(Math.random() * 1e6)}.25`;
  const run = await rig.start([bash(nap, { timeout: 7_200_000 }), DONE], { timeoutMs: 4000 });
  expect(await failureOf(run)).toMatchObject({ kind: 'timed-out' });
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(nap);
});

// The last one: it breaks the server for all that would come after it.
test('a server that did not load the guard of its file tools gets no task', async () => {
  await rm(join((await rig.record()).root, 'opencode/plugin/conductor-guard.js'));
  const run = await rig.start([DONE]);
  expect(await failureOf(run)).toMatchObject({ detail: expect.stringContaining('guard') });
  expect(requests(run.name)).toEqual([]);
});
