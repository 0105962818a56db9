/** An agent's log as entries: the JSON lines that the OpenCode driver writes, or plain output of any other program. */

import type { TranscriptEntry, TranscriptView } from '../../model/page.js';

const MAX_ENTRIES = 2000;
const MAX_TEXT = 20_000;

type Line = Readonly<Record<string, unknown>>;

/** `log` names the file for people. Of a very long one, the first entries and the last ones are kept. */
export function transcriptView(log: string, attempt: number, text: string): TranscriptView {
  const entries: TranscriptEntry[] = [];
  let plain: string[] = [];
  const endPlain = () => {
    const joined = plain.join('\n').trimEnd();
    if (joined.trim() !== '') entries.push({ kind: 'output', text: cut(joined) });
    plain = [];
  };
  for (const line of text.split('\n')) {
    const entry = line.startsWith('{"') ? transcriptEntry(line) : undefined;
    if (!entry) {
      plain.push(line);
      continue;
    }
    endPlain();
    entries.push(entry);
  }
  endPlain();
  const omitted = Math.max(0, entries.length - MAX_ENTRIES);
  const half = MAX_ENTRIES / 2;
  const shown = omitted === 0 ? entries : [...entries.slice(0, half), ...entries.slice(-half)];
  return { log, attempt, entries: shown, omitted };
}

/** One line of a transcript; undefined when it is none. */
export function transcriptEntry(line: string): TranscriptEntry | undefined {
  let value: Line;
  try {
    value = JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
  const word = (key: string) => (typeof value[key] === 'string' ? cut(value[key]) : undefined);
  switch (value.type) {
    case 'prompt':
    case 'text':
    case 'reasoning':
      return { kind: value.type, ...given({ text: word('text') }) };
    case 'tool': {
      const input = value.input === undefined ? undefined : cut(inputText(value.input));
      return {
        kind: 'tool',
        ...given({
          name: word('tool'),
          status: word('status'),
          input,
          text: word('output') ?? word('error'),
        }),
      };
    }
    case 'step': {
      const tokens = tokensOf(value.tokens);
      const cost = typeof value.cost === 'number' ? value.cost : undefined;
      return { kind: 'step', ...given({ status: word('reason'), tokens, costUsd: cost }) };
    }
    case 'message': {
      const error = value.error === undefined ? undefined : cut(inputText(value.error));
      return { kind: 'message', ...given({ name: word('model'), status: word('finish'), text: error }) };
    }
    case 'compaction':
      return { kind: 'incident', text: 'the session was compacted' };
    case 'incident':
      return { kind: 'incident', ...given({ text: word('text') }) };
    default:
      return undefined;
  }
}

/** Without the keys that have no value. */
function given<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
}

/** What a tool was called with: the one text of it, or all of it. */
function inputText(input: unknown): string {
  if (typeof input === 'string') return input;
  const entries = input !== null && typeof input === 'object' ? Object.entries(input) : [];
  if (entries.length === 0) return JSON.stringify(input);
  return entries
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');
}

function tokensOf(value: unknown): TranscriptEntry['tokens'] {
  if (value === null || typeof value !== 'object') return undefined;
  const { input, output, cache } = value as { input?: unknown; output?: unknown; cache?: { read?: unknown } };
  const count = (one: unknown) => (typeof one === 'number' ? one : 0);
  return { in: count(input), out: count(output), cached: count(cache?.read) };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT
    ? text
    : `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} more characters)`;
}
