/** Codex without a terminal: its arguments, its login, and what `codex exec --json` prints where a config runs that. */

import type { Usage } from '../../model/action.js';
import { addUsage } from '../usage.js';
import { count, jsonLines, record, said, spoken, text } from './json-lines.js';
import type { Preset } from './preset.js';
import type { OutputReader } from './reading.js';

/** What a build task needs nothing of, and what it costs in every request. */
const OFF = ['multi_agent', 'goals', 'apps', 'plugins', 'memories', 'hooks'];

/**
 * `codex app-server` instead of `codex exec`: it tells the tokens after each call of the model (a budget can end the
 * work, and a killed attempt's use is known), the HTTP status of an error and whether it tries again.
 */
export const codex: Preset = {
  program: 'codex',
  identity: ['codex', 'exec', '--json', '--sandbox', 'workspace-write', '-'],
  arguments: () => ['app-server', ...OFF.flatMap((feature) => ['--disable', feature])],
  environment: ({ state }) => ({ CODEX_HOME: state }),
  reportsCost: false,
  provider: 'openai',
  prefixes: ['openai/'],
  state: {
    folder: '.codex',
    variable: 'CODEX_HOME',
    credentials: [{ path: 'auth.json' }],
    settings: [{ path: 'config.toml', keep: keptConfig }],
  },
  reader: codexReader,
  converses: true,
};

/** Where the provider is and how the login is made. */
const KEPT_KEYS =
  /^(?:model|model_provider|preferred_auth_method|forced_login_method|forced_chatgpt_workspace_id|cli_auth_credentials_store|chatgpt_base_url|openai_base_url|oss_provider)\s*=/;
const KEPT_TABLES = /^\[\s*model_providers\s*[.\]]/;

/** The lines of a TOML file that choose the provider; instructions, servers, hooks and rules are left out. */
function keptConfig(config: string | undefined): string {
  const kept: string[] = [];
  let isKept: boolean | undefined;
  for (const line of (config ?? '').split(/\r?\n/)) {
    const trimmed = line.trim();
    if (trimmed.startsWith('[')) isKept = KEPT_TABLES.test(trimmed);
    if (isKept ?? KEPT_KEYS.test(trimmed)) kept.push(line);
  }
  return `${kept.join('\n')}\n`;
}

/** `codex exec --json`: items as they are done, the tokens of each turn, no costs. */
export function codexReader(): OutputReader {
  let total: Usage = {};
  return jsonLines((event) => {
    if (event.type === 'turn.completed') {
      const usage = record(event.usage);
      const cached = count(usage.cached_input_tokens);
      total = addUsage(total, {
        tokensIn: Math.max(0, count(usage.input_tokens) - cached),
        tokensOut: count(usage.output_tokens),
        tokensCached: cached,
      });
      return { usage: total };
    }
    if (event.type === 'turn.failed') {
      return { error: { text: text(record(event.error).message) ?? 'the turn failed' } };
    }
    // `error` events also tell of retries that may still succeed: shown, and only `turn.failed` decides.
    if (event.type === 'error') return said(text(event.message));
    const item = record(event.item);
    if (event.type === 'item.started' && item.type === 'command_execution') return said(text(item.command));
    if (event.type === 'item.completed' && item.type === 'agent_message') return spoken(text(item.text));
    return {};
  });
}
