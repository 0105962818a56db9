import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandAgentConfig } from '../model/config.js';
import type { Agent, AgentEvent, AgentRequest } from './agent.js';
import { createCommandAgent } from './command.js';
import { commandArguments, commandModel, commandProvider } from './command-start.js';
import type { PresetStart } from './presets/preset.js';

let root: string;
let events: AgentEvent[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'conductor-agent-'));
  await mkdir(join(root, 'work space'));
  await mkdir(join(root, 'bin'));
  events = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A program in the test's own PATH; `body` is JavaScript. */
async function program(name: string, body: string): Promise<void> {
  const file = join(root, 'bin', name);
  await writeFile(`${file}.cjs`, body);
  await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${file}.cjs" "$@"\n`, { mode: 0o755 });
}

function agent(config: Omit<CommandAgentConfig, 'driver'>, env: Record<string, string> = {}): Agent {
  const made = createCommandAgent(
    { driver: 'command', ...config },
    { env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, HOME: root, ...env } },
  );
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
}

async function request(more: Partial<AgentRequest> = {}): Promise<AgentRequest> {
  const promptFile = join(root, 'prompt.md');
  await writeFile(promptFile, 'Say hello');
  return {
    label: 'f/T01',
    attempt: 2,
    cwd: join(root, 'work space'),
    prompt: 'Say hello',
    promptFile,
    timeoutMs: 30_000,
    logFile: join(root, 'agent.log'),
    signal: new AbortController().signal,
    reset: async () => {},
    network: false,
    onEvent: (event) => events.push(event),
    ...more,
  };
}

const said = () => events.flatMap((event) => (event.kind === 'output' ? [event.line] : []));

