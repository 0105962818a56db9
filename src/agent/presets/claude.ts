/** Claude Code without a terminal: its arguments, its variables and what its stream of events says. */

import type { Usage } from '../../model/action.js';
import { addUsage, isCount } from '../usage.js';
import {
  count,
  type Json,
  jsonLines,
  list,
  only,
  record,
  said,
  spoken,
  text,
  toolCall,
} from './json-lines.js';
import type { Preset } from './preset.js';
import type { OutputReader, Reading } from './reading.js';

const TOOLS = 'Bash,Edit,Write,Read,Glob,Grep';

export const claude: Preset = {
  program: 'claude',
  identity: [
    'claude',
    '-p',
    '--output-format',
    'stream-json',
    '--verbose',
    '--permission-mode',
    'acceptEdits',
  ],
  arguments: ({ model, variant }) => [
    ...['-p', '--output-format', 'stream-json', '--verbose', '--include-partial-messages'],
    // No CLAUDE.md, hooks, skills, plugins and MCP servers of the person; no tools but these, and those unasked.
    ...['--safe-mode', '--strict-mcp-config', '--no-session-persistence', '--tools', TOOLS],
    ...['--permission-mode', 'acceptEdits', '--allowedTools', TOOLS],
    ...(model === undefined ? [] : ['--model', model]),
    ...(variant === undefined ? [] : ['--effort', variant]),
  ],
  environment: ({ state }) => ({
    // On macOS the login is in the keychain, below a name that depends on this folder.
    ...(process.platform === 'darwin' ? {} : { CLAUDE_CONFIG_DIR: state }),
    // Ten by default, which takes three minutes; what is hopeless is ended at the first.
    CLAUDE_CODE_MAX_RETRIES: '4',
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
    // `@path` in a prompt would be replaced by the file, wherever it lies.
    CLAUDE_CODE_DISABLE_ATTACHMENTS: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  }),
  reportsCost: true,
  provider: 'anthropic',
  prefixes: ['anthropic/'],
  state: {
    folder: '.claude',
    variable: 'CLAUDE_CONFIG_DIR',
    credentials: [{ path: '.credentials.json' }],
    settings: [
      { path: 'settings.json', keep: (settings) => only(LOGIN_SETTINGS, settings) },
      { path: '.claude.json', from: ['.claude.json', '../.claude.json'], keep: (all) => only(ACCOUNT, all) },
    ],
  },
  reader: claudeReader,
  skips: { start: '{"type":"stream_event"', has: '"content_block_delta"' },
};

/** Login and address of the provider; not instructions or permissions of the agent. */
const LOGIN_SETTINGS = [
  ...[
    'apiKeyHelper',
    'awsAuthRefresh',
    'awsCredentialExport',
    'env',
    'forceLoginMethod',
    'forceLoginOrgUUID',
  ],
];

const ACCOUNT = [
  'oauthAccount',
  'userID',
  'primaryApiKey',
  'customApiKeyResponses',
  'hasCompletedOnboarding',
];

