/** The driver `opencode`: models, keys, and the start of the server. Attempts are in `session/attempt.ts`. */

import { realpath } from 'node:fs/promises';
import { newRecord, ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import type { Environment } from '../../io/process/environment.js';
import type { OpencodeAgentConfig } from '../../model/config.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import type { Agent, AgentExit, AgentRequest, PriceQuestion } from '../agent.js';
import type { AgentDefinition } from '../prompts/definitions.js';
import { Refusals } from '../refusals.js';
import { ServerHost } from './driver-host.js';
import { findOpencode, ripgrepFolder } from './server/binary.js';
import { findLifeline } from './server/lifeline.js';
import { type OpencodeServer, START_MS, startServer } from './server/opencode-server.js';
import type { ConfigFile } from './server/server-config.js';
import { Attempt, DEFAULT_LIMITS, type OpencodeHost } from './session/attempt.js';
import { type ModelName, parseModel } from './session/model-name.js';
import { ModelPrices } from './session/model-prices.js';

export type { OpencodeHost } from './session/attempt.js';

/** An agent from the config's `agent`. Fails with `invalid-config` when the model is not `provider/model`. */
export function createOpencodeAgent(config: OpencodeAgentConfig, host: OpencodeHost): Result<Agent, Failure> {
  for (const model of [config.model, config.smallModel ?? config.model]) {
    if (parseModel(model)) continue;
    const message = `agent: \`${model}\` is not a model; write \`provider/model\``;
    return err({ kind: 'invalid-config', diagnostics: [{ file: 'conductor.config.ts', message }] });
  }
  return ok(new OpencodeAgent(config, host));
}

class OpencodeAgent implements Agent {
  readonly name = 'opencode';
  readonly identity: string;
  readonly reportsBy = 'tool';
  readonly reportsCost = true;
  readonly secrets: readonly string[];
  private readonly config: OpencodeAgentConfig;
  private readonly host: OpencodeHost;
  private readonly keys: Readonly<Record<string, string>>;
  private readonly servers: ServerHost;
  private readonly prices: ModelPrices;
  private definitions: ReadonlyMap<string, AgentDefinition> = new Map();
  private readonly refusals = new Refusals();

  constructor(config: OpencodeAgentConfig, host: OpencodeHost) {
    this.config = config;
    this.host = host;
    this.keys = keysOf(config, host.env);
    this.secrets = Object.values(this.keys);
    // The shipped plugins steer a session and define no task: their text is not in the key, or every release of
    // conductor would disown all results.
    this.identity = canonicalJson({ driver: 'opencode' });
    this.servers = new ServerHost({ start: (signal, patience) => this.start(signal, patience) });
    this.prices = new ModelPrices(config, this.servers);
  }

  useDefinitions(definitions: ReadonlyMap<string, AgentDefinition>): void {
    this.definitions = definitions;
  }

  async isPriced(asked: PriceQuestion): Promise<Result<boolean, Failure>> {
    const model = this.modelOf(asked);
    // What is no model is refused by its session.
    if (!model.ok) return ok(true);
    const price = await this.prices.find(model.value, asked.cwd, asked.signal);
    return price.ok ? ok(price.value !== undefined) : price;
  }

  private modelOf({
    agentName,
    model,
  }: Pick<AgentRequest, 'agentName' | 'model'>): Result<ModelName, string> {
    const name = model ?? this.definitions.get(agentName ?? '')?.model ?? this.config.model;
    const parsed = parseModel(name);
    return parsed ? ok(parsed) : err(name);
  }

  async run(request: AgentRequest): Promise<AgentExit> {
    const failed = (failure: Failure): AgentExit => ({ kind: 'failed', failure, usage: {} });
    const named = this.modelOf(request);
    if (!named.ok) {
      const detail = `\`${named.error}\` is not a model; write \`provider/model\``;
      return failed({ kind: 'agent-error', detail, output: { tail: '' } });
    }
    const model = named.value;
    const keyEnv = ownValue(this.config.providers, model.providerID)?.keyEnv;
    if (keyEnv !== undefined && ownValue(this.keys, model.providerID) === undefined) {
      const detail = `the variable ${keyEnv}, which holds its key, is not set`;
      return failed({ kind: 'provider-refused', provider: model.providerID, detail, output: { tail: '' } });
    }
    return this.refusals.unlessRefused(model.providerID, () => this.attempt(request, model));
  }

  private async attempt(request: AgentRequest, model: ModelName): Promise<AgentExit> {
    const definition = this.definitions.get(request.agentName ?? '');
    const attempt = new Attempt(this.config, this.host, this.servers, {
      // OpenCode names files by their real place: a cache folder may be reached by a link.
      request: { ...request, cwd: await realpath(request.cwd).catch(() => request.cwd) },
      model,
      variant: request.variant,
      agentName: this.files.some(({ path }) => path === `agent/${request.agentName}.md`)
        ? request.agentName
        : undefined,
      price: this.prices.known(model),
      isShipped: definition?.isShipped ?? false,
      steps: this.config.limits?.steps ?? definition?.steps ?? DEFAULT_LIMITS.steps,
    });
    return attempt.run(this.secrets);
  }

  close(): Promise<void> {
    return this.servers.close();
  }

  /** What OpenCode's config folder gets. */
  private get files(): readonly ConfigFile[] {
    const agents = [...this.definitions.values()].map(({ name, text }) => ({
      path: `agent/${name}.md`,
      text,
    }));
    return [...(this.host.files ?? []), ...agents];
  }

  private async start(signal: AbortSignal, patience: number): Promise<Result<OpencodeServer, Failure>> {
    const { env, stateDir, models, pace } = this.host;
    const found = await findOpencode({ env });
    if (!found.ok) return found;
    const ripgrep = ripgrepFolder({ env });
    const sandbox = await this.host.findSandbox();
    return startServer({
      program: found.value.program,
      lifeline: await findLifeline(env),
      stateDir,
      env,
      config: {
        agent: this.config,
        keys: this.keys,
        ...(models === undefined ? {} : { models }),
        ...(pace === undefined ? {} : { pace }),
      },
      signal,
      startTimeoutMs: patience * START_MS,
      ...(ripgrep === undefined ? {} : { ripgrep }),
      files: this.files,
      readable: this.host.readable ?? [],
      ...(sandbox === undefined ? {} : { sandbox }),
    });
  }
}

/** The providers' keys, as far as their variables are set. */
export function keysOf(config: OpencodeAgentConfig, env: Environment): Record<string, string> {
  const keys = newRecord<string>();
  for (const [provider, { keyEnv }] of Object.entries(config.providers ?? {})) {
    const key = ownValue(env, keyEnv);
    if (key !== undefined && key !== '') keys[provider] = key;
  }
  return keys;
}