describe('a command agent', () => {
  test('works in the workspace with the prompt on standard input and as a file', async () => {
    await program(
      'coder',
      `const fs = require('fs');
       const { CONDUCTOR_TASK: t, CONDUCTOR_ATTEMPT: a, CONDUCTOR_PROMPT_FILE: p } = process.env;
       fs.writeFileSync('made.txt', [fs.readFileSync(0, 'utf8'), fs.readFileSync(p, 'utf8'), t, a, ...process.argv.slice(2)].join('|'));`,
    );
    const exit = await agent({ command: ['coder', '--file={promptFile}', '{model}'], model: 'm; rm' }).run(
      await request(),
    );
    expect(exit).toEqual({ kind: 'finished', usage: {} });
    expect(await readFile(join(root, 'work space', 'made.txt'), 'utf8')).toBe(
      `Say hello|Say hello|f/T01|2|--file=${join(root, 'prompt.md')}|m; rm`,
    );
  });

  test('sees the variables that it names and no others', async () => {
    await program('coder', `console.log(Object.keys(process.env).sort().join(' '));`);
    await agent({ command: ['coder'], env: ['MY_KEY'] }, { MY_KEY: 'k', OTHER_KEY: 'o' }).run(
      await request(),
    );
    expect(said().join()).toMatch(/\bMY_KEY\b/);
    expect(said().join()).not.toMatch(/OTHER_KEY/);
  });

  test('has its secrets taken out of events, log and failure', async () => {
    await program(
      'coder',
      `process.stdout.write('key is ' + process.env.MY_KEY.slice(0, 5));
       process.stdout.write(process.env.MY_KEY.slice(5) + '!\\n'); process.exitCode = 1;`,
    );
    const exit = await agent({ command: ['coder'], env: ['MY_KEY'] }, { MY_KEY: 'sk-very-secret' }).run(
      await request(),
    );
    const log = await readFile(join(root, 'agent.log'), 'utf8');
    expect(said()).toEqual(['key is [secret]!']);
    expect(log).toBe('key is [secret]!\n');
    expect(JSON.stringify(exit)).not.toContain('very-secret');
  });

  test('that ends with an exit code failed, with its last lines', async () => {
    await program('coder', `console.error('no credit left'); process.exitCode = 3;`);
    expect(await agent({ command: ['coder'] }).run(await request())).toEqual({
      kind: 'failed',
      failure: {
        kind: 'agent-error',
        detail: 'exit code 3',
        output: { log: join(root, 'agent.log'), tail: 'no credit left\n' },
      },
      usage: {},
      lastWords: 'no credit left',
    });
  });

  test('whose program is not there is missing', async () => {
    const exit = await agent({ command: ['no-such-coder'] }).run(await request());
    expect(exit).toMatchObject({ failure: { kind: 'agent-missing', program: 'no-such-coder' } });
  });

  test('that goes on too long is ended and what it used still counts', async () => {
    // A shell script, which has written its usage long before the time is over even on a busy machine.
    const body = `#!/bin/sh\necho '{"costUsd":0.5}' > "$CONDUCTOR_USAGE_FILE"\nexec sleep 60\n`;
    await writeFile(join(root, 'bin', 'coder'), body, { mode: 0o755 });
    const exit = await agent({ command: ['coder'] }).run(await request({ timeoutMs: 500 }));
    expect(exit).toMatchObject({
      failure: { kind: 'timed-out', what: 'the agent' },
      usage: { costUsd: 0.5 },
    });
  });

  test('is stopped by the signal in the midst of its work, on what its usage file says', async () => {
    await program(
      'coder',
      `require('fs').writeFileSync(process.env.CONDUCTOR_USAGE_FILE, '{"costUsd":1}\\n{"costUsd":2,"tokensIn":7}\\n');
       setInterval(() => {}, 1000);`,
    );
    const stop = new AbortController();
    const exit = await agent({ command: ['coder'] }).run(
      await request({
        signal: stop.signal,
        onEvent: (event) => event.kind === 'usage' && event.usage.costUsd === 3 && stop.abort(),
      }),
    );
    expect(exit).toEqual({
      kind: 'failed',
      failure: { kind: 'cancelled' },
      usage: { costUsd: 3, tokensIn: 7 },
    });
  });

  test('leaves no usage file behind', async () => {
    await program(
      'coder',
      `require('fs').writeFileSync(process.env.CONDUCTOR_USAGE_FILE, '{"tokensOut":4}');`,
    );
    const exit = await agent({ command: ['coder'] }).run(await request());
    expect(exit).toEqual({ kind: 'finished', usage: { tokensOut: 4 } });
    expect((await readdir(root)).sort()).toEqual(['bin', 'prompt.md', 'work space']);
  });

  test('without a preset and a command is an error of the config', () => {
    for (const command of [undefined, [], ['']]) {
      const made = createCommandAgent({ driver: 'command', ...(command && { command }) }, { env: {} });
      expect(made).toMatchObject({ ok: false, error: { kind: 'invalid-config' } });
    }
  });

  test('that wants a model which nobody names says so and starts nothing', async () => {
    const exit = await agent({ command: ['no-such-coder', '{model}'] }).run(await request());
    expect(exit).toMatchObject({
      failure: { kind: 'agent-error', detail: expect.stringContaining('{model}') },
    });
  });

  test('has an identity of its arguments and not of its keys or its place', () => {
    const one = agent({ command: ['coder', '-x'], env: ['A'] });
    expect(agent({ command: ['coder', '-x'], env: ['B'] }, { B: 'b' }).identity).toBe(one.identity);
    expect(agent({ command: ['coder', '-y'] }).identity).not.toBe(one.identity);
    expect(agent({ preset: 'codex' }).identity).not.toBe(agent({ preset: 'gemini' }).identity);
  });

  test('reports costs when its preset does or the config says so', () => {
    expect(agent({ command: ['coder'] }).reportsCost).toBe(false);
    expect(agent({ command: ['coder'], reportsCost: true }).reportsCost).toBe(true);
    expect(agent({ preset: 'claude' }).reportsCost).toBe(true);
    expect(agent({ preset: 'codex' }).reportsCost).toBe(false);
  });
});

