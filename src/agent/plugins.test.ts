/** The shipped agents and plugins in the real OpenCode server, with a scripted model. */

import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContextCompressor } from '../../.opencode/plugin/context-compressor.js';
import { TaskTracker } from '../../.opencode/plugin/task-tracker.js';
import { ensureBuilt, PACKAGE } from '../test/rig/command-line.js';
import { findOpencode, ripgrepFolder } from './opencode/server/binary.js';
import { type OpencodeServer, startServer } from './opencode/server/opencode-server.js';
import type { ConfigFile } from './opencode/server/server-config.js';
import { createScriptedModel, type ScriptedModel } from './scripted-model/model-server.js';
import { SCRIPTED_MODEL, SCRIPTED_PROVIDER } from './scripted-model/provider.js';

const ENV = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: process.env.HOME };
const found = await findOpencode({ env: ENV });

const TASK = `# Sessions expire

You implement one task. [script:SCRIPT]

## Done when

- An old session is rejected with 401

## Constraints

- no clock

## About this feature

Everything is UTC.

## Rules

- Do not commit.

## Earlier attempts

Attempt 1 failed: the gate \`npm test\` ended with 1.
`;

describe.runIf(found.ok)('in the real server', () => {
  let base: string;
  let work: string;
  let model: ScriptedModel;
  let server: OpencodeServer;

  beforeAll(async () => {
    ensureBuilt();
    base = await realpath(await mkdtemp(join(tmpdir(), 'conductor-plugins-')));
    work = join(base, 'work');
    await mkdir(work);
    model = await createScriptedModel({ key: 'sk-scripted' });
    const files: ConfigFile[] = [];
    for (const [from, to] of [
      ['dist/plugin', 'plugin'],
      ['.opencode/agent', 'agent'],
    ] as const) {
      for (const name of await readdir(join(PACKAGE, from))) {
        files.push({ path: `${to}/${name}`, text: await readFile(join(PACKAGE, from, name), 'utf8') });
      }
    }
    const ripgrep = ripgrepFolder({ env: ENV });
    const started = await startServer({
      program: found.ok ? found.value.program : '',
      stateDir: join(base, 'state'),
      env: ENV,
      files,
      config: {
        agent: {
          driver: 'opencode',
          model: SCRIPTED_MODEL,
          providers: {
            [SCRIPTED_PROVIDER]: {
              baseURL: `${model.url}/v1`,
              models: { 'model-1': { context: 100_000, output: 8000 } },
            },
          },
        },
        keys: { [SCRIPTED_PROVIDER]: 'sk-scripted' },
      },
      ...(ripgrep === undefined ? {} : { ripgrep }),
    });
    if (!started.ok) throw new Error(JSON.stringify(started.error));
    server = started.value;
  }, 90_000);

  afterAll(async () => {
    await server?.stop();
    await model?.close();
    await rm(base, { recursive: true, force: true });
  });

  /** Runs a script as the first turn of a new session. */
  async function turn(script: string, steps: Parameters<ScriptedModel['script']>[1], agent = 'implementer') {
    model.script(script, steps);
    const { client } = server;
    const { data: session } = await client.session.create(
      { directory: work, title: script },
      { throwOnError: true },
    );
    const text = TASK.replace('SCRIPT', script);
    await client.session.prompt(
      { sessionID: session.id, directory: work, agent, parts: [{ type: 'text', text }] },
      { throwOnError: true },
    );
    const { data: messages } = await client.session.messages(
      { sessionID: session.id, directory: work },
      { throwOnError: true },
    );
    const answers = messages.flatMap(({ parts }) =>
      parts.flatMap((part) =>
        part.type === 'tool'
          ? [part.state.status === 'completed' ? part.state.output : part.state.status]
          : [],
      ),
    );
    return {
      id: session.id,
      text,
      answers,
      requests: model.requests.filter((one) => one.session === session.id),
    };
  }

  test('every shipped agent is taken with its temperature, its steps and its permissions in order', async () => {
    const { data } = await server.client.app.agents({ directory: work }, { throwOnError: true });
    const shipped = (await readdir(join(PACKAGE, '.opencode/agent'))).map((name) => name.replace('.md', ''));
    for (const name of shipped) {
      const agent = data.find((one) => one.name === name);
      expect(agent).toMatchObject({ temperature: expect.any(Number), steps: expect.any(Number) });
      const last = (permission: string, pattern: string) =>
        agent?.permission
          .filter((one) => [permission, '*'].includes(one.permission) && one.pattern === pattern)
          .at(-1)?.action;
      expect([
        name,
        last('question', '*'),
        last('task', '*'),
        last('read', '*'),
        last('read', '*.env'),
      ]).toEqual([name, 'deny', 'deny', 'allow', 'deny']);
      // Rules that ask are OpenCode's own; all of them stand before the one that takes everything back.
      const rules = agent?.permission ?? [];
      const own = rules.findLastIndex(
        (one) => one.permission === '*' && one.pattern === '*' && one.action === 'deny',
      );
      expect(own).toBeGreaterThan(0);
      expect(rules.slice(own).filter((one) => one.action === 'ask')).toEqual([]);
    }
  });

  test('the tools of the tracker are offered and called, and their arguments are checked inside', async () => {
    const { text, answers, requests } = await turn('track', [
      { call: 'task_read', args: {} },
      { call: 'task_progress', args: { done: 'types\nwritten "ä"' } },
      { call: 'task_progress', args: { done: 7 } },
      { call: 'task_blocked', args: { because: 'src/a.ts is missing', needs: 'luck' } },
      { call: 'task_blocked', args: { because: 'src/a.ts is missing', needs: 'file' } },
      { call: 'task_blocked', args: { because: 'again', needs: 'file' } },
      { say: 'stopped' },
    ]);
    const offered = requests[0]?.tools.map((one) => one.function.name) ?? [];
    expect(offered).toEqual(
      expect.arrayContaining(['task_read', 'task_progress', 'task_blocked', 'edit', 'bash']),
    );
    expect(offered.filter((name) => ['task', 'question', 'webfetch', 'websearch'].includes(name))).toEqual(
      [],
    );
    expect(answers[0]).toBe(text.trim());
    expect(answers.slice(1).map((one) => one.slice(0, 24))).toEqual([
      'Noted. Go on.',
      'Not noted: `done` must b',
      'Not noted: `needs` must ',
      'Noted. Stop now and answ',
      'It is noted already. Sto',
    ]);
  });

  test('a session that is shortened keeps the task, its constraints and what failed, and not the material', async () => {
    const { requests } = await turn('compact', [
      { call: 'read', args: { filePath: join(work, 'missing.ts') } },
      { status: 400, overflow: true },
      { say: 'done after all' },
    ]);
    const system = (index: number) =>
      JSON.stringify(requests[index]?.messages.filter((one) => one.role === 'system'));
    const kinds = requests.map((one) => one.kind);
    const summary = kinds.indexOf('summary');
    expect(summary).toBeGreaterThan(0);
    expect(kinds.slice(summary + 1)).toContain('turn');
    expect(system(0)).not.toContain('An old session is rejected');
    for (const text of [JSON.stringify(requests[summary]?.messages), system(requests.length - 1)]) {
      expect(text).toContain('An old session is rejected with 401');
      expect(text).toContain('- no clock');
      expect(text).toContain('the gate `npm test` ended with 1');
      expect(text).toMatch(/read: [^ ]*missing\.ts → /);
    }
    expect(system(requests.length - 1)).not.toContain('Everything is UTC');
  });
});

