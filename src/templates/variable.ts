/** One variable of a template: text to a value by its schema, and what is wrong with a value. Knows no file. */

import { err, ok, type Result } from '../base/result.js';
import { compileValueSchema, type ValueCheck } from '../io/value-schema.js';
import type { VariableProblem } from '../model/failure.js';
import type { Json } from '../model/task.js';
import { FORMATS, fieldsSchema, isFields, parseFields, repeatedFields } from './formats.js';

type Schema = Readonly<Record<string, unknown>>;

/** As `template.yaml` declares it. */
export interface WrittenVariable {
  readonly description: string;
  readonly schema: Schema;
  readonly example?: Json;
  readonly ask?: boolean;
}

export interface TemplateVariable {
  readonly name: string;
  readonly description: string;
  readonly schema: Schema;
  /** In its final form; undefined: the variable must be given. */
  readonly default: Json | undefined;
  readonly example: Json | undefined;
  /** Whether a terminal is asked for it. */
  readonly ask: boolean;
  /** The value that a text or a value stands for, or everything that is wrong with it. */
  read(given: Json): Result<Json, VariableProblem[]>;
}

/** The variable, or why its schema is none. A default is not checked. */
export async function compileVariable(
  name: string,
  written: WrittenVariable,
): Promise<Result<TemplateVariable, string>> {
  const schema = fieldsSchema(written.schema);
  const check = await compileValueSchema(schema, FORMATS);
  if (!check.ok) return check;
  const read = (given: Json) => readValue(name, schema, check.value, given);
  const fallback = schema.default as Json | undefined;
  const value = fallback === undefined ? undefined : read(fallback);
  return ok({
    name,
    description: written.description,
    schema,
    default: value?.ok ? value.value : fallback,
    example: written.example,
    ask: written.ask ?? true,
    read,
  });
}

function readValue(
  variable: string,
  schema: Schema,
  check: ValueCheck,
  given: Json,
): Result<Json, VariableProblem[]> {
  const refuse = (messages: readonly { message: string; hint?: string }[]) =>
    err(messages.map((one): VariableProblem => ({ variable, ...one })));
  const coerced = typeof given === 'string' ? fromText(given, schema) : ok(given);
  if (!coerced.ok) return refuse(coerced.error.map((message) => ({ message })));
  const value = isFields(schema) ? withRequired(coerced.value) : coerced.value;
  const problems = check(value).map(({ path, message, hint }) => {
    const field = entryName(value, path);
    const text = message.replace(/^the document /, '');
    return {
      message: field === undefined ? text : `${field}: ${text}`,
      ...(hint === undefined ? {} : { hint }),
    };
  });
  const repeated = isFields(schema) && Array.isArray(value) ? repeatedFields(value) : [];
  problems.push(...repeated.map((name) => ({ message: `the field \`${name}\` stands there twice` })));
  return problems.length > 0 ? refuse(problems) : ok(value);
}

/** The field that a path leads into, by its name; the place in the list where it has none. */
function entryName(value: Json, [index]: readonly (string | number)[]): string | undefined {
  if (typeof index !== 'number' || !Array.isArray(value)) return undefined;
  const entry = value[index] as { name?: unknown } | null;
  return typeof entry?.name === 'string' ? `\`${entry.name}\`` : undefined;
}

function withRequired(value: Json): Json {
  if (!Array.isArray(value)) return value;
  return value.map((field: Json) =>
    field !== null && typeof field === 'object' && !Array.isArray(field)
      ? { required: false, ...field }
      : field,
  );
}

/**
 * What a text of a command line or a question means where the schema asks for something else than text. A text that
 * cannot be what is asked for stays a text: the schema then says so.
 */
export function fromText(text: string, schema: Schema): Result<Json, string[]> {
  const trimmed = text.trim();
  for (const type of typesOf(schema)) {
    if (type === 'string') return ok(text);
    if (type === 'boolean' && /^(?:true|yes|false|no)$/i.test(trimmed))
      return ok(/^(?:true|yes)$/i.test(trimmed));
    if (
      (type === 'number' || type === 'integer') &&
      /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(trimmed)
    ) {
      return ok(Number(trimmed));
    }
    if (type === 'null' && trimmed === 'null') return ok(null);
    if (type === 'object' && trimmed.startsWith('{')) return fromJson(trimmed);
    if (type === 'array') {
      if (trimmed.startsWith('[')) return fromJson(trimmed);
      return isFields(schema) ? (parseFields(text) as Result<Json, string[]>) : listFromText(text, schema);
    }
  }
  return ok(text);
}

function listFromText(text: string, schema: Schema): Result<Json, string[]> {
  const items = (schema.items ?? {}) as Schema;
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => fromText(entry, items));
  const wrong = entries.flatMap((entry) => (entry.ok ? [] : entry.error));
  if (wrong.length > 0) return err(wrong);
  return ok(entries.flatMap((entry) => (entry.ok ? [entry.value] : [])));
}

function fromJson(text: string): Result<Json, string[]> {
  try {
    return ok(JSON.parse(text) as Json);
  } catch (error) {
    return err([`is no JSON: ${(error as Error).message}`]);
  }
}

/** The types that a schema allows; where it lists values, those of the values. */
function typesOf(schema: Schema): readonly string[] {
  if (schema.type !== undefined) return [schema.type].flat().map(String);
  if (Array.isArray(schema.enum)) {
    const types = new Set(schema.enum.map((one) => (one === null ? 'null' : typeof one)));
    // Text last: every text is one.
    return [...types].sort((a, b) => Number(a === 'string') - Number(b === 'string'));
  }
  return ['string'];
}

/** A value as `--set` takes it. */
export function textOfValue(value: Json): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' && !/[,[]|^\s|\s$/.test(one))) {
    return value.join(',');
  }
  if (Array.isArray(value) && value.length > 0 && value.every(isField)) {
    return value
      .map((one) => {
        const { name, type, required, values } = one as {
          name: string;
          type: string;
          required: boolean;
          values?: string[];
        };
        return `${name}:${values?.join('|') ?? type}${required ? '!' : ''}`;
      })
      .join(',');
  }
  return JSON.stringify(value);
}

function isField(value: Json): boolean {
  if (value === null || typeof value !== 'object') return false;
  const keys = Object.keys(value);
  return (
    ['name', 'type', 'required'].every((key) => keys.includes(key)) &&
    keys.every((key) => FIELD_KEYS.has(key))
  );
}

const FIELD_KEYS = new Set(['name', 'type', 'required', 'values']);
