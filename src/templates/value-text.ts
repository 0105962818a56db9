/**
 * Converts values of variables from text of a command line, and back. Knows what a schema demands, but does not check
 * it.
 */

import type { Json } from '../model/task.js';
import { isFields, parseFields } from './formats.js';

type Schema = Readonly<Record<string, unknown>>;

export interface ReadText {
  readonly value: Json;
  /** What could not be read; the value then lacks it. */
  readonly problems: readonly string[];
}

/**
 * What a text means where the schema asks for something else than text. A text that cannot be what is asked for stays a
 * text: the schema then says so.
 */
export function valueOfText(text: string, schema: Schema): ReadText {
  const trimmed = text.trim();
  for (const type of typesOf(schema)) {
    if (type === 'string') break;
    if (type === 'boolean' && /^(?:true|yes|false|no)$/i.test(trimmed)) return read(/^[ty]/i.test(trimmed));
    if (
      (type === 'number' || type === 'integer') &&
      /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(trimmed)
    ) {
      return read(Number(trimmed));
    }
    if (type === 'null' && trimmed === 'null') return read(null);
    if (type === 'object' && trimmed.startsWith('{')) return readJson(trimmed);
    if (type === 'array' && trimmed.startsWith('[')) return readJson(trimmed);
    if (type === 'array') return isFields(schema) ? readFields(text) : readList(text, schema);
  }
  return read(text);
}

/** A value as `--set` takes it. */
export function textOfValue(value: Json): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' && !/[,[]|^\s|\s$/.test(one))) {
    return value.join(',');
  }
  if (Array.isArray(value) && value.length > 0 && value.every(isField)) return value.map(fieldText).join(',');
  return JSON.stringify(value);
}

function read(value: Json): ReadText {
  return { value, problems: [] };
}

function readFields(text: string): ReadText {
  const { fields, problems } = parseFields(text);
  return { value: fields.map((field) => ({ ...field })), problems };
}

function readList(text: string, schema: Schema): ReadText {
  const items = (schema.items ?? {}) as Schema;
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => valueOfText(entry, items));
  return {
    value: entries.map(({ value }) => value),
    problems: entries.flatMap(({ problems }) => problems),
  };
}

function readJson(text: string): ReadText {
  try {
    return read(JSON.parse(text) as Json);
  } catch (error) {
    return { value: [], problems: [`is no JSON: ${(error as Error).message}`] };
  }
}

/** The types that a schema allows; where it lists values, those of the values. */
function typesOf(schema: Schema): readonly string[] {
  if (schema.type !== undefined) return [schema.type].flat().map(String);
  if (!Array.isArray(schema.enum)) return ['string'];
  const types = new Set(schema.enum.map((one) => (one === null ? 'null' : typeof one)));
  // Text last: every text is one.
  return [...types].sort((a, b) => Number(a === 'string') - Number(b === 'string'));
}

const FIELD_KEYS = ['name', 'type', 'required', 'values'];

/** Whether it is a field with nothing beyond what its text can say. */
function isField(value: Json): boolean {
  if (value === null || typeof value !== 'object') return false;
  const keys = Object.keys(value);
  return (
    FIELD_KEYS.slice(0, 3).every((key) => keys.includes(key)) && keys.every((key) => FIELD_KEYS.includes(key))
  );
}

function fieldText(value: Json): string {
  const { name, type, required, values } = value as {
    readonly [key: string]: Json;
  };
  const kind = Array.isArray(values) ? values.join('|') : type;
  return `${String(name)}:${String(kind)}${required === true ? '!' : ''}`;
}
