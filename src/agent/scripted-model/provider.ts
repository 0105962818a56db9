/** The section of OpenCode's configuration that names the scripted model. Knows no server and no file. */

import type { OpencodeProviderConfig } from '../../model/config.js';

/** The provider's name and, behind the slash, the model's, as OpenCode's `model` wants them. */
export const SCRIPTED_PROVIDER = 'scripted';
export const SCRIPTED_MODEL = 'scripted/model-1';

export interface ScriptedProviderOptions {
  /** The key or a reference to it (`{file:/path}`); the scripted model wants one only when it was given one. */
  readonly apiKey?: string;
  /** Milliseconds until headers come, and between two chunks. */
  readonly headerTimeout?: number;
  readonly chunkTimeout?: number;
  /** The window in tokens: OpenCode compacts a session that nears it. */
  readonly context?: number;
}

export interface ProviderConfig {
  readonly npm: string;
  readonly name: string;
  readonly options: Readonly<Record<string, string | number>>;
  readonly models: Readonly<Record<string, ProviderModel>>;
}

export interface ProviderModel {
  readonly name: string;
  readonly tool_call: boolean;
  /** Without it OpenCode does not send an agent's temperature. */
  readonly temperature: boolean;
  readonly limit: { readonly context: number; readonly output: number };
  /** US dollars for a million tokens. */
  readonly cost: {
    readonly input: number;
    readonly output: number;
    readonly cache_read: number;
    readonly cache_write: number;
  };
}

/** The `provider` section for a scripted model; `url` is the server's `url`, without `/v1`. */
export function scriptedProviderConfig(
  url: string,
  options: ScriptedProviderOptions = {},
): Readonly<Record<typeof SCRIPTED_PROVIDER, ProviderConfig>> {
  return {
    [SCRIPTED_PROVIDER]: {
      // Part of OpenCode itself: nothing is installed for it.
      npm: '@ai-sdk/openai-compatible',
      name: 'Scripted model',
      options: {
        baseURL: `${url}/v1`,
        apiKey: options.apiKey ?? 'none',
        headerTimeout: options.headerTimeout ?? 120_000,
        chunkTimeout: options.chunkTimeout ?? 120_000,
      },
      models: {
        'model-1': {
          name: 'Scripted model 1',
          tool_call: true,
          temperature: true,
          limit: { context: options.context ?? 200_000, output: 8_192 },
          cost: { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 },
        },
      },
    },
  };
}

/** The same for conductor's own configuration, which writes OpenCode's. */
export function scriptedProviderSetup(url: string): OpencodeProviderConfig {
  const { limit, cost } = scriptedProviderConfig(url)[SCRIPTED_PROVIDER].models['model-1'] as ProviderModel;
  return {
    baseURL: `${url}/v1`,
    models: {
      'model-1': {
        ...limit,
        cost: {
          input: cost.input,
          output: cost.output,
          cacheRead: cost.cache_read,
          cacheWrite: cost.cache_write,
        },
      },
    },
  };
}
