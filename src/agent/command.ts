/** The driver for any coding agent that is a program. Knows no results. */

import { err, ok, type Result } from '../base/result.js';
import { secretValues } from '../io/process/environment.js';
import type { CommandAgentConfig } from '../model/config.js';
import { canonicalJson } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import type { Agent, AgentExit } from './agent.js';
import { runCommand } from './command-run.js';
import { type CommandAgent, type CommandAgentHost, commandProvider } from './command-start.js';
import { PRESETS } from './presets.js';
import type { AgentDefinition } from './prompts/definitions.js';

/**
 * An agent from the config's `agent`. Fails with `invalid-config` when there is neither a preset nor a command. With
 * both, the command replaces the preset's arguments and its output is read as that of the preset.
 */
export function createCommandAgent(
  config: CommandAgentConfig,
  host: CommandAgentHost,
): Result<Agent, Failure> {
  const preset = config.preset === undefined ? undefined : PRESETS[config.preset];
  const program = config.command === undefined ? preset?.program : config.command[0];
  if (program === undefined || program === '') {
    const message = 'agent: needs a `preset` or a `command` with at least the program';
    return err({ kind: 'invalid-config', diagnostics: [{ file: 'conductor.config.ts', message }] });
  }
  const secrets = secretValues(host.env, config.env ?? []);
  const agent: CommandAgent = { config, preset, host, secrets };
  let definitions: ReadonlyMap<string, AgentDefinition> = new Map();
  /** Providers that refuse: asking them again for the next task would find the same. */
  const refused = new Map<string, Failure>();
  return ok({
    name: config.preset ?? program,
    identity: canonicalJson({
      driver: 'command',
      preset: config.preset,
      argv: config.command ?? preset?.identity,
    }),
    secrets,
    reportsBy: 'file',
    reportsCost: config.reportsCost ?? preset?.reportsCost === true,
    definitionsAreText: true,
    useDefinitions(all) {
      definitions = all;
    },
    withDefinition(name, prompt) {
      const body = definitions.get(name ?? '')?.body;
      return body === undefined ? prompt : `${body}\n\n---\n\n${prompt}`;
    },
    async run(request): Promise<AgentExit> {
      const provider = commandProvider(config, request);
      const known = refused.get(provider);
      if (known) return { kind: 'failed', failure: known, usage: {} };
      const exit = await runCommand(agent, request);
      if (exit.kind === 'failed' && exit.failure.kind === 'provider-refused') {
        refused.set(provider, exit.failure);
      }
      return exit;
    },
  });
}
