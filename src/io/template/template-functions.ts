/** The helpers of templates: cases, plurals, comparisons, lists. The adapter of change-case and pluralize. */

import { camelCase, capitalCase, constantCase, kebabCase, pascalCase, snakeCase } from 'change-case';
import pluralize from 'pluralize';

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

/** Empty lists count as false, as in `{{#if}}`. */
function holds(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** Called with the values that stand in the template; the options object of the engine is not among them. */
export type TemplateHelper = (...values: readonly unknown[]) => unknown;

/** `item 2` is `item2` and not `item_2`. */
const MERGED = { mergeAmbiguousCharacters: true } as const;

/** What they make of a value is part of what a template means: see `KEY_VERSION` before a change. */
export const TEMPLATE_HELPERS: Readonly<Record<string, TemplateHelper>> = {
  camelCase: (value) => camelCase(textOf(value), MERGED),
  pascalCase: (value) => pascalCase(textOf(value), MERGED),
  kebabCase: (value) => kebabCase(textOf(value)),
  snakeCase: (value) => snakeCase(textOf(value)),
  constantCase: (value) => constantCase(textOf(value)),
  titleCase: (value) => capitalCase(textOf(value)),
  plural: (value) => pluralize.plural(textOf(value)),
  singular: (value) => pluralize.singular(textOf(value)),
  lower: (value) => textOf(value).toLowerCase(),
  upper: (value) => textOf(value).toUpperCase(),
  /** JSON of the value; a second value is the number of spaces. */
  json: (value, spaces) => JSON.stringify(value, null, typeof spaces === 'number' ? spaces : undefined),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  and: (...values) => values.find((value) => !holds(value)) ?? values.at(-1),
  or: (...values) => values.find(holds) ?? values.at(-1),
  not: (value) => !holds(value),
  /** The entries of a list with a text between them (`, ` unless given). */
  join: (list, between) =>
    Array.isArray(list) ? list.map(textOf).join(typeof between === 'string' ? between : ', ') : textOf(list),
};
