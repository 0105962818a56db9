/** A rig whose agent is the real OpenCode server with a scripted model behind it. Knows no test's story. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import { createOpencodeAgent } from '../../agent/opencode/driver.js';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { createScriptedModel, type ScriptedModel } from '../../agent/scripted-model/model-server.js';
import {
  SCRIPTED_MODEL,
  SCRIPTED_PROVIDER,
  scriptedProviderSetup,
} from '../../agent/scripted-model/provider.js';
import { build } from '../../build/build.js';
import { PLAIN_BUILD } from '../../build/options.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import type { ConductorConfig, OpencodeAgentConfig } from '../../model/config.js';
import { ensureBuilt, PACKAGE } from './command-line.js';
import { createRig, type Rig } from './rig.js';
import type { TaskText } from './rig-backlog.js';
import { Story } from './rig-story.js';

export const KEY = 'sk-planted-secret';
const AGENTS = join(PACKAGE, '.opencode/agent');

/** An agent's config for the scripted model; a limit or another model's name goes over it. */
export function scriptedAgentConfig(
  model: ScriptedModel,
  more: Partial<OpencodeAgentConfig> = {},
): OpencodeAgentConfig {
  return {
    driver: 'opencode',
    model: SCRIPTED_MODEL,
    providers: { [SCRIPTED_PROVIDER]: { ...scriptedProviderSetup(model.url), keyEnv: 'MODEL_KEY' } },
    ...more,
  };
}

/** A task whose prompt names the script. */
export function scriptedTask(script: string, output: string, more: TaskText = {}): TaskText {
  return { description: `Write it. [script:${script}]`, inputs: [], outputs: [output], ...more };
}

/** A step that calls the tool `write`. */
export function writeStep(filePath: string, content: string) {
  return { call: 'write', args: { filePath, content } };
}

/** A step that calls the tool `bash`. */
export function bashStep(command: string) {
  return { call: 'bash', args: { command, description: 'a command' } };
}

/** The bundled plugins, as the command line gives them. */
export function plugins(): { path: string; text: string }[] {
  ensureBuilt();
  const folder = join(PACKAGE, 'dist/plugin');
  return readdirSync(folder).map((name) => ({
    path: `plugin/${name}`,
    text: readFileSync(join(folder, name), 'utf8'),
  }));
}

export class OpencodeRig implements AsyncDisposable {
  readonly rig: Rig;
  readonly model: ScriptedModel;
  private readonly sandbox: boolean;

  constructor(rig: Rig, model: ScriptedModel, sandbox: boolean) {
    this.rig = rig;
    this.model = model;
    this.sandbox = sandbox;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.model.close();
    await this.rig[Symbol.asyncDispose]();
  }

  /** A build whose agent is the one that the config names. */
  async build(env: Readonly<Record<string, string>> = {}): Promise<Story> {
    const { rig } = this;
    const tripwire = new ScriptedAgent({ tripwire: true });
    const story = new Story(tripwire);
    onTestFailed(() => {
      process.stderr.write(`${story.log()}\n`);
    });
    const all = { ...rig.env, MODEL_KEY: KEY, ...env };
    const summary = await build(
      {
        ...rig.host(tripwire),
        createAgent: async (config) =>
          createOpencodeAgent(config.agent as OpencodeAgentConfig, {
            env: all,
            stateDir: this.stateDir,
            commandEnv: config.env,
            files: plugins(),
            findSandbox: async () => {
              const found = await findSandbox(rig.env);
              return this.sandbox && 'program' in found ? found.program : undefined;
            },
            now: Date.now,
          }),
        shippedAgents: async () =>
          new Map(readdirSync(AGENTS).map((name) => [name, readFileSync(join(AGENTS, name), 'utf8')])),
      },
      PLAIN_BUILD,
      (event) => story.events.push(event),
      new AbortController().signal,
    );
    return story.end(summary);
  }

  /** Records of servers that run. */
  get records(): {
    readonly root: string;
    readonly mark: string;
    readonly server: { readonly pid: number };
  }[] {
    const folder = join(this.stateDir, 'opencode');
    return readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  }

  /** How often the scripted model was asked by a script's sessions. */
  asked(script: string): number {
    return this.model.requests.filter((request) => request.script === script).length;
  }

  private get stateDir(): string {
    return join(this.rig.temporary.root, 'servers');
  }
}

export async function createOpencodeRig(
  config: ConductorConfig = {},
  agent: Partial<OpencodeAgentConfig> = {},
  { sandbox = true } = {},
): Promise<OpencodeRig> {
  const model = await createScriptedModel({ key: KEY });
  const rig = await createRig({
    config: { agent: scriptedAgentConfig(model, agent), workers: 4, ...config },
  });
  return new OpencodeRig(rig, model, sandbox);
}
