/** The programs of coding agents that are tested for real: their versions, and how each is led to a scripted model. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ProtocolName } from '../../agent/scripted-model/request.js';
import type { Step } from '../../agent/scripted-model/step.js';
import type { AgentPreset } from '../../model/config.js';
import { PACKAGE } from '../rig/command-line.js';

export interface RealProgram {
  readonly preset: AgentPreset;
  readonly package: string;
  readonly version: string;
  readonly bin: string;
  readonly protocol: ProtocolName;
  /** As a spec names it. */
  readonly model: string;
  /** As the provider is asked for it. */
  readonly asked: string;
  /** Another model of the same provider. */
  readonly fallback: string;
  /** Variables for the program; all of them are named in the agent's `env`. */
  env(url: string): Record<string, string>;
  /** Settings of the person, in their home. */
  settings(url: string): Record<string, string>;
  /** Instructions of the person, in their home, which no task may see. */
  readonly instructions: string;
  /** Its own way to write a file; a shell command where it has none. */
  write(dir: string, path: string, text: string): Step;
  shell(command: string): Step;
}

export const KEY = 'sk-scripted-key-for-tests';

const shellWrite = (path: string, text: string): string => `printf '%s' '${text}' > ${path}`;
/** Prices for a million tokens where a program has no list of its own. */
const COST = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

const OPENCODE_MODEL = {
  tool_call: true,
  limit: { context: 200_000, output: 8192 },
  cost: {
    input: COST.input,
    output: COST.output,
    cache_read: COST.cacheRead,
    cache_write: COST.cacheWrite,
  },
};

export const PROGRAMS: Readonly<Record<'claude' | 'codex' | 'gemini' | 'pi' | 'opencode', RealProgram>> = {
  claude: {
    preset: 'claude',
    package: '@anthropic-ai/claude-code',
    version: '2.1.197',
    bin: 'claude',
    protocol: 'messages',
    model: 'anthropic/claude-sonnet-4-5',
    asked: 'claude-sonnet-4-5',
    fallback: 'anthropic/claude-haiku-4-5',
    env: (url) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: KEY }),
    settings: () => ({}),
    instructions: '.claude/CLAUDE.md',
    write: (dir, path, content) => ({ call: 'Write', args: { file_path: join(dir, path), content } }),
    shell: (command) => ({ call: 'Bash', args: { command, description: 'runs it' } }),
  },
  codex: {
    preset: 'codex',
    package: '@openai/codex',
    version: '0.171.0',
    bin: 'codex',
    protocol: 'responses',
    model: 'openai/model-1',
    asked: 'model-1',
    fallback: 'openai/model-2',
    env: () => ({ SCRIPTED_KEY: KEY }),
    settings: (url) => ({
      '.codex/config.toml': [
        'model_provider = "scripted"',
        'developer_instructions = "PERSONAL"',
        '[model_providers.scripted]',
        'name = "Scripted"',
        `base_url = "${url}/v1"`,
        'env_key = "SCRIPTED_KEY"',
        'wire_api = "responses"',
        // Five tries of a stream by default, with growing waits.
        'stream_max_retries = 1',
        'request_max_retries = 1',
        '[mcp_servers.personal]',
        'command = "false"',
        '',
      ].join('\n'),
    }),
    instructions: '.codex/AGENTS.md',
    write: (_dir, path, text) => ({ call: 'exec_command', args: { cmd: shellWrite(path, text) } }),
    shell: (cmd) => ({ call: 'exec_command', args: { cmd, yield_time_ms: 20_000 } }),
  },
  gemini: {
    preset: 'gemini',
    package: '@google/gemini-cli',
    version: '0.61.0',
    bin: 'gemini',
    protocol: 'gemini',
    model: 'google/model-1',
    asked: 'model-1',
    fallback: 'google/model-2',
    env: (url) => ({ GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: KEY }),
    settings: () => ({
      '.gemini/settings.json': JSON.stringify({
        security: { auth: { selectedType: 'gemini-api-key' } },
        context: { fileName: 'PERSONAL.md' },
      }),
    }),
    instructions: '.gemini/GEMINI.md',
    write: (dir, path, content) => ({ call: 'write_file', args: { file_path: join(dir, path), content } }),
    shell: (command) => ({ call: 'run_shell_command', args: { command, description: 'runs it' } }),
  },
  pi: {
    preset: 'pi',
    package: '@mariozechner/pi-coding-agent',
    version: '0.73.1',
    bin: 'pi',
    protocol: 'chat',
    model: 'scripted/model-1',
    asked: 'model-1',
    fallback: 'scripted/model-2',
    env: () => ({ SCRIPTED_KEY: KEY }),
    settings: (url) => ({
      '.pi/agent/models.json': JSON.stringify({
        providers: {
          scripted: {
            baseUrl: `${url}/v1`,
            api: 'openai-completions',
            apiKey: 'SCRIPTED_KEY',
            models: ['model-1', 'model-2'].map((id) => ({
              id,
              contextWindow: 200_000,
              maxTokens: 8192,
              cost: COST,
            })),
          },
        },
      }),
    }),
    instructions: '.pi/agent/AGENTS.md',
    write: (_dir, path, content) => ({ call: 'write', args: { path, content } }),
    shell: (command) => ({ call: 'bash', args: { command } }),
  },
  opencode: {
    preset: 'opencode-run',
    package: 'opencode-ai',
    version: '1.18.33',
    bin: 'opencode',
    protocol: 'chat',
    model: 'scripted/model-1',
    asked: 'model-1',
    fallback: 'scripted/model-2',
    env: () => ({ SCRIPTED_KEY: KEY }),
    settings: (url) => ({
      '.config/opencode/opencode.json': JSON.stringify({
        provider: {
          scripted: {
            npm: '@ai-sdk/openai-compatible',
            options: { baseURL: `${url}/v1`, apiKey: '{env:SCRIPTED_KEY}' },
            models: { 'model-1': OPENCODE_MODEL, 'model-2': OPENCODE_MODEL },
          },
        },
      }),
    }),
    instructions: '.config/opencode/AGENTS.md',
    write: (dir, path, content) => ({ call: 'write', args: { filePath: join(dir, path), content } }),
    shell: (command) => ({ call: 'bash', args: { command, description: 'runs it' } }),
  },
};

/** Where the programs are installed: outside of `node_modules`, since they are 900 MB, and kept between runs. */
export function programsFolder(): string {
  return (
    process.env.CONDUCTOR_TEST_AGENTS ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'conductor-test-agents')
  );
}

/** The folder of a program's command; undefined while it is not installed. */
export function binFolder(program: RealProgram): string | undefined {
  // A development dependency already.
  const own = program.package === 'opencode-ai' ? PACKAGE : installFolder(program);
  const folder = join(own, 'node_modules/.bin');
  return existsSync(join(folder, program.bin)) ? folder : undefined;
}

export function installFolder(program: RealProgram): string {
  return join(programsFolder(), `${program.package.replaceAll('/', '+')}@${program.version}`);
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
