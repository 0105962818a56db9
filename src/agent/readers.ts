/** What the output of the usual coding agents says about their use, their errors and their doings. Starts nothing. */

import type { Usage } from '../model/action.js';
import { addUsage, isCount } from './usage.js';

/** What one line of output says. */
export interface Reading {
  /** The running total of the attempt as far as it is known. */
  readonly usage?: Usage;
  /** What to show a person instead of the line; absent for a line that is of no interest. */
  readonly say?: string;
  /** The agent says that it failed, whatever its exit code will be. */
  readonly error?: string;
}

/** Reads the lines of one attempt, in order; keeps what it has to remember between them. */
export type OutputReader = (line: string) => Reading;

export const plainReader = (): OutputReader => (line) => ({ say: line });

/** `claude -p --output-format stream-json --verbose`: messages with their tokens, at the end a result with the cost. */
export function claudeReader(): OutputReader {
  const perMessage = new Map<string, Usage>();
  return jsonLines((event) => {
    if (event.type === 'assistant') {
      const message = record(event.message);
      const id = text(message.id);
      // One message comes in several events, each with the usage of the whole.
      if (id !== undefined) perMessage.set(id, claudeTokens(record(message.usage)));
      const usage = [...perMessage.values()].reduce(addUsage, {});
      return { usage, ...said(list(message.content).map(claudePart).filter(Boolean).join(' ')) };
    }
    if (event.type !== 'result') return {};
    const tokens = event.usage === undefined ? {} : claudeTokens(record(event.usage));
    const cost = isCount(event.total_cost_usd) ? { costUsd: event.total_cost_usd } : {};
    const failed = event.is_error === true || (text(event.subtype) ?? 'success') !== 'success';
    const words = text(event.result) ?? text(event.subtype) ?? 'the agent failed';
    return { usage: { ...tokens, ...cost }, ...said(words), ...(failed ? { error: words } : {}) };
  });
}

function claudeTokens(usage: Json): Usage {
  return {
    tokensIn: count(usage.input_tokens) + count(usage.cache_creation_input_tokens),
    tokensOut: count(usage.output_tokens),
    tokensCached: count(usage.cache_read_input_tokens),
  };
}

function claudePart(part: Json): string {
  if (part.type === 'text') return text(part.text) ?? '';
  return part.type === 'tool_use' ? toolCall(text(part.name), record(part.input)) : '';
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
      return { error: text(record(event.error).message) ?? 'the turn failed' };
    }
    // `error` events also tell of retries that may still succeed: shown, and only `turn.failed` decides.
    if (event.type === 'error') return said(text(event.message));
    const item = record(event.item);
    if (event.type === 'item.started' && item.type === 'command_execution') return said(text(item.command));
    if (event.type === 'item.completed' && item.type === 'agent_message') return said(text(item.text));
    return {};
  });
}

/** `gemini --output-format stream-json`: messages and tools, at the end a result with the tokens, no costs. */
export function geminiReader(): OutputReader {
  return jsonLines((event) => {
    if (event.type === 'message' && event.role === 'assistant') return said(text(event.content));
    if (event.type === 'tool_use') return said(toolCall(text(event.tool_name), record(event.parameters)));
    if (event.type === 'error') return said(text(event.message));
    if (event.type !== 'result') return {};
    const stats = record(event.stats);
    const cached = count(stats.cached);
    const usage = {
      tokensIn: Math.max(0, count(stats.input_tokens) - cached),
      tokensOut: count(stats.output_tokens),
      tokensCached: cached,
    };
    const error = text(record(event.error).message) ?? 'the agent failed';
    return { usage, ...(event.status === 'error' ? { error } : {}) };
  });
}

/** `opencode run --format json`: parts as they are done; each step ends with its own cost and tokens. */
export function opencodeReader(): OutputReader {
  let total: Usage = {};
  return jsonLines((event) => {
    const part = record(event.part);
    if (event.type === 'text') return said(text(part.text));
    if (event.type === 'tool_use') return said(toolCall(text(part.tool), record(record(part.state).input)));
    if (event.type === 'error') {
      const error = record(event.error);
      return { error: text(record(error.data).message) ?? text(error.name) ?? 'the agent failed' };
    }
    if (event.type !== 'step_finish') return {};
    const tokens = record(part.tokens);
    const cache = record(tokens.cache);
    total = addUsage(total, {
      ...(isCount(part.cost) ? { costUsd: part.cost } : {}),
      tokensIn: count(tokens.input) + count(cache.write),
      tokensOut: count(tokens.output) + count(tokens.reasoning),
      tokensCached: count(cache.read),
    });
    return { usage: total };
  });
}

const AIDER = /^(?:> )?Tokens: ([\d.,]+)([kM]?) sent,.*?([\d.,]+)([kM]?) received\.(.*)$/;

/** aider: text; after each exchange a line with its tokens (rounded) and, for known models, the cost so far. */
export function aiderReader(): OutputReader {
  let total: Usage = {};
  return (line) => {
    const match = AIDER.exec(line.trim());
    if (!match) return said(line);
    total = addUsage(total, {
      tokensIn: rounded(match[1], match[2]),
      tokensOut: rounded(match[3], match[4]),
    });
    const cost = /\$([\d.]+) session/.exec(match[5] ?? '')?.[1];
    if (cost !== undefined) total = { ...total, costUsd: Number(cost) };
    return { usage: total, say: line };
  };
}

function rounded(digits: string | undefined, unit: string | undefined): number {
  const scale = unit === 'M' ? 1_000_000 : unit === 'k' ? 1000 : 1;
  return Math.round(Number((digits ?? '0').replaceAll(',', '')) * scale);
}

type Json = Record<string, unknown>;

/** An event longer than this is given up. */
const MAX_EVENT = 8_000_000;

/**
 * Reads one JSON object a line. Long lines arrive in pieces, so what begins like an object and is none yet waits for
 * the rest. Other lines (warnings, stack traces) are shown as they are.
 */
function jsonLines(read: (event: Json) => Reading): OutputReader {
  let pending = '';
  return (line) => {
    const whole = parseObject(line);
    if (whole) {
      pending = '';
      return read(whole);
    }
    if (pending === '' && !line.startsWith('{')) return said(line);
    pending += line;
    const event = line.endsWith('}') ? parseObject(pending) : undefined;
    if (event || pending.length > MAX_EVENT) pending = '';
    return event ? read(event) : {};
  };
}

function parseObject(line: string): Json | undefined {
  if (!line.startsWith('{') || !line.endsWith('}')) return undefined;
  try {
    return record(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function toolCall(name: string | undefined, input: Json): string {
  const [first] = Object.values(input).filter((value) => typeof value === 'string');
  return [name, first].filter(Boolean).join(' ');
}

/** The first line that is not empty. */
function said(words: string | undefined): { say?: string } {
  const line = words?.split('\n').find((one) => one.trim() !== '');
  return line === undefined ? {} : { say: line };
}

function record(value: unknown): Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function count(value: unknown): number {
  return isCount(value) ? value : 0;
}