describe('the start of', () => {
  const vector = (preset: NonNullable<CommandAgentConfig['preset']>, more: Partial<PresetStart> = {}) => {
    const start = {
      state: '/s',
      promptFile: '/p.md',
      model: undefined,
      variant: undefined,
      isSandboxed: true,
    };
    const made = commandArguments({ driver: 'command', preset }, { ...start, ...more });
    return made.ok ? made.value.join(' ') : made.error;
  };
  test.each([
    ['claude', ' --model m --effort high'],
    ['codex', undefined],
    ['gemini', ' --model m'],
    ['pi', ' --model m --thinking high'],
    ['opencode-run', ' --model m --variant high'],
    ['aider', ' --model m --reasoning-effort high'],
  ] as const)('%s names the model and its variant where they are chosen', (preset, expected) => {
    const chosen = vector(preset, { model: 'm', variant: 'high' });
    expect(chosen).toBe(expected === undefined ? vector(preset) : vector(preset) + expected);
  });
  test('aider names the prompt file and keeps its histories out of the workspace', () => {
    expect(vector('aider')).toMatch(/^aider --message-file \/p\.md --yes-always --no-auto-commits --no-git /);
    expect(vector('aider')).toContain('--chat-history-file /dev/null --input-history-file /dev/null');
  });
  test.each([
    ['claude', 'anthropic/sonnet', 'sonnet', 'anthropic'],
    ['codex', 'openai/gpt-5', 'gpt-5', 'openai'],
    ['gemini', 'google/gemini-3', 'gemini-3', 'google'],
    ['pi', 'openai/gpt-5', 'openai/gpt-5', 'openai'],
    ['claude', 'sonnet', 'sonnet', 'anthropic'],
    ['claude', undefined, undefined, 'anthropic'],
  ] as const)('%s takes the model %s as %s', (preset, model, expected, provider) => {
    const config = { driver: 'command', preset } as const;
    const request = model === undefined ? {} : { model };
    expect(commandModel(config, request)).toBe(expected);
    expect(commandProvider(config, request)).toBe(provider);
  });
  test('a command of the config gets the model as it is written', () => {
    const config = { driver: 'command', preset: 'claude', command: ['claude', '{model}'] } as const;
    expect(commandModel(config, { model: 'anthropic/sonnet' })).toBe('anthropic/sonnet');
  });
  test('presets that were there before have the identities that results are recorded with', () => {
    expect(agent({ preset: 'claude' }).identity).toBe(
      '{"argv":["claude","-p","--output-format","stream-json","--verbose","--permission-mode","acceptEdits"],"driver":"command","preset":"claude"}',
    );
    expect(agent({ preset: 'codex' }).identity).toContain(
      '["codex","exec","--json","--sandbox","workspace-write","-"]',
    );
  });
});

describe('its own state folder', () => {
  const home = (path: string) => join(root, path);
  async function person(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(home(path)), { recursive: true });
      await writeFile(home(path), text);
    }
  }
  const pi = (body: string) =>
    program('pi', `const fs = require('fs'); const dir = process.env.PI_CODING_AGENT_DIR; ${body}`);

  test('has the login and what says where the provider is, and nothing else of the person', async () => {
    await person({
      '.pi/agent/auth.json': 'login',
      '.pi/agent/models.json': 'models',
      '.pi/agent/settings.json': '{"defaultModel":"m","hooks":["x"]}',
      '.pi/agent/AGENTS.md': 'be brief',
    });
    await pi(
      `for (const name of fs.readdirSync(dir).sort()) console.log(name + ' ' + fs.readFileSync(dir + '/' + name, 'utf8'));`,
    );
    await agent({ preset: 'pi' }).run(await request());
    expect(said()).toEqual([
      'auth.json login',
      'models.json models',
      'settings.json {"defaultModel":"m","retry":{"provider":{"maxRetries":0}}}',
    ]);
    expect((await readdir(root)).filter((name) => name.includes('agent-'))).toEqual([]);
  });

  test('hands a renewed login back, whether it was written in place or replaced', async () => {
    await person({ '.pi/agent/auth.json': 'old' });
    await pi(`fs.writeFileSync(dir + '/auth.json', 'in place');`);
    await agent({ preset: 'pi' }).run(await request());
    expect(await readFile(home('.pi/agent/auth.json'), 'utf8')).toBe('in place');
    await pi(`fs.writeFileSync(dir + '/new', 'replaced'); fs.renameSync(dir + '/new', dir + '/auth.json');`);
    await agent({ preset: 'pi' }).run(await request());
    expect(await readFile(home('.pi/agent/auth.json'), 'utf8')).toBe('replaced');
  });

  test('is made from the folder that a variable of the person names', async () => {
    await person({ 'elsewhere/auth.json': 'other login' });
    await pi(`console.log(fs.readFileSync(dir + '/auth.json', 'utf8'));`);
    await agent({ preset: 'pi' }, { PI_CODING_AGENT_DIR: home('elsewhere') }).run(await request());
    expect(said()).toEqual(['other login']);
  });

  test('codex keeps the tables of its providers', async () => {
    await person({
      '.codex/config.toml':
        'model_provider = "x"\nnotify = ["y"]\n[mcp_servers.z]\ncommand = "z"\n[model_providers.x]\nbase_url = "u"\n',
    });
    await program(
      'codex',
      `console.log(require('fs').readFileSync(process.env.CODEX_HOME + '/config.toml', 'utf8').trim().split('\\n').join('|'));`,
    );
    await agent({ preset: 'codex' }).run(await request());
    expect(said()).toEqual(['model_provider = "x"|[model_providers.x]|base_url = "u"']);
  });
});

