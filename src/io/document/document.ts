/** YAML documents: values, their places, and schema findings. The adapter of yaml and ajv; knows no spec. */

import type { LineCounter, Node, Pair, Scalar } from 'yaml';
import { err, ok, type Result } from '../../base/result.js';
import type { Diagnostic } from '../../model/failure.js';
import { composeDocument, isComposable, type KeyPath, MAX_ALIASES, MAX_DEPTH } from './compose.js';
import { plainYaml } from './plain-yaml.js';
import { composeReadable } from './salvage.js';
import { type RefusedValue, type SchemaProblem, schemaProblems } from './schema-message.js';
import type { SchemaName } from './schemas.js';

export type { KeyPath } from './compose.js';
export type { SchemaProblem } from './schema-message.js';
export type { SchemaName } from './schemas.js';

/** A place in a text; line and column count from 1, `length` is the number of columns to mark. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly length: number;
  readonly sourceLine: string;
}

export interface LocateOptions {
  /** The place of the key instead of its value's. */
  readonly key?: boolean;
  /** Lines of the file above the first line of the text (front matter). */
  readonly lineOffset?: number;
}

/** Bytes of a document; more is refused unread. */
export const MAX_DOCUMENT_BYTES = 1_000_000;
/** Errors of one broken document that are worth reading. */
const MAX_ERRORS = 20;

/**
 * The value of a YAML document as plain JSON, or every error of it with its place. Duplicate keys, tags, several
 * documents, alias bombs, numbers that JSON does not have and documents over `MAX_DOCUMENT_BYTES` are refused.
 */
export async function parseYaml(
  text: string,
  file: string,
  lineOffset = 0,
): Promise<Result<unknown, Diagnostic[]>> {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_DOCUMENT_BYTES) {
    return err([{ file, message: `is ${bytes} bytes long; the limit is ${MAX_DOCUMENT_BYTES}` }]);
  }
  const plain = plainYaml(text);
  return plain === undefined ? parseWholeYaml(text, file, lineOffset) : ok(plain);
}

