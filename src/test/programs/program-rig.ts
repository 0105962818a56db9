/** A home, a scripted model and workspaces for one real program, run by conductor's own driver. Knows no case. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { Agent, AgentEvent, AgentExit } from '../../agent/agent.js';
import { createCommandAgent } from '../../agent/command.js';
import { createScriptedModel, type ScriptedModel } from '../../agent/scripted-model/model-server.js';
import type { ScriptStep } from '../../agent/scripted-model/playbook.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import type { CommandAgentConfig } from '../../model/config.js';
import { binFolder, KEY, programsFolder, type RealProgram, writeFiles } from './programs.js';

export interface ProgramRun {
  readonly exit: AgentExit;
  readonly dir: string;
  readonly events: readonly AgentEvent[];
  log(): string;
  /** For a failed test: how it ended, and its last output. */
  about(): string;
}

export interface RunOptions {
  /** In bubblewrap, where it works. Default true. */
  readonly sandbox?: boolean;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly limits?: CommandAgentConfig['limits'];
  readonly agent?: Agent;
  readonly prompt?: string;
}

export class ProgramRig {
  readonly program: RealProgram;
  readonly model: ScriptedModel;
  readonly root: string;
  readonly home: string;
  private readonly bubblewrap: string | undefined;
  private count = 0;

  private constructor(
    program: RealProgram,
    model: ScriptedModel,
    root: string,
    bubblewrap: string | undefined,
  ) {
    this.program = program;
    this.model = model;
    this.root = root;
    this.home = join(root, 'home');
    this.bubblewrap = bubblewrap;
  }

  static async create(program: RealProgram): Promise<ProgramRig> {
    const model = await createScriptedModel({ key: KEY });
    const found = await findSandbox(process.env);
    // Not below the temporary folder, which a sandbox covers.
    const runs = join(programsFolder(), 'runs');
    mkdirSync(runs, { recursive: true });
    const root = realpathSync(mkdtempSync(join(runs, `${program.bin}-`)));
    const rig = new ProgramRig(program, model, root, 'program' in found ? found.program : undefined);
    writeFiles(rig.home, { ...program.settings(model.url), [program.instructions]: 'PERSONAL' });
    // Instructions in folders above the workspace are as little the task's.
    writeFiles(root, { 'CLAUDE.md': 'PERSONAL', 'AGENTS.md': 'PERSONAL', 'GEMINI.md': 'PERSONAL' });
    return rig;
  }

  get hasSandbox(): boolean {
    return this.bubblewrap !== undefined;
  }

  /** The variables that conductor is started with. */
  get env(): Record<string, string> {
    const path = [binFolder(this.program), dirname(process.execPath), process.env.PATH];
    return {
      PATH: path.filter(Boolean).join(delimiter),
      HOME: this.home,
      LANG: 'C.UTF-8',
      ...this.program.env(this.model.url),
    };
  }

  get config(): CommandAgentConfig {
    const { preset, model } = this.program;
    return { driver: 'command', preset, model, env: Object.keys(this.program.env('')) };
  }

  agent({ sandbox = true, limits }: RunOptions = {}): Agent {
    const { bubblewrap } = this;
    const made = createCommandAgent(
      { ...this.config, ...(limits === undefined ? {} : { limits }) },
      {
        env: this.env,
        stateDir: join(this.root, 'state'),
        ...(sandbox && bubblewrap !== undefined ? { sandbox: bubblewrap } : {}),
      },
    );
    if (!made.ok) throw new Error(JSON.stringify(made.error));
    return made.value;
  }

  /** An empty workspace; its name is that of the script which a run there plays. */
  workspace(): { readonly name: string; readonly dir: string } {
    this.count += 1;
    const name = `s${this.count}`;
    const dir = join(this.root, 'work', name);
    mkdirSync(dir, { recursive: true });
    return { name, dir };
  }

  async run(steps: (dir: string) => readonly ScriptStep[], options: RunOptions = {}): Promise<ProgramRun> {
    const { name, dir } = this.workspace();
    this.model.script(name, steps(dir));
    const prompt = `${options.prompt ?? 'Do the work.'} [script:${name}]`;
    const promptFile = join(this.root, 'logs', name, 'prompt.md');
    mkdirSync(dirname(promptFile), { recursive: true });
    writeFileSync(promptFile, prompt);
    const logFile = join(this.root, 'logs', name, 'agent.log');
    const events: AgentEvent[] = [];
    const exit = await (options.agent ?? this.agent(options)).run({
      label: `f/${name}`,
      attempt: 1,
      cwd: dir,
      prompt,
      promptFile,
      timeoutMs: options.timeoutMs ?? 200_000,
      logFile,
      signal: options.signal ?? new AbortController().signal,
      network: false,
      reset: async () => {},
      onEvent: (event) => events.push(event),
    });
    // A program that was not started has none.
    const log = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
    return { exit, dir, events, log, about: () => `${JSON.stringify(exit)}\n${log().slice(-3000)}` };
  }

  /** Requests that a run in this workspace made. */
  calls(dir: string): number {
    const script = dir.slice(dir.lastIndexOf('/') + 1);
    return this.model.requests.filter((request) => request.script === script).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.model.close();
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}
