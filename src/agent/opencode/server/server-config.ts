/** OpenCode's configuration as conductor writes it: no permission asks, and nothing is downloaded. Writes no file. */

import { ownValue } from '../../../base/records/own-value.js';
import type {
  OpencodeAgentConfig,
  OpencodeModelConfig,
  OpencodeProviderConfig,
} from '../../../model/config.js';
import type { Pace } from './pace.js';

/** A file for OpenCode's config folder. */
export interface ConfigFile {
  /** Relative, with slashes: `agent/implementer.md`, `plugin/task-tracker.js`. */
  readonly path: string;
  readonly text: string;
}

export interface OpencodeConfig {
  readonly agent: OpencodeAgentConfig;
  /** Further ones that may be asked for, as `provider/model`. */
  readonly models?: readonly string[];
  readonly pace?: Pace;
  /** Keys by the provider's name; written to files of mode 0600, never to the configuration or a variable. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Permissions that are allowed although they are off by default (`webfetch`, `task`). */
  readonly allow?: readonly string[];
}

export type PermissionAction = 'allow' | 'deny';

/** Off unless allowed: they ask a person, leave the workspace, use the network or start more agents. */
export const GUARDED_PERMISSIONS = [
  'external_directory',
  'question',
  'webfetch',
  'websearch',
  'doom_loop',
  'task',
] as const;

/** A provider that does not answer is given up after this, and OpenCode tries again. */
const PROVIDER_SILENCE_MS = 120_000;

/** The rules, the general one first: the last that matches wins. None of them asks. */
export function permissionPolicy(allow: readonly string[] = []): Record<string, PermissionAction> {
  const policy: Record<string, PermissionAction> = { '*': 'allow' };
  for (const name of GUARDED_PERMISSIONS) policy[name] = allow.includes(name) ? 'allow' : 'deny';
  return policy;
}

/** The names of the providers that the models come from and that are set up. */
export function providerNames(agent: OpencodeAgentConfig, further: readonly string[] = []): string[] {
  const models = [agent.model, agent.smallModel ?? agent.model, ...further];
  const names = new Set([...models.map((model) => model.split('/')[0] as string)]);
  for (const name of Object.keys(agent.providers ?? {})) names.add(name);
  return [...names];
}

/**
 * The text of `opencode.json`. `keyFiles` gives the absolute path of a provider's key, `shell` that of the agents'
 * shell.
 */
export function configText(
  config: OpencodeConfig,
  places: { readonly shell: string; readonly keyFiles: Readonly<Record<string, string>> },
): string {
  const { agent } = config;
  const names = providerNames(agent, config.models);
  const value = {
    autoupdate: false,
    share: 'disabled',
    model: agent.model,
    // Without it OpenCode looks for a small model elsewhere.
    small_model: agent.smallModel ?? agent.model,
    enabled_providers: names,
    provider: Object.fromEntries(
      names.map((name) => [
        name,
        provider(name, ownValue(agent.providers, name), ownValue(places.keyFiles, name)),
      ]),
    ),
    snapshot: false,
    lsp: false,
    formatter: false,
    shell: places.shell,
    permission: permissionPolicy(config.allow),
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function provider(name: string, setup: OpencodeProviderConfig | undefined, keyFile: string | undefined) {
  const npm = setup?.npm ?? (setup?.baseURL === undefined ? undefined : '@ai-sdk/openai-compatible');
  return {
    ...(npm === undefined ? {} : { npm, name }),
    options: {
      ...(setup?.baseURL === undefined ? {} : { baseURL: setup.baseURL }),
      ...(keyFile === undefined ? {} : { apiKey: `{file:${keyFile}}` }),
      headerTimeout: PROVIDER_SILENCE_MS,
      chunkTimeout: PROVIDER_SILENCE_MS,
    },
    ...(setup?.models === undefined
      ? {}
      : {
          models: Object.fromEntries(Object.entries(setup.models).map(([id, one]) => [id, model(one)])),
        }),
  };
}

function model(setup: OpencodeModelConfig) {
  const { cost } = setup;
  return {
    tool_call: true,
    // Without it an agent's temperature is not sent.
    temperature: true,
    ...(setup.context === undefined && setup.output === undefined
      ? {}
      : { limit: { context: setup.context ?? 0, output: setup.output ?? 0 } }),
    ...(cost === undefined
      ? {}
      : {
          cost: {
            input: cost.input,
            output: cost.output,
            cache_read: cost.cacheRead ?? cost.input,
            cache_write: cost.cacheWrite ?? cost.input,
          },
        }),
  };
}
