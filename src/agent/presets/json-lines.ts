/** Output that is one JSON object a line: putting long lines together, and reading fields of unknown shape. */

import { isObject } from '../../io/document/json-object.js';
import { isCount } from '../usage.js';
import type { OutputReader, Reading } from './reading.js';

export type Json = Record<string, unknown>;

/** An event longer than this is given up. */
const MAX_EVENT = 8_000_000;

/**
 * Reads one JSON object a line. Long lines arrive in pieces, so what begins like an object and is none yet waits for
 * the rest. Other lines (warnings, stack traces) are shown as they are.
 */
export function jsonLines(
  read: (event: Json) => Reading,
  other: OutputReader = (line) => said(line),
): OutputReader {
  let pending = '';
  return (line, stream) => {
    const whole = stream === 'stderr' ? undefined : parseObject(line);
    if (whole) {
      pending = '';
      return read(whole);
    }
    if (stream === 'stderr' || (pending === '' && !line.startsWith('{'))) return other(line, stream);
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

export function toolCall(name: string | undefined, input: Json): string {
  const [first] = Object.values(input).filter((value) => typeof value === 'string');
  return [name, first].filter(Boolean).join(' ');
}

/** JSON text with some of the fields of another; undefined where it has none of them. */
export function only(names: readonly string[], json: string | undefined): string | undefined {
  try {
    const kept = Object.entries(record(JSON.parse(json ?? ''))).filter(([name]) => names.includes(name));
    return kept.length === 0 ? undefined : JSON.stringify(Object.fromEntries(kept));
  } catch {
    return undefined;
  }
}

/** The first line that is not empty. */
export function said(words: string | undefined): { say?: string } {
  const line = words?.split('\n').find((one) => one.trim() !== '');
  return line === undefined ? {} : { say: line };
}

/** The same for what the agent itself says. */
export function spoken(words: string | undefined): { say?: string; words?: string } {
  return words === undefined || words.trim() === '' ? {} : { ...said(words), words };
}

export function record(value: unknown): Json {
  return isObject(value) ? (value as Json) : {};
}

export function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(record) : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function count(value: unknown): number {
  return isCount(value) ? value : 0;
}
