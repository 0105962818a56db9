/**
 * The clone's own record of outputs (`published.json`): what conductor itself put into this working tree. The first line of the file
 * has all outputs, each line behind it what one build changed of them, and which lock files it kept with another content.
 */

import { isObject, isText } from '../../io/document/json-object.js';
import { syncFile } from '../../io/durable.js';
import { append, fileIdentity, readBytes, readText, writeAtomic } from '../../io/files.js';
import { type Digest, digestBytes } from '../../model/digest.js';

/** Entry words by path. */
export type OutputWords = Readonly<Record<string, string>>;

/** Entry words by path; null: there is no output any more, or a lock file is kept with another content. */
export type OutputChanges = Readonly<Record<string, string | null>>;

/** The record as a build left it. Later builds write behind it. */
export interface OutputsMark {
  /** The file (`fileIdentity`): a record that was written again can have the same length. */
  readonly file: string;
  readonly bytes: number;
  readonly digest: Digest;
}

/** The record, and what of it has changed since a mark. */
export interface MarkedOutputs {
  readonly outputs: OutputWords;
  readonly changed: ReadonlySet<string>;
}

export interface ReadOutputs {
  readonly outputs: OutputWords;
  /** Or there is none: what it does not say is not known. */
  readonly isDamaged: boolean;
}

/** Path to entry word of every output that conductor put into this working tree. */
export async function readPublished(state: string): Promise<OutputWords> {
  return (await readOutputs(state)).outputs;
}

export async function readOutputs(state: string): Promise<ReadOutputs> {
  return parsed(await publishedText(state));
}

/** The same record unread: equal texts say the same. */
export function publishedText(state: string): Promise<string | undefined> {
  return readText(publishedFile(state));
}

/** Lines that are damaged say nothing. */
export function parsePublished(text: string | undefined): OutputWords {
  return parsed(text).outputs;
}

/** What the record has of a path: any name may be one, also that of a method of every object. */
export function wordOf(outputs: OutputWords, path: string): string | undefined {
  return Object.hasOwn(outputs, path) ? outputs[path] : undefined;
}

/** What leads from one record, or from a part of one, to another. */
export function changesBetween(before: OutputWords, after: OutputWords): OutputChanges {
  const changes: [string, string | null][] = [];
  for (const [path, word] of Object.entries(after))
    if (wordOf(before, path) !== word) changes.push([path, word]);
  for (const path of Object.keys(before)) if (!Object.hasOwn(after, path)) changes.push([path, null]);
  return Object.fromEntries(changes);
}

export async function writePublished(state: string, outputs: OutputWords): Promise<void> {
  await writeAtomic(publishedFile(state), JSON.stringify(outputs));
}

/** Bytes of changes that the record may have beside as many as its first line has. */
const SPARE_BYTES = 10_000;

/** Adds a line with the changes, or writes a record of one line if it is damaged or if most of it would be changes. */
export async function changePublished(
  state: string,
  changes: OutputChanges,
  isDamaged = false,
): Promise<void> {
  if (Object.keys(changes).length === 0 && !isDamaged) return;
  const text = (await publishedText(state)) ?? '';
  const line = `\n${JSON.stringify(changes)}`;
  const first = text.indexOf('\n') < 0 ? text.length : text.indexOf('\n');
  if (isDamaged || text.length + line.length > 2 * first + SPARE_BYTES) {
    await writePublished(state, changed(parsePublished(text), changes));
  } else {
    await append(publishedFile(state), line);
    await syncFile(publishedFile(state));
  }
}

/** Undefined: there is no record. */
export async function markPublished(state: string): Promise<OutputsMark | undefined> {
  const file = fileIdentity(publishedFile(state));
  const bytes = await readBytes(publishedFile(state));
  return file === undefined || !bytes ? undefined : { file, bytes: bytes.length, digest: digestBytes(bytes) };
}

/** Whether nobody has written the record since then, with one stat. */
export function isAsMarked(state: string, mark: OutputsMark | undefined): boolean {
  return mark !== undefined && fileIdentity(publishedFile(state)) === mark.file;
}

/** Undefined where the record of then is not a part of that of today, or where today's is damaged. */
export async function readPublishedSince(
  state: string,
  mark: OutputsMark | undefined,
): Promise<MarkedOutputs | undefined> {
  const bytes = mark && (await readBytes(publishedFile(state)));
  if (!bytes || digestBytes(bytes.subarray(0, mark.bytes)) !== mark.digest) return undefined;
  const { outputs, isDamaged } = parsed(bytes.toString('utf8'));
  if (isDamaged) return undefined;
  const added = bytes.toString('utf8', mark.bytes).split('\n').slice(1);
  return { outputs, changed: new Set(added.flatMap((line) => Object.keys(parsedLine(line) ?? {}))) };
}

export function publishedFile(state: string): string {
  return `${state}/published.json`;
}

function parsed(text: string | undefined): ReadOutputs {
  const [whole, ...lines] = text?.split('\n').map(parsedLine) ?? [];
  const first = Object.entries(whole ?? {});
  const isWhole = first.every(([, word]) => isText(word));
  // Nearly always all of them have the form. There are as many entries as outputs, so they are not copied then.
  const outputs = isWhole ? (whole ?? {}) : Object.fromEntries(first.filter(([, word]) => isText(word)));
  for (const line of lines) changed(outputs, line ?? {});
  const isDamaged = !isWhole || whole === undefined || lines.includes(undefined);
  return { outputs: outputs as OutputWords, isDamaged };
}

/** Changes `outputs` itself. */
function changed(outputs: Record<string, unknown>, changes: Record<string, unknown>): OutputWords {
  for (const [path, word] of Object.entries(changes)) {
    if (isText(word)) outputs[path] = word;
    else delete outputs[path];
  }
  return outputs as OutputWords;
}

function parsedLine(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
