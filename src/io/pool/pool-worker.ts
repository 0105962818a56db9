/** Parses and checks documents, in the threads of the pool or, for a few documents, inline. */

import type { Diagnostic } from '../../model/failure.js';
import {
  type KeyPath,
  locator,
  MAX_DOCUMENT_BYTES,
  parseYaml,
  type SchemaName,
  type SchemaProblem,
  validateSchema,
} from '../document/document.js';
import { plainYaml } from '../document/plain-yaml.js';
import { salvageYaml } from '../document/salvage.js';

/** A document to parse and to check. */
export interface SourceDocument {
  /** Given back with the outcome; of no meaning here. */
  readonly id: string;
  /** Named in diagnostics. */
  readonly file: string;
  readonly text: string;
  readonly schema: SchemaName;
  /** Lines of the file above the text. */
  readonly lineOffset?: number;
}

/** What became of one document. `value` is absent when nothing of it can be read. */
export interface ParsedDocument {
  readonly id: string;
  readonly file: string;
  readonly value?: unknown;
  /** Everything that is wrong, placed. Empty: valid. */
  readonly diagnostics: readonly Diagnostic[];
  /** The findings of the schema with their paths, and the parts that are no YAML. */
  readonly problems: readonly SchemaProblem[];
}

/** One outcome per document, in order. Plain data in, plain data out. */
export default async function parseDocuments(
  documents: readonly SourceDocument[],
): Promise<ParsedDocument[]> {
  const outcomes: ParsedDocument[] = [];
  for (const document of documents) outcomes.push(await parseOne(document));
  return outcomes;
}

/** The outcome of a document that is plain and valid, which costs less than its way to a thread; undefined of any other. */
export async function parsePlain({
  id,
  file,
  text,
  schema,
}: SourceDocument): Promise<ParsedDocument | undefined> {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) return undefined;
  const value = plainYaml(text);
  if (value === undefined || (await validateSchema(schema, value)).length > 0) return undefined;
  return { id, file, value, diagnostics: [], problems: [] };
}

async function parseOne({ id, file, text, schema, lineOffset = 0 }: SourceDocument): Promise<ParsedDocument> {
  const parsed = await parseYaml(text, file, lineOffset);
  if (!parsed.ok) return parseSalvaged({ id, file, text, schema, lineOffset }, parsed.error);
  const problems = await validateSchema(schema, parsed.value);
  if (problems.length === 0) return { id, file, value: parsed.value, diagnostics: [], problems };
  const diagnostics = await placed({ file, text, lineOffset }, problems);
  return { id, file, value: parsed.value, diagnostics, problems };
}

/** A text with errors of YAML: beside them, what the schema finds in the parts that can be read. */
async function parseSalvaged(
  { id, file, text, schema, lineOffset = 0 }: SourceDocument,
  errors: readonly Diagnostic[],
): Promise<ParsedDocument> {
  const salvaged = Buffer.byteLength(text) > MAX_DOCUMENT_BYTES ? undefined : await salvageYaml(text);
  if (!salvaged) return { id, file, diagnostics: errors, problems: [] };
  const { value, broken, badAliases } = salvaged;
  const found = (await validateSchema(schema, value)).filter(
    ({ path, key }) =>
      !broken.some((part) => begins(path, part) || (!key && isSame(path, part.slice(0, -1)))),
  );
  const unread = broken.map((path) => ({ path, key: false, message: 'cannot be read' }));
  const aliases = badAliases.map((path) => ({ path, key: false, message: 'is an alias (`*`) of nothing' }));
  const told = await placed({ file, text, lineOffset }, [...found, ...aliases]);
  const diagnostics = [...errors, ...told];
  return { id, file, value, diagnostics, problems: [...found, ...unread] };
}

async function placed(
  { file, text, lineOffset = 0 }: Pick<SourceDocument, 'file' | 'text' | 'lineOffset'>,
  problems: readonly SchemaProblem[],
): Promise<Diagnostic[]> {
  const place = await locator(text, lineOffset);
  return problems.map(({ path, key, message, hint }) => ({
    file,
    ...place(path, key),
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
}

function begins(path: KeyPath, start: KeyPath): boolean {
  return start.every((part, at) => path[at] === part);
}

function isSame(a: KeyPath, b: KeyPath): boolean {
  return a.length === b.length && begins(a, b);
}
