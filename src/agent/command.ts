/** The driver for any coding agent that is a program. Knows no results. */

import { err, ok, type Result } from '../base/result.js';
import { secretValues } from '../io/process/environment.js';
import { expectRun } from '../io/process/runner-process.js';
import type { CommandAgentConfig } from '../model/config.js';
import { canonicalJson } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import type { Agent } from './agent.js';
import { runCommand } from './command-run.js';
import { type CommandAgent, type CommandAgentHost, commandProvider } from './command-start.js';
import { ReportFolders } from './presets/report-folders.js';
import { PRESETS } from './presets.js';
import { DefinitionTexts } from './prompts/definition-texts.js';
import { Refusals } from './refusals.js';

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
  const reports = new ReportFolders(host.stateDir);
  const agent: CommandAgent = { config, preset, host, secrets, reports };
  const definitions = new DefinitionTexts();
  const refusals = new Refusals();
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
    useDefinitions: (all) => definitions.use(all),
    withDefinition: (name, prompt) => definitions.above(name, prompt),
    expectRun: () => expectRun('waits'),
    run: (request) =>
      refusals.unlessRefused(commandProvider(config, request), () => runCommand(agent, request)),
    close: () => reports.close(),
  });
}