/** As `parseYaml`, of every text with the whole parser. */
export async function parseWholeYaml(
  text: string,
  file: string,
  lineOffset: number,
): Promise<Result<unknown, Diagnostic[]>> {
  const yaml = await import('./yaml.js');
  const lines = new yaml.LineCounter();
  const at = (from: number, to: number, message: string, hint?: string): Diagnostic => ({
    file,
    ...placeOf({ text, lines, lineOffset }, from, to),
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  try {
    const document = composeDocument(yaml, text, lines);
    if (typeof document === 'number') {
      return err([at(document, document + 1, `is nested more than ${MAX_DEPTH} levels deep`)]);
    }
    const found = [...document.errors, ...document.warnings].slice(0, MAX_ERRORS);
    if (found.length > 0) {
      return err(found.map((one) => at(one.pos[0], one.pos[1], yamlMessage(one.code, one.message))));
    }
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    const odd: Diagnostic[] = [];
    yaml.visit(document, {
      Scalar(_key, node, above) {
        const misread = misreadValue(node, above);
        if (misread !== undefined && node.range) {
          const hint = `put it in quotes (\`"${node.source}"\`), or write \`${misread}\``;
          odd.push(
            at(node.range[0], node.range[1], `YAML reads this as ${misread}, not as it is written`, hint),
          );
        } else if (typeof node.value === 'number' && !Number.isFinite(node.value) && node.range) {
          odd.push(
            at(node.range[0], node.range[1], 'is not a number that can be stored', 'put it in quotes'),
          );
        }
      },
    });
    return odd.length > 0 ? err(odd) : ok(value ?? null);
  } catch (error) {
    // Thrown for aliases only: unknown, circular or too many.
    const { message } = error as Error;
    const name = /alias.*: (\S+)$/i.exec(message)?.[1];
    const from = name === undefined ? 0 : Math.max(0, text.indexOf(`*${name}`));
    return err([at(from, from + (name?.length ?? 0) + 1, `cannot be read: ${message}`)]);
  }
}

/** Whether the text is YAML for other programs, which allow more than `parseYaml`. */
export async function isYaml(text: string): Promise<boolean> {
  return isComposable(await import('./yaml.js'), text);
}

/** Keys whose values are put into texts. */
const VALUE_KEYS = new Set(['with', 'vars', 'foreach']);

/** What YAML makes of a plain scalar that would be put into a text as something else than stands in the file. */
function misreadValue(node: Scalar, above: readonly unknown[]): string | undefined {
  const { type, source, value } = node;
  if (type !== 'PLAIN' || (typeof value !== 'number' && typeof value !== 'boolean')) return undefined;
  if (source === undefined || String(value) === source || !Number.isFinite(Number(value))) return undefined;
  const isValue = above.some((one) => {
    const key = (one as Partial<Pair>).key as Partial<Scalar> | undefined;
    return typeof key?.value === 'string' && VALUE_KEYS.has(key.value);
  });
  return isValue ? String(value) : undefined;
}

/** The place of a value (or of its key) in a YAML text; when the path leads nowhere, of what is nearest above it. */
export async function locate(text: string, path: KeyPath, options: LocateOptions = {}): Promise<Place> {
  return (await locator(text, options.lineOffset))(path, options.key);
}

/** As `locate`, for many paths of one text: it is parsed once. */
export async function locator(
  text: string,
  lineOffset = 0,
): Promise<(path: KeyPath, key?: boolean) => Place> {
  const yaml = await import('./yaml.js');
  const lines = new yaml.LineCounter();
  // What cannot be read has one place: its beginning.
  const document = composeReadable(yaml, text, lines)?.document;
  return (path, key = false) => {
    let node = document?.contents as Node | null | undefined;
    let pair: Pair | undefined;
    for (const part of path) {
      if (yaml.isAlias(node) && document) node = node.resolve(document);
      let next: Node | null | undefined;
      if (yaml.isMap(node)) {
        const found = node.items.find(
          (one) => yaml.isScalar(one.key) && String(one.key.value) === String(part),
        );
        if (!found) break;
        pair = found as Pair;
        next = found.value as Node | null;
      } else if (yaml.isSeq(node) && typeof part === 'number' && part < node.items.length) {
        pair = undefined;
        next = node.items[part] as Node;
      } else break;
      node = next ?? (pair?.key as Node);
    }
    const shown = key && pair ? (pair.key as Node) : node;
    const range = shown?.range ?? [0, 0, 0];
    return placeOf({ text, lines, lineOffset }, range[0], range[1]);
  };
}

/** Everything that the schema refuses in the value; empty when it is valid. */
export async function validateSchema(schema: SchemaName, value: unknown): Promise<SchemaProblem[]> {
  const validate = await validator(schema);
  return schemaProblems(validate(value), value);
}

type Validate = (value: unknown) => readonly RefusedValue[];
const validators = new Map<SchemaName, Promise<Validate>>();

function validator(name: SchemaName): Promise<Validate> {
  let made = validators.get(name);
  if (!made) {
    made = compileSchema(name);
    validators.set(name, made);
  }
  return made;
}

async function compileSchema(name: SchemaName): Promise<Validate> {
  const { compiledSchema } = await import('./compiled-schema.js');
  const validate = await compiledSchema(name);
  return (value) => (validate(value) ? [] : ((validate.errors ?? []) as readonly RefusedValue[]));
}

function placeOf(
  {
    text,
    lines,
    lineOffset,
  }: { readonly text: string; readonly lines: LineCounter; readonly lineOffset: number },
  from: number,
  to: number,
): Place {
  const { line, col } = lines.linePos(Math.min(from, text.length));
  const start = lines.lineStarts[line - 1] ?? 0;
  const end = text.indexOf('\n', start);
  const sourceLine = text.slice(start, end < 0 ? text.length : end).replace(/\r$/, '');
  const column = Math.max(1, col);
  const length = Math.max(1, Math.min(to - from, sourceLine.length - column + 1));
  return { line: Math.max(1, line) + lineOffset, column, length, sourceLine };
}

function yamlMessage(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'the same key is used twice in one mapping';
  if (code === 'TAG_RESOLVE_FAILED') return `tags are not supported: ${message}`;
  if (code === 'MULTIPLE_DOCS') return 'a second YAML document starts here; only one is allowed';
  if (code === 'TAB_AS_INDENT') return 'a tab is used as indentation; YAML requires spaces';
  return message.charAt(0).toLowerCase() + message.slice(1);
}
