/** What a `conductor.config.ts` imports: types and one identity function. It loads nothing. */

import type { ConductorConfig } from './model/config.js';

export type {
  AgentPreset,
  CommandAgentConfig,
  ConductorConfig,
  OpencodeAgentConfig,
  ScriptedAgentConfig,
} from './model/config.js';
export type { BuildSummary, WrittenEvent as BuildEvent } from './model/event.js';
export type { GateConfig } from './model/task.js';

/** Returns the configuration as it is; an editor completes and checks its keys. */
export function defineConfig(config: ConductorConfig): ConductorConfig {
  return config;
}
