/** The OpenCode driver with the real server and a scripted model, run in workspaces of its own. Knows no engine. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import type { Agent, AgentEvent, AgentExit, AgentRequest } from '../../agent/agent.js';
import { createOpencodeAgent, type OpencodeHost } from '../../agent/opencode/driver.js';
import { createScriptedModel, type ScriptedModel } from '../../agent/scripted-model/model-server.js';
import type { ScriptStep } from '../../agent/scripted-model/playbook.js';
import type { OpencodeAgentConfig } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { KEY, scriptedAgentConfig } from './opencode-rig.js';

const head = (lines: string) => `---\ndescription: x\n${lines}\n---\nWork.\n`;
const FILES = [
  {
    path: 'agent/asker.md',
    text: head('mode: primary\ntemperature: 0.3\npermission:\n  bash: ask\n  task: allow'),
  },
  { path: 'agent/child.md', text: head('mode: subagent') },
];

export interface DriverRun {
  /** Of the script and of the workspace. */
  readonly name: string;
  readonly dir: string;
  readonly exit: Promise<AgentExit>;
  readonly events: AgentEvent[];
  readonly stop: AbortController;
  transcript(): Promise<Record<string, unknown>[]>;
}

export class DriverRig implements AsyncDisposable {
  readonly root: string;
  readonly model: ScriptedModel;
  /** The one that all tests of a file share: five steps, a minute of waits. */
  readonly agent: Agent;
  private count = 0;

  constructor(root: string, model: ScriptedModel) {
    this.root = root;
    this.model = model;
    this.agent = this.make({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.close?.();
    await this.model.close();
    await rm(this.root, { recursive: true, force: true });
  }

  make(
    more: Partial<OpencodeAgentConfig>,
    env: Record<string, string> = { MODEL_KEY: KEY },
    host: Partial<OpencodeHost> = {},
  ): Agent {
    const config = scriptedAgentConfig(this.model, { limits: { steps: 5, retryWaitMinutes: 1 }, ...more });
    const made = createOpencodeAgent(config, {
      env: { PATH: process.env.PATH, HOME: this.home, ...env },
      stateDir: join(this.root, 'state'),
      commandEnv: [],
      findSandbox: async () => undefined,
      now: Date.now,
      files: FILES,
      ...host,
    });
    if (!made.ok) throw new Error(JSON.stringify(made.error));
    return made.value;
  }

  /** The person's; nobody makes it. */
  get home(): string {
    return join(this.root, 'home');
  }

  /** The workspace of the script that is started next. */
  get nextDir(): string {
    return join(this.root, `workspace s${this.count + 1}`);
  }

  /** The record of the only server that runs. */
  async record(): Promise<{ readonly root: string; readonly server: { readonly pid: number } }> {
    const folder = join(this.root, 'state', 'opencode');
    const [name] = await readdir(folder);
    return JSON.parse(await readFile(join(folder, name as string), 'utf8'));
  }

  /** A run in a new workspace whose model does what the steps say. */
  async start(
    steps: readonly ScriptStep[],
    more: Partial<AgentRequest> = {},
    by: Agent = this.agent,
    files: Readonly<Record<string, string>> = {},
  ): Promise<DriverRun> {
    const dir = this.nextDir;
    const name = `s${++this.count}`;
    await mkdir(dir);
    for (const [path, text] of Object.entries(files)) await writeFile(join(dir, path), text);
    this.model.script(name, steps);
    const events: AgentEvent[] = [];
    const stop = new AbortController();
    const logFile = join(this.root, `${name}.log`);
    const text = () => readFile(logFile, 'utf8').catch(() => '');
    onTestFailed(async () => {
      process.stderr.write(await text());
    });
    const exit = by.run({
      label: `f/${name}`,
      attempt: 1,
      cwd: dir,
      prompt: `Do it. [script:${name}]`,
      promptFile: join(this.root, `${name}.md`),
      timeoutMs: 60_000,
      logFile,
      signal: stop.signal,
      network: false,
      reset: async () => {},
      onEvent: (event) => events.push(event),
      ...more,
    });
    const transcript = async () =>
      (await text())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    return { name, dir, exit, events, stop, transcript };
  }
}

export async function createDriverRig(): Promise<DriverRig> {
  const root = await mkdtemp(join(tmpdir(), 'conductor-driver-'));
  return new DriverRig(root, await createScriptedModel({ key: KEY }));
}

/** A step that writes a file; an absolute name stays. */
export function writeInto(dir: string, name: string, content = name): ScriptStep {
  return { call: 'write', args: { filePath: name.startsWith('/') ? name : `${dir}/${name}`, content } };
}

/** The failure, or the exit of a run that has none. */
export async function failureOf(run: DriverRun): Promise<Failure | AgentExit> {
  const exit = await run.exit;
  return exit.kind === 'failed' ? exit.failure : exit;
}