/** Messages with their tokens as they come, retries, at the end a result with the cost. */
export function claudeReader(): OutputReader {
  const perMessage = new Map<string, Usage>();
  let current: string | undefined;
  const sum = (): Usage => [...perMessage.values()].reduce(addUsage, {});
  return jsonLines((event) => {
    switch (event.type) {
      case 'stream_event': {
        const inner = record(event.event);
        if (inner.type === 'message_start') {
          const message = record(inner.message);
          current = text(message.id);
          if (current !== undefined) perMessage.set(current, tokensOf(record(message.usage)));
          return { usage: sum() };
        }
        if (inner.type !== 'message_delta' || current === undefined) return {};
        // The tokens of the answer are only known at its end.
        const output = count(record(inner.usage).output_tokens);
        perMessage.set(current, { ...perMessage.get(current), tokensOut: output });
        return { usage: sum() };
      }
      case 'assistant':
        return assistant(event);
      case 'user': {
        const results = list(record(event.message).content).filter((part) => part.type === 'tool_result');
        return { ended: results.flatMap((part) => text(part.tool_use_id) ?? []) };
      }
      case 'system':
        return event.subtype === 'api_retry' ? retry(event) : {};
      case 'result':
        return result(event);
      default:
        return {};
    }
  });

  function assistant(event: Json): Reading {
    const message = record(event.message);
    const id = text(message.id);
    const tokens = tokensOf(record(message.usage));
    const known = id === undefined ? undefined : perMessage.get(id);
    // One message comes in several events; each has the tokens of its beginning.
    if (id !== undefined && (known?.tokensOut ?? 0) <= (tokens.tokensOut ?? 0)) perMessage.set(id, tokens);
    const parts = list(message.content);
    const spokenText = parts
      .flatMap((part) => (part.type === 'text' ? (text(part.text) ?? []) : []))
      .join('\n');
    // Made by the program itself out of an error of the API.
    const isSynthetic = message.model === '<synthetic>';
    const own = event.parent_tool_use_id === null || event.parent_tool_use_id === undefined;
    return {
      usage: sum(),
      ...said(parts.map(partLine).filter(Boolean).join(' ')),
      began: parts.flatMap((part) => (isTool(part) ? (text(part.id) ?? []) : [])),
      ...(own && !isSynthetic && spokenText !== '' ? { words: spokenText } : {}),
    };
  }
}

function retry(event: Json): Reading {
  const status = isCount(event.error_status) ? { status: event.error_status } : {};
  const wait = isCount(event.retry_delay_ms) ? { waitMs: event.retry_delay_ms } : {};
  const why = text(event.error) ?? 'the provider failed';
  return { say: `retry: ${why}`, retry: { text: why, ...status, ...wait } };
}

function result(event: Json): Reading {
  // `usage` leaves sub-agents out and is empty after some errors; `modelUsage` has everything.
  const models = Object.values(record(event.modelUsage)).map(record);
  const sum = (field: string): number => models.reduce((total, one) => total + count(one[field]), 0);
  const usage =
    models.length === 0
      ? tokensOf(record(event.usage))
      : {
          tokensIn: sum('inputTokens') + sum('cacheCreationInputTokens'),
          tokensOut: sum('outputTokens'),
          tokensCached: sum('cacheReadInputTokens'),
        };
  const cost = isCount(event.total_cost_usd) ? { costUsd: event.total_cost_usd } : {};
  const words = text(event.result);
  const isFailed = event.is_error === true || (text(event.subtype) ?? 'success') !== 'success';
  if (!isFailed) return { usage: { ...usage, ...cost }, ...spoken(words) };
  const errors = Array.isArray(event.errors) ? event.errors.filter((one) => typeof one === 'string') : [];
  const why = words ?? [text(event.subtype), ...errors].filter(Boolean).join(': ');
  const status = isCount(event.api_error_status) ? { status: event.api_error_status } : {};
  // An answer without any content: its stream was cut off.
  const isCut = event.subtype === 'error_during_execution' && why.includes('last_content_type=none');
  const error = {
    text: why || 'the agent failed',
    ...status,
    ...(isCut ? { kind: 'unavailable' as const } : {}),
  };
  return { usage: { ...usage, ...cost }, ...said(why), error };
}

function tokensOf(usage: Json): Usage {
  return {
    tokensIn: count(usage.input_tokens) + count(usage.cache_creation_input_tokens),
    tokensOut: count(usage.output_tokens),
    tokensCached: count(usage.cache_read_input_tokens),
  };
}

/** A sub-agent is heard itself. */
function isTool({ type, name }: Json): boolean {
  return type === 'tool_use' && name !== 'Agent' && name !== 'Task';
}

function partLine(part: Json): string {
  if (part.type === 'text') return text(part.text) ?? '';
  return part.type === 'tool_use' ? toolCall(text(part.name), record(part.input)) : '';
}
