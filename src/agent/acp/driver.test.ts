import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AcpAgentConfig } from '../../model/config.js';
import { PACKAGE, until } from '../../test/rig/command-line.js';
import type { Agent, AgentEvent, AgentExit, AgentRequest } from '../agent.js';
import { createAcpAgent } from './driver.js';

const PROGRAM = [process.execPath, join(PACKAGE, 'src/test/rig/scripted-acp-agent.mjs')];
let root: string;
let cwd: string;
let events: AgentEvent[];
let stop: AbortController;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'conductor-acp-')));
  cwd = join(root, 'work');
  await mkdir(cwd);
  events = [];
  stop = new AbortController();
});
afterEach(() => rm(root, { recursive: true, force: true }));

function agent(config: Partial<AcpAgentConfig> = {}, env: Record<string, string> = {}): Agent {
  const made = createAcpAgent(
    { driver: 'acp', command: PROGRAM, ...config },
    { env: { PATH: process.env.PATH, HOME: root, ...env }, version: '1.0.0' },
  );
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
}

function run(
  prompt: string,
  config: Partial<AcpAgentConfig> = {},
  more: Partial<AgentRequest> = {},
): Promise<AgentExit> {
  return agent(config).run(request(prompt, more));
}

function request(prompt: string, more: Partial<AgentRequest> = {}): AgentRequest {
  return {
    label: 'f/T1',
    attempt: 1,
    cwd,
    prompt,
    promptFile: join(root, 'prompt.md'),
    expected: { kind: 'files', outputs: ['src/**'], edits: ['mine.txt'] },
    timeoutMs: 60_000,
    logFile: join(root, 'agent.log'),
    signal: stop.signal,
    network: false,
    reset: async () => {},
    onEvent: (event) => events.push(event),
    ...more,
  };
}

const lines = () => events.flatMap((event) => (event.kind === 'output' ? [event.line] : []));

