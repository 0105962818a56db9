/** Parses spec files, with a cache by blob id. Does not know what they mean. */

import { type ParsedDocument, parseMany, type SourceDocument } from '../io/pool/thread-pool.js';
import type { Diagnostic } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import { splitFrontMatter } from './front-matter.js';
import { idsIn, type SpecFile } from './spec-files.js';

/** Raised when the kept form or what the schemas accept changes. */
const KEPT_FORM = 2;

export interface ParseCache {
  get(id: ObjectId): unknown | undefined;
  set(id: ObjectId, value: unknown): void;
}

export type ReadBlobs = (ids: readonly ObjectId[]) => Promise<Map<ObjectId, Buffer>>;

export interface ParsedSpec {
  readonly spec: SpecFile;
  /** As written, plain JSON; undefined when it could not be read at all. */
  readonly value: unknown;
  /** Below the front matter of a single-file spec. */
  readonly prose: string;
  readonly diagnostics: readonly Diagnostic[];
  /** Where values cannot be read, or are not of the form that the schema demands (unknown keys are no such place). */
  readonly broken: readonly (readonly (string | number)[])[];
  /** What stands behind `id:` anywhere in a text with errors: tasks that its value may lack. */
  readonly ids?: readonly string[];
}

interface Kept {
  readonly form: number;
  readonly kind: string;
  readonly value: unknown;
  readonly prose?: string;
}

/** One sentence for a file in which git left both sides of a merge, instead of what a YAML parser makes of the marks. */
function conflictMarker(text: string): Omit<Diagnostic, 'file'> | undefined {
  const lines = text.split(/\r?\n/);
  const at = lines.findIndex((line) => line.startsWith('<<<<<<< '));
  if (at < 0 || !lines.some((line, i) => i > at && line.startsWith('>>>>>>> '))) return undefined;
  const sourceLine = lines[at] ?? '';
  return {
    line: at + 1,
    column: 1,
    sourceLine,
    length: sourceLine.length,
    message: 'has the conflict markers of a merge',
    hint: 'decide what the file should say, remove the marked lines, then build again',
  };
}

/** All specs, in order. Only valid ones are kept, so that mistakes are found again with their places. */
export async function parseSpecs(
  files: readonly SpecFile[],
  read: ReadBlobs,
  cache: ParseCache,
): Promise<ParsedSpec[]> {
  const parsed = new Map<string, ParsedSpec>();
  const unknown: SpecFile[] = [];
  for (const spec of files) {
    const kept = keptValue(cache.get(spec.id), spec.kind);
    if (kept) parsed.set(spec.file, sound(spec, kept.value, kept.prose ?? ''));
    else unknown.push(spec);
  }
  const blobs = unknown.length > 0 ? await read([...new Set(unknown.map(({ id }) => id))]) : new Map();
  const documents: SourceDocument[] = [];
  const waiting: { spec: SpecFile; prose: string; text: string }[] = [];
  for (const spec of unknown) {
    const refuse = (diagnostic: Omit<Diagnostic, 'file'>) => {
      const diagnostics = [{ file: spec.file, ...diagnostic }];
      parsed.set(spec.file, { spec, value: undefined, prose: '', diagnostics, broken: [] });
    };
    const text = decode(blobs.get(spec.id));
    if (text === undefined) {
      refuse({ message: 'is not UTF-8 text' });
      continue;
    }
    const conflict = conflictMarker(text);
    if (conflict) {
      refuse(conflict);
      continue;
    }
    const document = { id: spec.id, file: spec.file, schema: spec.kind };
    if (spec.kind === 'backlog') {
      documents.push({ ...document, text });
      waiting.push({ spec, prose: '', text });
      continue;
    }
    const { front, prose, lineOffset, isOpen } = splitFrontMatter(text);
    if (front === undefined) {
      const sourceLine = text.split(/\r?\n/, 1)[0] ?? '';
      const message = isOpen ? 'the front matter is not closed' : 'has no front matter';
      const hint = isOpen
        ? 'close it with a line `---`'
        : 'start the file with `---`, the keys of the task, and `---`';
      refuse({ line: 1, column: 1, sourceLine, length: Math.max(1, sourceLine.length), message, hint });
      continue;
    }
    documents.push({ ...document, text: front, lineOffset });
    waiting.push({ spec, prose, text: front });
  }
  const outcomes = await parseMany(documents);
  for (const [i, { spec, prose, text }] of waiting.entries()) {
    const outcome = outcomes[i] as ParsedDocument;
    parsed.set(spec.file, {
      spec,
      value: outcome.value,
      prose,
      diagnostics: outcome.diagnostics,
      broken: outcome.problems.filter(({ key }) => !key).map(({ path }) => path),
      ...(outcome.diagnostics.length === 0 ? {} : { ids: idsIn(text) }),
    });
    if (outcome.diagnostics.length === 0) {
      const kept: Kept = { form: KEPT_FORM, kind: spec.kind, value: outcome.value, ...(prose && { prose }) };
      cache.set(spec.id, kept);
    }
  }
  return files.map(({ file }) => parsed.get(file) as ParsedSpec);
}

/** Texts of documents by blob id, kept like specs. What is not UTF-8 is left out. */
export async function readTexts(
  ids: Iterable<ObjectId>,
  read: ReadBlobs,
  cache: ParseCache,
): Promise<Map<ObjectId, string>> {
  const texts = new Map<ObjectId, string>();
  const unknown: ObjectId[] = [];
  for (const id of new Set(ids)) {
    const kept = keptValue(cache.get(id), 'text');
    if (typeof kept?.value === 'string') texts.set(id, kept.value);
    else unknown.push(id);
  }
  if (unknown.length === 0) return texts;
  for (const [id, blob] of await read(unknown)) {
    const text = decode(blob);
    if (text === undefined) continue;
    texts.set(id, text);
    const kept: Kept = { form: KEPT_FORM, kind: 'text', value: text };
    cache.set(id, kept);
  }
  return texts;
}

/**
 * The text of a blob, without a byte order mark and with LF as line ends: neither is what a person says, and a key must
 * not depend on it. Undefined when it is not UTF-8 or not there.
 */
export function decode(blob: Buffer | undefined): string | undefined {
  if (!blob) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(blob).replaceAll('\r\n', '\n');
  } catch {
    return undefined;
  }
}

function sound(spec: SpecFile, value: unknown, prose: string): ParsedSpec {
  return { spec, value, prose, diagnostics: [], broken: [] };
}

/** What was kept may come from an older conductor or be damaged: then it is not known. */
function keptValue(kept: unknown, kind: string): Kept | undefined {
  if (kept === null || typeof kept !== 'object') return undefined;
  const { form, kind: was, value, prose } = kept as Partial<Kept>;
  if (form !== KEPT_FORM || was !== kind || value === undefined) return undefined;
  return prose === undefined || typeof prose === 'string' ? (kept as Kept) : undefined;
}
