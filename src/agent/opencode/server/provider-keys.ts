/** Reads the keys of providers from the variables that the config names. Writes them nowhere. */

import type { Environment } from '../../../io/process/environment.js';
import type { OpencodeAgentConfig } from '../../../model/config.js';

/** The providers' keys, as far as their variables are set. */
export function keysOf(config: OpencodeAgentConfig, env: Environment): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const [provider, { keyEnv }] of Object.entries(config.providers ?? {})) {
    const key = keyEnv === undefined ? undefined : env[keyEnv];
    if (key !== undefined && key !== '') keys[provider] = key;
  }
  return keys;
}
