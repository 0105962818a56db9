/** Checks of the configured agent: its program and version, ripgrep, models, and the variables that hold its keys. */

import { inboxFolder } from '../../agent/inbox/inbox.js';
import { findOpencode, ripgrepFolder } from '../../agent/opencode/server/binary.js';
import { PRESETS } from '../../agent/presets.js';
import { answeredVersion } from '../../agent/program-version.js';
import { routedModels } from '../../agent/routing.js';
import { ownValue } from '../../base/records/own-value.js';
import { shellWord } from '../../base/shell-word.js';
import { findProgram } from '../../io/process/environment.js';
import type { CommandAgentConfig, OpencodeAgentConfig } from '../../model/config.js';
import type { DoctorCheck, DoctorContext, Finding } from './doctor-check.js';

type Environment = DoctorContext['host']['env'];

const MODEL = /^[^/\s]+\/\S+$/;

export const checkAgent: DoctorCheck = async ({ host, config }) => {
  const agent = config?.agent;
  if (!agent) return [];
  const { env } = host;
  if (agent.driver === 'inbox') {
    const found = `answers are expected in ${inboxFolder(agent, host.directory, env)}`;
    return [{ about: 'agent', state: 'ok', found }];
  }
  const { directory } = host;
  if (agent.driver === 'acp') return [await commandProgram({ command: agent.command }, { env, directory })];
  return agent.driver === 'command'
    ? [await commandProgram(agent, { env, directory })]
    : opencodePrograms(env);
};

export const checkModels: DoctorCheck = async ({ host, config }) => {
  const agent = config?.agent;
  if (agent?.driver === 'command' || agent?.driver === 'acp') return commandKeys(agent, host.env);
  return agent?.driver === 'opencode'
    ? opencodeModels(agent, routedModels(config?.models.routes ?? []), host.env)
    : [];
};

async function commandProgram(
  agent: Pick<CommandAgentConfig, 'preset' | 'command'>,
  { env, directory }: { readonly env: Environment; readonly directory: string },
): Promise<Finding> {
  const preset = agent.preset === undefined ? undefined : PRESETS[agent.preset];
  const name = (agent.command === undefined ? preset?.program : agent.command[0]) ?? '';
  const program = findProgram(name, env, directory);
  if (program === undefined && name.includes('/')) {
    const hint = `write the file and run \`chmod +x ${shellWord(name)}\`; a path in \`agent.command\` is relative to the project`;
    return { about: 'agent', state: 'problem', found: `\`${name}\` is no file that can be executed`, hint };
  }
  if (program === undefined) {
    const hint = 'install it, make sure that it is on PATH, or change `agent` in the config';
    return { about: 'agent', state: 'problem', found: `the program \`${name}\` is not on PATH`, hint };
  }
  // An unknown program may do anything when it is started with `--version`.
  const answer = agent.command === undefined ? await answeredVersion(program, env) : undefined;
  const version = answer?.trim().split('\n', 1)[0]?.slice(0, 80);
  return { about: 'agent', state: 'ok', found: !version ? program : `${program}, ${version}` };
}

async function opencodePrograms(env: Environment): Promise<Finding[]> {
  const found = await findOpencode({ env });
  const opencode: Finding = found.ok
    ? {
        about: 'agent',
        state: 'ok',
        found: `${found.value.program}, OpenCode ${found.value.version ?? '(version unknown)'}`,
      }
    : {
        about: 'agent',
        state: 'problem',
        found: 'OpenCode is not installed',
        hint: 'add it to the project: `npm install --save-dev opencode-ai`',
      };
  const ripgrep = ripgrepFolder({ env });
  if (ripgrep !== undefined) return [opencode, { about: 'ripgrep', state: 'ok', found: ripgrep }];
  const hint = 'OpenCode would fetch it from the network: `npm install @vscode/ripgrep`, or install `rg`';
  return [opencode, { about: 'ripgrep', state: 'warning', found: 'it was not found', hint }];
}

function commandKeys(agent: Pick<CommandAgentConfig, 'env'>, env: Environment): Finding[] {
  return (agent.env ?? []).map((name): Finding => {
    if (isSet(env, name)) return { about: 'models', state: 'ok', found: `${name} is set` };
    const hint = `set it, or remove it from \`agent.env\` if the agent has its own login`;
    return { about: 'models', state: 'warning', found: `${name}, which the agent needs, is not set`, hint };
  });
}

function opencodeModels(agent: OpencodeAgentConfig, routed: readonly string[], env: Environment): Finding[] {
  const models = [...new Set([agent.model, agent.smallModel ?? agent.model, ...routed])];
  const findings = models.flatMap((model): Finding[] => {
    if (MODEL.test(model)) return [];
    const hint = 'write `provider/model`, for example `anthropic/claude-sonnet-4-5`';
    return [{ about: 'models', state: 'problem', found: `\`${model}\` names no provider`, hint }];
  });
  const named = models.filter((model) => MODEL.test(model)).map((model) => model.split('/', 1)[0] as string);
  for (const provider of new Set([...named, ...Object.keys(agent.providers ?? {})])) {
    findings.push(providerKey(provider, agent, env));
  }
  return findings;
}

function providerKey(provider: string, agent: OpencodeAgentConfig, env: Environment): Finding {
  const { keyEnv, baseURL } = ownValue(agent.providers, provider) ?? {};
  const about = 'models';
  if (keyEnv === undefined) {
    const found = `${provider}: no key`;
    if (baseURL !== undefined) return { about, state: 'ok', found: `${found}, reached at ${baseURL}` };
    const variable = `${provider.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_API_KEY`;
    const hint = `if it needs one: \`providers: { ${JSON.stringify(provider)}: { keyEnv: '${variable}' } }\``;
    return { about, state: 'warning', found: `${found} is configured`, hint };
  }
  if (isSet(env, keyEnv)) return { about, state: 'ok', found: `${provider}: ${keyEnv} is set` };
  return {
    about,
    state: 'problem',
    found: `${provider}: ${keyEnv}, which holds its key, is not set`,
    hint: 'set it',
  };
}

function isSet(env: Environment, name: string): boolean {
  return (ownValue(env, name) ?? '') !== '';
}