test('a bundled plugin imports nothing but what the runtime has', async () => {
  ensureBuilt();
  for (const name of ['context-compressor.js', 'task-tracker.js']) {
    const text = await readFile(join(PACKAGE, 'dist/plugin', name), 'utf8');
    const imported = [...text.matchAll(/^import .*?from "([^"]+)"/gms)].map((match) => match[1]);
    expect(imported.filter((one) => !/^(node:)?(fs\/promises|url)$/.test(one ?? ''))).toEqual([]);
    expect(text).not.toMatch(/\brequire\(|import\(/);
  }
});

describe('called as functions', () => {
  type Input = Parameters<typeof ContextCompressor>[0];
  const request = { info: { role: 'user' }, parts: [{ type: 'text', text: TASK }] };
  const input = (messages: () => Promise<unknown>) =>
    ({ directory: '/', client: { session: { messages } } }) as unknown as Input;

  async function compacted(messages: () => Promise<unknown>) {
    const hooks = await ContextCompressor(input(messages));
    const output = { context: [] as string[] };
    await hooks['experimental.session.compacting']?.({ sessionID: 's' }, output);
    const system = { system: ['base'] };
    const model = {} as Parameters<
      NonNullable<(typeof hooks)['experimental.chat.system.transform']>
    >[0]['model'];
    await hooks['experimental.chat.system.transform']?.({ sessionID: 's', model }, system);
    const other = { system: ['base'] };
    await hooks['experimental.chat.system.transform']?.({ sessionID: 't', model }, other);
    return { context: output.context, system: system.system, other: other.system };
  }

  test.each([
    ['cannot be read', async () => Promise.reject(new Error('gone'))],
    ['is answered with an error', async () => ({ error: {} })],
    ['has no words', async () => ({ data: [{ info: { role: 'assistant' }, parts: [] }] })],
  ])('the compressor leaves a session alone that %s', async (_what, messages) => {
    expect(await compacted(messages)).toEqual({ context: [], system: ['base'], other: ['base'] });
  });

  test('the compressor keeps commands that failed, each once, the latest eight, in short', async () => {
    const bash = (command: string, exit: number) => ({
      type: 'tool',
      tool: 'bash',
      state: { status: 'completed', input: { command }, output: `a\n${'b'.repeat(900)}`, metadata: { exit } },
    });
    const parts = [
      ...Array.from({ length: 12 }, (_, i) => bash(`test ${i}`, 1)),
      bash('test 11', 1),
      bash('fine', 0),
    ];
    const kept = await compacted(async () => ({ data: [request, { info: { role: 'assistant' }, parts }] }));
    const lines = kept.system[1]?.match(/^- bash: .*$/gm) ?? [];
    expect(lines.map((line) => line.split(' → ')[0])).toEqual(
      [4, 5, 6, 7, 8, 9, 10, 11].map((i) => `- bash: test ${i}`),
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(420);
    expect(kept.other).toEqual(['base']);
  });

  test('a heading inside a fence drops nothing, and a long task is cut', async () => {
    const text = `Do.\n\n\`\`\`md\n## The project\n\`\`\`\nstill the task\n\n## From a.md#b\n\nmaterial\n\n## Rules\n\n${'x'.repeat(20_000)}`;
    const kept = await compacted(async () => ({ data: [{ ...request, parts: [{ type: 'text', text }] }] }));
    expect(kept.system[1]).toContain('still the task');
    expect(kept.system[1]).not.toContain('material');
    expect(kept.system[1]?.length).toBeLessThan(9000);
  });

  test('the tracker refuses what is no text, and has an end', async () => {
    const { tool } = await TaskTracker(input(async () => ({ data: [] })));
    const context = { sessionID: 's', directory: '/' } as Parameters<
      NonNullable<typeof tool>[string]['execute']
    >[1];
    const say = (done: unknown) => tool?.task_progress?.execute({ done } as never, context);
    expect(await tool?.task_read?.execute({}, context)).toBe('There is no task in this session.');
    for (const bad of [undefined, '', ' ', 'x'.repeat(501), ['x'], null]) {
      expect(await say(bad)).toMatch(/^Not noted: `done` must/);
    }
    for (let i = 0; i < 100; i++) expect(await say(`step ${i}`)).toBe('Noted. Go on.');
    expect(await say('one more')).toMatch(/^Not noted: 100 reports/);
  });
});
