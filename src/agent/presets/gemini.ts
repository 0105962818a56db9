/** Gemini CLI without a terminal: its arguments, its variables and what its stream of events says. */

import { join } from 'node:path';
import type { ProviderProblem } from '../provider-problem.js';
import { count, jsonLines, record, said, text, toolCall } from './json-lines.js';
import type { Preset } from './preset.js';
import type { OutputReader, Reading } from './reading.js';

export const gemini: Preset = {
  program: 'gemini',
  identity: ['gemini', '--yolo', '--output-format', 'stream-json'],
  // Without a terminal it reads the prompt from standard input. No `-p`: it wants the prompt as its value.
  arguments: ({ model }) => [
    ...['--yolo', '--skip-trust', '--output-format', 'stream-json', '--extensions', 'none'],
    ...(model === undefined ? [] : ['--model', model]),
  ],
  environment: ({ state }) => ({ GEMINI_CLI_HOME: state, GEMINI_CLI_TRUST_WORKSPACE: 'true' }),
  reportsCost: false,
  provider: 'google',
  prefixes: ['google/', 'gemini/'],
  state: {
    folder: '.',
    variable: 'GEMINI_CLI_HOME',
    credentials: [
      'oauth_creds.json',
      'google_accounts.json',
      'gemini-credentials.json',
      'installation_id',
    ].map((file) => ({ path: join('.gemini', file) })),
    settings: [
      { path: join('.gemini', 'settings.json'), keep: keptSettings },
      { path: join('.gemini', '.env'), keep: (env) => env },
    ],
  },
  reader: geminiReader,
};

/** The chosen login; and two tries of a request: its own ten take four minutes. */
function keptSettings(settings: string | undefined): string {
  let auth: unknown;
  try {
    auth = record(record(JSON.parse(settings ?? '')).security).auth;
  } catch {
    // Settings with comments or none: a key in the environment is enough.
  }
  return JSON.stringify({
    general: { maxAttempts: 3, enableAutoUpdate: false, enableAutoUpdateNotification: false },
    privacy: { usageStatisticsEnabled: false },
    ...(auth === undefined ? {} : { security: { auth } }),
  });
}

const RETRY = /^Attempt \d+ failed with status (\d+)\. Retrying with backoff/;

/** Messages in pieces and tools, at the end a result with the tokens, no costs. */
export function geminiReader(): OutputReader {
  let message = '';
  /** Of the last try that failed: some results do not say it again. */
  let status: number | undefined;
  return jsonLines((event) => {
    if (event.type === 'message' && event.role === 'assistant') {
      message = event.delta === true ? message + (text(event.content) ?? '') : (text(event.content) ?? '');
      return { ...said(text(event.content)), ...(message.trim() === '' ? {} : { words: message }) };
    }
    if (event.type === 'tool_use') {
      message = '';
      return {
        ...said(toolCall(text(event.tool_name), record(event.parameters))),
        began: [text(event.tool_id) ?? ''],
      };
    }
    if (event.type === 'tool_result') return { ended: [text(event.tool_id) ?? ''] };
    if (event.type === 'error') return said(text(event.message));
    if (event.type !== 'result') return {};
    const stats = record(event.stats);
    const cached = count(stats.cached);
    const input = count(stats.input_tokens);
    const usage = {
      tokensIn: Math.max(0, input - cached),
      // `output_tokens` leaves thoughts out; the total has them.
      tokensOut: Math.max(count(stats.output_tokens), count(stats.total_tokens) - input),
      tokensCached: cached,
    };
    if (event.status !== 'error') return { usage };
    return { usage, error: problemOf(text(record(event.error).message) ?? 'the agent failed', status) };
  }, other);

  function other(line: string): Reading {
    const retry = RETRY.exec(line);
    if (!retry) return said(line);
    status = Number(retry[1]);
    // Google speaks of a quota when only this minute's is used up: the program's own tries decide.
    return { ...said(line), retry: { ...problemOf(line, status), kind: 'unavailable' } };
  }
}

const WAIT = /retry in ([\d.]+) ?(ms|s)\b/i;

/** `[API Error: {"error":{"code":401,"message":"…"}}]`, sometimes with JSON inside the JSON's message. */
function problemOf(message: string, known: number | undefined): ProviderProblem {
  const code = /"code":\s*(\d{3})/.exec(message)?.[1];
  const status = code === undefined ? known : Number(code);
  const inner = /\\?"message\\?":\s*\\?"((?:[^"\\]|\\.)*?)\\?"/.exec(message)?.[1];
  const wait = WAIT.exec(message);
  return {
    text: inner ?? message,
    ...(status === undefined ? {} : { status }),
    ...(wait ? { kind: 'unavailable', waitMs: Number(wait[1]) * (wait[2] === 'ms' ? 1 : 1000) } : {}),
  };
}
