/** Turns findings of a schema check into sentences for people. Knows the form of ajv's errors, but not ajv. */

import { nearest } from '../../base/nearest.js';
import { ownValue } from '../../base/records/own-value.js';

/** One thing that a schema refuses. */
export interface SchemaProblem {
  /** Keys and list positions from the top of the document. */
  readonly path: readonly (string | number)[];
  /** The key itself is wrong, not its value. */
  readonly key: boolean;
  readonly message: string;
  readonly hint?: string;
}

/** What is used of an error object of ajv (with `verbose`). */
export interface RefusedValue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string | undefined;
  readonly data?: unknown;
  readonly parentSchema?: Readonly<Record<string, unknown>> | undefined;
  /** Set when a key is checked like a value. */
  readonly propertyName?: string | undefined;
}

/** Says what is wrong with a text, as the end of a sentence (`is a reserved word`); undefined when nothing is. */
export type FormatCheck = (text: string) => string | undefined;

/**
 * The findings in words. `root` is the whole document, needed to tell list positions from keys; `formats` say what is
 * wrong with a text of their format.
 */
export function schemaProblems(
  errors: readonly RefusedValue[],
  root: unknown,
  formats: Readonly<Record<string, FormatCheck>> = {},
): SchemaProblem[] {
  // That a branch was taken, or a key refused, says nothing by itself: the finding stands beside it.
  return errors
    .filter(({ keyword, propertyName }) => keyword !== 'if' && propertyName === undefined)
    .map((error) => schemaProblem(error, root, formats));
}

function schemaProblem(
  error: RefusedValue,
  root: unknown,
  formats: Readonly<Record<string, FormatCheck>>,
): SchemaProblem {
  const path = pointerPath(error.instancePath, root);
  const what = nameOf(path);
  const say = (message: string, hint?: string): SchemaProblem => ({
    path,
    key: false,
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  const { params, parentSchema } = error;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      const known = Object.keys((parentSchema?.properties ?? {}) as object).filter(
        (one) => one !== '$schema',
      );
      const meant = nearest(key, known);
      const hint = meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean \`${meant}\`?`;
      return { path: [...path, key], key: true, message: `\`${key}\` is not a known key`, hint };
    }
    case 'propertyNames': {
      const key = String(params.propertyName);
      const names = parentSchema?.propertyNames as { patternErrorMessage?: unknown } | undefined;
      const message = `\`${key}\` ${String(names?.patternErrorMessage ?? 'is no allowed key')}`;
      return { path: [...path, key], key: true, message };
    }
    case 'required':
      return say(`${what} has no \`${String(params.missingProperty)}\``);
    case 'type': {
      const wanted = [params.type].flat().map((type) => ownValue(KINDS, String(type)) ?? String(type));
      const hint =
        wanted.includes('a string') && /number|boolean/.test(typeof error.data)
          ? `write it in quotes: "${String(error.data)}"`
          : wanted.includes('a list') && typeof error.data === 'string'
            ? `write it as a list: [${JSON.stringify(error.data)}]`
            : undefined;
      return say(`${what} must be ${oneOf(wanted)}, not ${kindOf(error.data)}`, hint);
    }
    case 'enum': {
      const allowed = ((params.allowedValues ?? []) as unknown[]).map(String);
      const meant = nearest(String(error.data), allowed);
      return say(
        `${what} must be one of ${allowed.map((one) => `\`${one}\``).join(', ')}`,
        meant === undefined ? undefined : `did you mean \`${meant}\`?`,
      );
    }
    case 'const':
      return say(`${what} must be ${JSON.stringify(params.allowedValue)}`);
    case 'pattern':
      return say(
        `${what} ${String(parentSchema?.patternErrorMessage ?? `must match ${String(params.pattern)}`)}`,
      );
    case 'format': {
      const found = ownValue(formats, String(params.format))?.(String(error.data));
      return say(`${what} ${found ?? `is no ${String(params.format)}`}`);
    }
    case 'not': {
      const refused = (parentSchema?.not as { enum?: readonly unknown[] } | undefined)?.enum;
      if (refused === undefined) break;
      return say(`${what} must not be one of ${refused.map((one) => `\`${String(one)}\``).join(', ')}`);
    }
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      if (Number(params.limit) > 1) break;
      return say(`${what} is empty`);
    case 'uniqueItems':
      return {
        ...say(`${what} has the same entry twice`),
        path: [...path, Math.max(Number(params.i), Number(params.j))],
      };
    case 'minimum':
      return say(`${what} must be at least ${String(params.limit)}`);
    case 'exclusiveMinimum':
      return say(`${what} must be more than ${String(params.limit)}`);
  }
  return say(`${what} ${error.message ?? 'is not allowed'}`);
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  array: 'a list',
  object: 'a mapping of keys to values',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'empty',
};

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping of keys to values';
  return typeof value === 'boolean' ? `${value}` : `a ${typeof value}`;
}

function oneOf(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function nameOf(path: readonly (string | number)[]): string {
  const last = path.at(-1);
  if (last === undefined) return 'the document';
  if (typeof last === 'string') return `\`${last}\``;
  const list = path.at(-2);
  return list === undefined ? `entry ${last + 1}` : `entry ${last + 1} of \`${list}\``;
}

function pointerPath(pointer: string, root: unknown): (string | number)[] {
  const path: (string | number)[] = [];
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(key) : key);
    value = (value as Record<string, unknown> | null | undefined)?.[key];
  }
  return path;
}
