/** Parses and checks documents, in the threads of the pool or, for a few documents, inline. */

import type { Diagnostic } from '../../model/failure.js';
import {
  locator,
  parseYaml,
  type SchemaName,
  type SchemaProblem,
  validateSchema,
} from '../document/document.js';

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

/** What became of one document. `value` is absent when it is no YAML. */
export interface ParsedDocument {
  readonly id: string;
  readonly file: string;
  readonly value?: unknown;
  /** Everything that is wrong, placed. Empty: valid. */
  readonly diagnostics: readonly Diagnostic[];
  /** The same findings of the schema with their paths; empty when it is no YAML. */
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

async function parseOne({ id, file, text, schema, lineOffset = 0 }: SourceDocument): Promise<ParsedDocument> {
  const parsed = await parseYaml(text, file, lineOffset);
  if (!parsed.ok) return { id, file, diagnostics: parsed.error, problems: [] };
  const problems = await validateSchema(schema, parsed.value);
  if (problems.length === 0) return { id, file, value: parsed.value, diagnostics: [], problems };
  const place = await locator(text, lineOffset);
  const diagnostics = problems.map(({ path, key, message, hint }) => ({
    file,
    ...place(path, key),
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
  return { id, file, value: parsed.value, diagnostics, problems };
}
