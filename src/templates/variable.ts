/** One variable of a template: converts text by its schema, and reports what is wrong with a value. Knows no file. */

import { err, ok, type Result } from '../base/result.js';
import { isObject } from '../io/document/json-object.js';
import type { SchemaProblem } from '../io/document/schema-message.js';
import { compileValueSchema, type ValueCheck } from '../io/document/value-schema.js';
import type { VariableProblem } from '../model/failure.js';
import type { Json } from '../model/task.js';
import { FORMATS, fieldsSchema, isFields, repeatedFields } from './formats.js';
import { valueOfText } from './value-text.js';

type Schema = Readonly<Record<string, unknown>>;

/** As `template.yaml` declares it. */
export interface WrittenVariable {
  readonly description: string;
  readonly schema: Schema;
  readonly example?: Json;
  readonly ask?: boolean;
  readonly detect?: Readonly<Record<string, Json>>;
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
  /** Other defaults, by the package that a project depends on; the first that it has counts. */
  readonly detect: Readonly<Record<string, Json>>;
  /** The value of a text or value, or all problems with it. */
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
    detect: written.detect ?? {},
    read,
  });
}

function readValue(
  variable: string,
  schema: Schema,
  check: ValueCheck,
  given: Json,
): Result<Json, VariableProblem[]> {
  const text = typeof given === 'string' ? valueOfText(given, schema) : { value: given, problems: [] };
  const value = isFields(schema) ? withRequired(text.value) : text.value;
  // An empty rest says nothing that the problems do not say.
  const isLost = text.problems.length > 0 && Array.isArray(value) && value.length === 0;
  const repeated = isFields(schema) && Array.isArray(value) ? repeatedFields(value) : [];
  const problems: VariableProblem[] = [
    ...text.problems.map((message) => ({ variable, message })),
    ...(isLost ? [] : check(value)).map((found) => ({ variable, ...inWords(value, found) })),
    ...repeated.map((name) => ({ variable, message: `the field \`${name}\` appears twice` })),
  ];
  return problems.length > 0 ? err(problems) : ok(value);
}

/** The value itself is what the variable's name stands for; what is in a field begins with the field's name. */
function inWords(value: Json, { path, message, hint }: SchemaProblem): Omit<VariableProblem, 'variable'> {
  const field = fieldName(value, path);
  const said = message.replace(/^the document /, '');
  return {
    message: field === undefined ? said : `\`${field}\`: ${said}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

function fieldName(value: Json, [index]: readonly (string | number)[]): string | undefined {
  if (typeof index !== 'number' || !Array.isArray(value)) return undefined;
  const name = (value[index] as { name?: unknown } | null)?.name;
  return typeof name === 'string' ? name : undefined;
}

function withRequired(value: Json): Json {
  if (!Array.isArray(value)) return value;
  return value.map((field: Json) => (isObject(field) ? { required: false, ...field } : field));
}