describe('a program that is watched', () => {
  const silent = { limits: { silenceMinutes: 0.005 } };

  test('and says nothing any more is ended', async () => {
    await program('coder', `console.log('begun'); setInterval(() => {}, 1000);`);
    const exit = await agent({ command: ['coder'], ...silent }).run(await request());
    expect(exit).toMatchObject({ failure: { kind: 'stalled', minutes: 0.005 } });
  });

  test('and has a quiet tool is given the time of tools', async () => {
    const limits = { silenceMinutes: 0.05, toolSilenceMinutes: 1 };
    const begin = `{ type: 'tool_execution_start', toolCallId: 'a', toolName: 'bash', args: {} }`;
    const end = `{ type: 'tool_execution_end', toolCallId: 'a' }`;
    const print = (event: string) => `console.log(JSON.stringify(${event}));`;
    // Quiet for longer than an agent may be.
    await program('pi', `${print(begin)} setTimeout(() => { ${print(end)} }, 3500);`);
    expect(await agent({ preset: 'pi', limits }).run(await request())).toMatchObject({ kind: 'finished' });
  });

  test('and fell silent while it asks its provider again has the failure of its provider', async () => {
    await program(
      'pi',
      `console.log(JSON.stringify({ type: 'auto_retry_start', delayMs: 10, errorMessage: '500 internal error' })); setInterval(() => {}, 1000);`,
    );
    const exit = await agent({ preset: 'pi', ...silent }).run(await request());
    expect(exit).toMatchObject({ failure: { kind: 'provider-unavailable', detail: '500 internal error' } });
  });

  test('and waits longer for its provider than it may is ended, and the failure says how long', async () => {
    await program(
      'pi',
      `console.log(JSON.stringify({ type: 'auto_retry_start', delayMs: 3600000, errorMessage: '429 slow down' })); setInterval(() => {}, 1000);`,
    );
    const exit = await agent({ preset: 'pi' }).run(await request());
    expect(exit).toMatchObject({ failure: { kind: 'provider-unavailable', waitMinutes: 60 } });
  });

  test('and does not say how long it waits for its provider gets as long as a provider may ask for', async () => {
    const error = { error: { message: 'Reconnecting... 1/5', codexErrorInfo: {} }, willRetry: true };
    const answers = [
      { id: 1, result: {} },
      { id: 2, result: { thread: { id: 't' } } },
      { method: 'error', params: { ...error, threadId: 't' } },
    ];
    await program(
      'codex',
      `for (const line of ${JSON.stringify(answers)}) console.log(JSON.stringify(line)); process.stdin.resume(); setInterval(() => {}, 1000);`,
    );
    const exit = await agent({ preset: 'codex', limits: { retryWaitMinutes: 0.005 } }).run(await request());
    expect(exit).toMatchObject({ failure: { kind: 'provider-unavailable' } });
  });

  test('and that its provider refuses is not started again', async () => {
    await program(
      'pi',
      `require('fs').appendFileSync('started', 'x'); console.log(JSON.stringify({ type: 'auto_retry_start', errorMessage: '403 no' })); setInterval(() => {}, 1000);`,
    );
    const one = agent({ preset: 'pi' });
    const refused = { failure: { kind: 'provider-refused', status: 403 } };
    expect(await one.run(await request())).toMatchObject(refused);
    expect(await one.run(await request())).toMatchObject(refused);
    expect(await readFile(join(root, 'work space', 'started'), 'utf8')).toBe('x');
    // Another provider may answer.
    expect(await one.run(await request({ model: 'other/m' }))).toMatchObject(refused);
    expect(await readFile(join(root, 'work space', 'started'), 'utf8')).toBe('xx');
  });

  test('has its secrets in no word that is handed on, and they spoil no data', async () => {
    const line = {
      type: 'message_end',
      message: {
        role: 'assistant',
        content: [{ type: 'text', text: 'It is sk-1000000.' }],
        usage: { input: 1000000 },
      },
    };
    await program('pi', `console.log(${JSON.stringify(JSON.stringify(line))});`);
    const exit = await agent({ preset: 'pi', env: ['API_KEY'] }, { API_KEY: 'sk-1000000' }).run(
      await request(),
    );
    expect(exit).toMatchObject({
      kind: 'finished',
      usage: { tokensIn: 1_000_000 },
      lastWords: 'It is [secret].',
    });
    expect(said()).toEqual(['It is [secret].']);
  });
});

