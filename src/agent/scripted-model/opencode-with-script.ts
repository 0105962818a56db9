/**
 * The agent of the driver `scripted`: the real OpenCode with a scripted model. Starts the model with the first run
 * and ends it with the agent.
 */

import { err, type Result } from '../../base/result.js';
import type { OpencodeAgentConfig } from '../../model/config.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import type { Agent, AgentExit, AgentRequest } from '../agent.js';
import type { AgentDefinition } from '../prompts/definitions.js';
import type { ScriptedModel } from './model-server.js';
import { SCRIPTED_MODEL, SCRIPTED_PROVIDER, scriptedProviderSetup } from './provider.js';

export interface ScriptedModelAgentParts {
  /** Starts the model with its scripts. */
  serve(): Promise<Result<ScriptedModel, Failure>>;
  /** The OpenCode agent for a configuration that names the model. */
  createAgent(config: OpencodeAgentConfig): Promise<Result<Agent, Failure>>;
}

interface Running {
  readonly model: ScriptedModel;
  readonly agent: Agent;
}

export class ScriptedModelAgent implements Agent {
  readonly name = 'scripted model';
  /** What a script says is no part of a task, as little as what a model knows. */
  readonly identity = canonicalJson({ driver: 'scripted' });
  readonly reportsBy = 'tool';
  readonly reportsCost = true;
  private readonly parts: ScriptedModelAgentParts;
  private definitions: ReadonlyMap<string, AgentDefinition> = new Map();
  private running: Promise<Result<Running, Failure>> | undefined;

  constructor(parts: ScriptedModelAgentParts) {
    this.parts = parts;
  }

  useDefinitions(definitions: ReadonlyMap<string, AgentDefinition>): void {
    this.definitions = definitions;
  }

  async run(request: AgentRequest): Promise<AgentExit> {
    this.running ??= this.start();
    const started = await this.running;
    if (!started.ok) return { kind: 'failed', failure: started.error, usage: {} };
    // Whatever model a spec or an agent definition names: here there is only this one.
    return started.value.agent.run({ ...request, model: SCRIPTED_MODEL });
  }

  async close(): Promise<void> {
    const started = await this.running;
    if (!started?.ok) return;
    await started.value.agent.close?.();
    await started.value.model.close();
  }

  private async start(): Promise<Result<Running, Failure>> {
    const served = await this.parts.serve();
    if (!served.ok) return served;
    const model = served.value;
    const providers = { [SCRIPTED_PROVIDER]: scriptedProviderSetup(model.url) };
    const made = await this.parts.createAgent({ driver: 'opencode', model: SCRIPTED_MODEL, providers });
    if (!made.ok) {
      await model.close();
      return err(made.error);
    }
    made.value.useDefinitions?.(this.definitions);
    return { ok: true, value: { model, agent: made.value } };
  }
}
