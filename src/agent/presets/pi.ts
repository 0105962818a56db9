/** pi without a terminal: its arguments, its variables and what its stream of events says. */

import type { Usage } from '../../model/action.js';
import type { ProviderProblem } from '../provider-problem.js';
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

export const pi: Preset = {
  program: 'pi',
  identity: ['pi', '--mode', 'json'],
  arguments: ({ model, variant }) => [
    ...['--mode', 'json', '--print', '--no-session', '--no-context-files', '--no-skills', '--no-extensions'],
    ...['--no-prompt-templates', '--no-themes'],
    ...(model === undefined ? [] : ['--model', model]),
    ...(variant === undefined ? [] : ['--thinking', variant]),
  ],
  environment: ({ state }) => ({ PI_CODING_AGENT_DIR: state, PI_OFFLINE: '1', PI_SKIP_VERSION_CHECK: '1' }),
  reportsCost: true,
  provider: 'pi',
  state: {
    folder: '.pi/agent',
    variable: 'PI_CODING_AGENT_DIR',
    credentials: [{ path: 'auth.json' }],
    settings: [
      // Providers and models of the person's own.
      { path: 'models.json', keep: (models) => models },
      { path: 'settings.json', keep: keptSettings },
    ],
  },
  reader: piReader,
  // Each of these has the whole message again: a file of 36 KB is 236 MB of them.
  skips: { start: '{"type":"message_update"' },
};

const MODEL_SETTINGS = ['defaultProvider', 'defaultModel', 'defaultThinkingLevel', 'transport'];

/** The library below it would wait for as long as a provider asks, an hour too, without a word. */
function keptSettings(settings: string | undefined): string {
  const kept = record(JSON.parse(only(MODEL_SETTINGS, settings) ?? '{}'));
  return JSON.stringify({ ...kept, retry: { provider: { maxRetries: 0 } } });
}

/** Messages as they end, each with its own tokens and cost; failures stand in them, and the exit code is 0. */
export function piReader(): OutputReader {
  let total: Usage = {};
  return jsonLines((event) => {
    switch (event.type) {
      case 'message_end': {
        const message = record(event.message);
        if (message.role !== 'assistant') return {};
        total = addUsage(total, usageOf(record(message.usage)));
        return { usage: total, ...ended(message) };
      }
      case 'tool_execution_start':
        return {
          ...said(toolCall(text(event.toolName), record(event.args))),
          began: [text(event.toolCallId) ?? ''],
        };
      case 'tool_execution_end':
        return { ended: [text(event.toolCallId) ?? ''] };
      case 'auto_retry_start': {
        const problem = problemOf(text(event.errorMessage) ?? 'the provider failed');
        const wait = isCount(event.delayMs) ? { waitMs: event.delayMs } : {};
        return { say: `retry: ${problem.text}`, retry: { ...problem, ...wait } };
      }
      case 'auto_retry_end':
        if (event.success === true) return { error: 'none' };
        return { error: problemOf(text(event.finalError) ?? 'the provider failed') };
      default:
        return {};
    }
  });
}

function ended(message: Json): Reading {
  const words = list(message.content).flatMap((part) =>
    part.type === 'text' ? (text(part.text) ?? []) : [],
  );
  if (message.stopReason === 'error' || message.stopReason === 'aborted') {
    const why = text(message.errorMessage) ?? `the model ended with ${message.stopReason}`;
    return { ...said(why), error: problemOf(why) };
  }
  if (message.stopReason === 'length') {
    return { ...spoken(words.join('\n')), error: { text: 'the answer was cut off at its longest length' } };
  }
  return { ...spoken(words.join('\n')), error: 'none' };
}

function usageOf(usage: Json): Usage {
  const cost = record(usage.cost).total;
  return {
    tokensIn: count(usage.input) + count(usage.cacheWrite),
    tokensOut: count(usage.output),
    tokensCached: count(usage.cacheRead),
    ...(isCount(cost) ? { costUsd: cost } : {}),
  };
}

/** `429 rate limited, slow down`. */
function problemOf(why: string): ProviderProblem {
  const status = /^(?:\w*error:? )?(\d{3})\b/i.exec(why)?.[1];
  return { text: why, ...(status === undefined ? {} : { status: Number(status) }) };
}
