/** The prices of models: from the config, else from the catalogue of the OpenCode server. Knows no session. */

import { ownValue } from '../../../base/records/own-value.js';
import { err, ok, type Result } from '../../../base/result.js';
import type { OpencodeAgentConfig } from '../../../model/config.js';
import type { Failure } from '../../../model/failure.js';
import type { ServerHost } from '../driver-host.js';
import { configuredModel, type ModelName } from './model-name.js';
import { ANSWER_MS, inTime } from './session-calls.js';

/** Dollars for a million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
}

export class ModelPrices {
  private readonly config: OpencodeAgentConfig;
  private readonly servers: ServerHost;
  private readonly found = new Map<string, ModelPrice | undefined>();

  constructor(config: OpencodeAgentConfig, servers: ServerHost) {
    this.config = config;
    this.servers = servers;
  }

  /** What is known without asking: the config's price, or what was found. */
  known(model: ModelName): ModelPrice | undefined {
    const configured = configuredModel(this.config, model)?.cost;
    return configured ?? this.found.get(`${model.providerID}/${model.modelID}`);
  }

  /** Undefined: unknown. Starts the server if only its catalogue may know the price; `folder` is one that exists. */
  async find(
    model: ModelName,
    folder: string,
    signal: AbortSignal,
  ): Promise<Result<ModelPrice | undefined, Failure>> {
    const known = this.known(model);
    if (known) return ok(known);
    const name = `${model.providerID}/${model.modelID}`;
    if (this.found.has(name)) return ok(undefined);
    const leased = await this.servers.lease(folder, signal);
    if (!leased.ok) return leased;
    const { server, release } = leased.value;
    try {
      const answer = await inTime(server.client.config.providers({ directory: folder }), 6 * ANSWER_MS);
      if (!answer?.data) {
        const detail = 'the OpenCode server did not tell the prices of its models';
        return err({ kind: 'agent-error', detail, output: { tail: '' } });
      }
      const provider = answer.data.providers.find(({ id }) => id === model.providerID);
      const cost = ownValue(provider?.models, model.modelID)?.cost;
      // OpenCode writes zeros where it knows no price.
      const price = cost && cost.input + cost.output > 0 ? cost : undefined;
      this.found.set(name, price);
      return ok(price);
    } finally {
      await release();
    }
  }
}