/** Programs that only print lines of the shape that the real ones print; they are not the real ones. */
describe('a fake of the output shape of', () => {
  const lines = (...objects: unknown[]) =>
    `for (const line of ${JSON.stringify(objects.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))))}) console.log(line);`;

  test('claude: cost and tokens come from its result, tokens before that from its messages', async () => {
    const message = (id: string, content: unknown[]) => ({
      type: 'assistant',
      message: { id, content, usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 100 } },
    });
    await program(
      'claude',
      lines(
        { type: 'system', subtype: 'init' },
        message('m1', [{ type: 'text', text: 'Reading.\nMore.' }]),
        message('m1', [{ type: 'tool_use', name: 'Edit', input: { file_path: 'a.ts' } }]),
        { type: 'user', message: { content: 'x'.repeat(50_000) } },
        {
          type: 'result',
          subtype: 'success',
          is_error: false,
          result: 'Done.',
          total_cost_usd: 0.12,
          usage: { input_tokens: 20, output_tokens: 9, cache_read_input_tokens: 300 },
          padding: 'y'.repeat(40_000),
        },
      ),
    );
    const exit = await agent({ preset: 'claude' }).run(await request());
    expect(said()).toEqual(['Reading.', 'Edit a.ts', 'Done.']);
    expect(exit).toEqual({
      kind: 'finished',
      usage: { costUsd: 0.12, tokensIn: 20, tokensOut: 9, tokensCached: 300 },
      lastWords: 'Done.',
    });
    expect(events.find((event) => event.kind === 'usage')).toMatchObject({ usage: { tokensIn: 10 } });
  });

  test('claude that reports an error failed, whatever its exit code', async () => {
    await program('claude', lines({ type: 'result', subtype: 'error_max_turns', is_error: true }));
    const exit = await agent({ preset: 'claude' }).run(await request());
    expect(exit).toMatchObject({ failure: { kind: 'agent-error', detail: 'error_max_turns' } });
  });

  test('codex: the tokens of its turns add up', async () => {
    const turn = {
      type: 'turn.completed',
      usage: { input_tokens: 50, cached_input_tokens: 30, output_tokens: 7 },
    };
    const item = { type: 'item.completed', item: { type: 'agent_message', text: 'Done.' } };
    await program('codex', lines({ type: 'thread.started' }, item, turn, turn));
    const exit = await agent({ preset: 'codex', command: ['codex', 'exec', '--json', '-'] }).run(
      await request(),
    );
    expect(said()).toEqual(['Done.']);
    expect(exit).toEqual({
      kind: 'finished',
      usage: { tokensIn: 40, tokensOut: 14, tokensCached: 60 },
      lastWords: 'Done.',
    });
  });

  test('gemini: an error in its result is a failure', async () => {
    const stats = { total_tokens: 9, input_tokens: 6, output_tokens: 3, cached: 2 };
    await program('gemini', lines({ type: 'result', status: 'error', error: { message: 'quota' }, stats }));
    const exit = await agent({ preset: 'gemini' }).run(await request());
    expect(exit).toMatchObject({
      failure: { kind: 'agent-error', detail: 'quota' },
      usage: { tokensIn: 4, tokensOut: 3, tokensCached: 2 },
    });
  });

  test('opencode run: its steps add up', async () => {
    const step = {
      type: 'step_finish',
      part: { cost: 0.25, tokens: { input: 3, output: 2, reasoning: 1, cache: { read: 8, write: 4 } } },
    };
    await program('opencode', lines(step, { type: 'text', part: { text: 'Done.' } }, step));
    const exit = await agent({ preset: 'opencode-run' }).run(await request());
    expect(exit).toEqual({
      kind: 'finished',
      usage: { costUsd: 0.5, tokensIn: 14, tokensOut: 6, tokensCached: 16 },
      lastWords: 'Done.',
    });
  });

  test('aider: rounded tokens add up, the cost of the session is taken as it is', async () => {
    await program(
      'aider',
      lines(
        'Tokens: 3.0k sent, 42 received. Cost: $0.0063 message, $0.0063 session.',
        'Tokens: 1,250 sent, 1.1k cache hit, 58 received. Cost: $0.0040 message, $0.0103 session.',
      ),
    );
    const exit = await agent({ preset: 'aider' }).run(await request());
    expect(exit).toEqual({ kind: 'finished', usage: { costUsd: 0.0103, tokensIn: 4250, tokensOut: 100 } });
  });
});