describe('an agent that speaks the protocol', () => {
  test('writes what the task may write, and is told what it may not', async () => {
    await symlink(root, join(cwd, 'src'));
    const linked = await run('[write src/away.txt x]');
    expect(linked.lastWords).toContain('refused src/away.txt');
    await rm(join(cwd, 'src'));
    const exit = await run(
      '[write src/a.txt hello] [write mine.txt hi] [write other.txt no] [write ../out.txt no]',
    );
    expect(exit).toMatchObject({
      kind: 'finished',
      usage: { tokensIn: 100, tokensOut: 50, tokensCached: 20 },
    });
    expect(agent().reportsCost).toBe(false);
    expect(exit.lastWords).toMatch(
      /^wrote src\/a\.txt\. wrote mine\.txt\. refused other\.txt: .*only src\/\*\*, mine\.txt.*refused \.\.\/out\.txt/,
    );
    expect(await readFile(join(cwd, 'src/a.txt'), 'utf8')).toBe('hello');
    expect(events).toContainEqual({
      kind: 'usage',
      usage: { tokensIn: 100, tokensOut: 50, tokensCached: 20 },
    });
  });

  test('is seen to read files, by the places of its tool calls', async () => {
    for (const name of ['b.txt', 'c.txt']) await writeFile(join(cwd, name), name);
    const exit = await run('[tool read b.txt] [tool edit c.txt] [permission read /etc/hostname]');
    expect(exit).toMatchObject({ kind: 'finished', observed: ['b.txt'] });
    // Without a sandbox nothing else keeps it in its workspace.
    expect(exit.lastWords).toBe('read no.');
    expect(lines()).toContain('read b.txt');
  });

  test('asks, and gets the answer that the task allows', async () => {
    const exit = await run(
      '[permission edit mine.txt] [permission edit other.txt] [permission delete /etc/passwd] [permission execute x] [permission fetch x] [permission switch_mode x]',
    );
    expect(exit.lastWords).toBe('edit yes. edit no. delete no. execute yes. fetch no. switch_mode no.');
    expect(await readFile(join(cwd, 'mine.txt'), 'utf8')).toBe('edited');
    const online = await run('[permission fetch x]', {}, { network: true });
    expect(online.lastWords).toBe('fetch yes.');
  });

  test('is understood behind output that is no message', async () => {
    const long = 'x'.repeat(50_000);
    const exit = await run(`[print { loading] [print {"a": ] [write mine.txt ${long}] [about]`);
    expect(exit.lastWords).toBe('wrote mine.txt. model none, mode plan.');
    expect(await readFile(join(cwd, 'mine.txt'), 'utf8')).toBe(long);
  });

  test('reports what it needs', async () => {
    expect(await run('[needs package.json]')).toMatchObject({
      kind: 'finished',
      report: { needs: [{ kind: 'write', what: 'package.json', because: 'it is named there' }] },
    });
  });

  test('gets its mode and its model, or says what it has', async () => {
    expect((await run('[about]', { mode: 'build' }, { model: 'large' })).lastWords).toBe(
      'model large, mode build.',
    );
    const detail = (exit: AgentExit) =>
      exit.kind === 'failed' && 'detail' in exit.failure ? exit.failure.detail : '';
    expect(detail(await run('[about]', { model: 'huge' }))).toBe(
      'the agent has no model `huge`; it has small, large',
    );
    expect(detail(await run('[about]', { mode: 'yolo' }))).toBe(
      'the agent has no mode `yolo`; it has plan, build',
    );
  });

  test.each([
    ['[fail 429 Too Many Requests]', { kind: 'provider-unavailable' }],
    ['[fail 401 invalid api key]', { kind: 'provider-refused' }],
    ['[fail my head hurts]', { kind: 'agent-error', detail: expect.stringContaining('my head hurts') }],
    ['(stop max_tokens)', { kind: 'agent-error', detail: 'the model stopped at its longest answer' }],
    ['(stop refusal)', { kind: 'agent-error', detail: 'the model declined to do the task' }],
    ['[killed]', { kind: 'agent-error', detail: 'ended by SIGKILL' }],
    ['[die]', { kind: 'agent-error', detail: 'it ended with exit code 3 before its turn did' }],
  ])('%s is told for what it is', async (prompt, failure) => {
    expect(await run(prompt)).toMatchObject({ kind: 'failed', failure });
  });

  test('is not started again for a provider that refused', async () => {
    const one = agent();
    const refused = await one.run(request('[fail 401 invalid api key]'));
    expect(refused).toMatchObject({ failure: { kind: 'provider-refused' } });
    expect(await one.run(request('[write src/a.txt x]'))).toEqual({ ...refused, usage: {} });
    const other = await one.run(request('[about]', { model: 'large' }));
    expect(other).toMatchObject({ failure: { kind: 'provider-refused' } });
    expect(existsSync(join(cwd, 'src/a.txt'))).toBe(false);
  });

  test('is cancelled by the protocol, and ended when it does not listen or says nothing', async () => {
    const hanging = run('[tool edit a.txt] [hang]');
    await until('the agent to work', () => lines().length > 0);
    stop.abort();
    expect(await hanging).toMatchObject({ failure: { kind: 'cancelled' } });
    stop = new AbortController();
    const silent = await run('[deaf]', { limits: { silenceMinutes: 0.01 } });
    expect(silent).toMatchObject({ failure: { kind: 'stalled' } });
    // A tool call that is told when it is over is none that runs: there the longer limit would hold.
    const limits = { silenceMinutes: 0.01, toolSilenceMinutes: 10 };
    const idle = await run('[over execute] [deaf]', { limits });
    expect(idle).toMatchObject({ failure: { kind: 'stalled', minutes: 0.01 } });
    expect(await run('[deaf]', {}, { timeoutMs: 300 })).toMatchObject({ failure: { kind: 'timed-out' } });
    const missing = await run('x', { command: ['no-such-agent-program'] });
    expect(missing).toMatchObject({ failure: { kind: 'agent-missing' } });
  });
});
