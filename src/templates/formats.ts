/**
 * The formats of values that templates can demand beyond JSON Schema: names, paths, lists of fields. Knows no
 * template.
 */

import { isObject } from '../io/document/json-object.js';
import type { FormatCheck } from '../io/document/value-schema.js';
import { TEMPLATE_HELPERS } from '../io/template/template-functions.js';
import { parsePattern, patternProblem } from '../model/paths/pattern.js';

/** What generated code cannot call anything: words of JavaScript, and keys that every object has. */
const RESERVED = new Set(
  (
    'arguments async await break case catch class const constructor continue debugger default delete do else enum eval ' +
    'export extends false finally for function get if implements import in instanceof interface let new null of package ' +
    'private protected prototype public return set static super switch this throw true try typeof undefined var void ' +
    'while with yield __proto__ hasOwnProperty toString valueOf'
  ).split(' '),
);

/** The types of fields where a template does not say which it knows. */
const FIELD_TYPES = ['string', 'number', 'boolean'];

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  /** Of a field written `status:open|closed`, whose type is `enum`. */
  readonly values?: readonly string[];
}

/** Words that make an identifier in any case: `Invoice`, `order item`, `line_total`. */
function nameProblem(text: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9]*(?:[ _-][A-Za-z0-9]+)*$/.test(text)) {
    return `\`${text}\` is not a name: use letters and digits, start with a letter, and put one space, \`-\` or \`_\` between words`;
  }
  return RESERVED.has(text) || RESERVED.has(String(TEMPLATE_HELPERS.camelCase?.(text)))
    ? `\`${text}\` is a reserved word`
    : undefined;
}

function pathProblem(text: string): string | undefined {
  const problem = parsePattern(text).isGlob ? 'is a pattern' : patternProblem(text);
  return problem === undefined ? undefined : `\`${text}\` ${problem}; name a path inside the project`;
}

export const FORMATS: Readonly<Record<string, FormatCheck>> = {
  name: nameProblem,
  path: pathProblem,
  // Of lists; their entries are checked by `fieldsSchema`.
  fields: () => undefined,
};

type Schema = Readonly<Record<string, unknown>>;

/** A schema of `format: fields` with all that is true of every list of fields filled in; any other as it is. */
export function fieldsSchema(schema: Schema): Schema {
  if (!isFields(schema)) return schema;
  const items = asSchema(schema.items);
  const properties = {
    name: { type: 'string', format: 'name' },
    type: { enum: FIELD_TYPES },
    required: { type: 'boolean' },
    values: {
      type: 'array',
      items: { type: 'string', pattern: '^[A-Za-z0-9_-]+$' },
      minItems: 1,
      uniqueItems: true,
    },
    ...asSchema(items.properties),
  };
  return {
    ...schema,
    items: {
      type: 'object',
      additionalProperties: false,
      ...items,
      required: ['name', 'type', 'required'],
      properties,
    },
  };
}

export function isFields(schema: Schema): boolean {
  return schema.format === 'fields';
}

/**
 * `number:string!,status:open|closed` as fields: name and type, `!` for a required one, words between `|` for an `enum`;
 * and what is wrong with the entries that are none. Which names and types are allowed is not looked at.
 */
export function parseFields(text: string): { readonly fields: Field[]; readonly problems: string[] } {
  const fields: Field[] = [];
  const problems: string[] = [];
  for (const entry of text.split(',').map((one) => one.trim())) {
    if (entry === '') continue;
    const [, name = '', kind = '', sign] = /^([^:]*?)\s*:\s*([^:!]*?)\s*(!?)$/.exec(entry) ?? [];
    const required = sign === '!';
    if (name === '' || kind === '') {
      problems.push(
        `\`${entry}\` is not a field: write a name, a colon and a type, such as \`total:number!\``,
      );
    } else if (kind.includes('|')) {
      fields.push({ name, type: 'enum', values: kind.split('|').map((one) => one.trim()), required });
    } else fields.push({ name, type: kind, required });
  }
  return { fields, problems };
}

/** Names that stand twice in a list of fields, in whatever case. */
export function repeatedFields(fields: readonly unknown[]): string[] {
  const seen = new Set<unknown>();
  const repeated = new Set<string>();
  for (const field of fields) {
    const name = (field as Partial<Field> | null)?.name;
    if (typeof name !== 'string') continue;
    const one = TEMPLATE_HELPERS.camelCase?.(name);
    if (seen.has(one)) repeated.add(name);
    seen.add(one);
  }
  return [...repeated];
}

function asSchema(value: unknown): Schema {
  return isObject(value) ? (value as Schema) : {};
}
