import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentEvent, AgentRequest } from './agent.js';
import { ScriptedAgent } from './scripted-agent.js';

let cwd: string;
let events: AgentEvent[];
let stop: AbortController;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'conductor-scripted-'));
  events = [];
  stop = new AbortController();
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const request = (label: string): AgentRequest => ({
  label,
  attempt: 1,
  cwd,
  prompt: `do ${label}`,
  promptFile: '/none',
  timeoutMs: 1000,
  logFile: '/none',
  signal: stop.signal,
  network: false,
  reset: async () => {},
  onEvent: (event) => events.push(event),
});

describe('a scripted agent', () => {
  test('holds each run open until the test ends it', async () => {
    const agent = new ScriptedAgent();
    const early = agent.next('f/b');
    const a = agent.run(request('f/a'));
    const b = agent.run(request('f/b'));
    const runB = await early;
    await runB.write('src/b.ts', 'b');
    runB.say('writing');
    runB.usage({ tokensIn: 1 });
    runB.usage({ tokensIn: 2 });
    runB.finish();
    expect(await b).toEqual({ kind: 'finished', usage: { tokensIn: 3 }, lastWords: 'writing' });
    (await agent.next('f/a')).fail('out of ideas');
    expect(await a).toMatchObject({ failure: { kind: 'agent-error', detail: 'out of ideas' } });
    expect(await readFile(join(cwd, 'src/b.ts'), 'utf8')).toBe('b');
    expect(events.at(-1)).toEqual({ kind: 'usage', usage: { tokensIn: 3 } });
    expect(agent.runs.map((run) => [run.label, run.prompt])).toEqual([
      ['f/a', 'do f/a'],
      ['f/b', 'do f/b'],
    ]);
  });
  test('is cancelled by the signal', async () => {
    const agent = new ScriptedAgent();
    const exit = agent.run(request('f/a'));
    stop.abort();
    expect(await exit).toMatchObject({ kind: 'failed', failure: { kind: 'cancelled' } });
    expect(await agent.run(request('f/b'))).toMatchObject({ failure: { kind: 'cancelled' } });
  });
  test('answers by itself in automatic mode', async () => {
    const agent = new ScriptedAgent({
      auto: ({ label }) => (label === 'f/a' ? { 'a.txt': label } : { kind: 'nothing-done' }),
    });
    expect(await agent.run(request('f/a'))).toEqual({ kind: 'finished', usage: {} });
    expect(await readFile(join(cwd, 'a.txt'), 'utf8')).toBe('f/a');
    expect(await agent.run(request('f/b'))).toMatchObject({ failure: { kind: 'nothing-done' } });
  });
  test('as a tripwire throws when it is called', async () => {
    await expect(new ScriptedAgent({ tripwire: true }).run(request('f/a'))).rejects.toThrow('f/a');
  });
});
