/**
 * The clone's own record of outputs (`published.json`): what conductor itself put into this working tree. Each build adds what it
 * changed of it, and which lock files it kept with another content.
 */

import { ChangedJson } from '../../base/sorted/changed-json.js';
import { objectIn } from '../../base/sorted/sorted-json.js';
import { isText } from '../../io/document/json-object.js';
import { syncFile } from '../../io/durable.js';
import { append, fileIdentity, readBytes, writeAtomic } from '../../io/files.js';
import { type Digest, digestFields } from '../../model/digest.js';

/** Entry words by path. */
export type OutputWords = ReadonlyMap<string, string>;

/** Entry words by path; null: there is no output any more, or a lock file is kept with another content. */
export type OutputChanges = ReadonlyMap<string, string | null>;

/** The record as a build left it. Later builds write behind it. */
export interface OutputsMark {
  /** The file (`fileIdentity`): a record that was written again can have the same length. */
  readonly file: string;
  readonly bytes: number;
  /** Of all lines. */
  readonly digest: Digest;
}

/** The record, and what of it has changed since a mark. */
export interface MarkedOutputs {
  readonly outputs: CloneOutputs;
  readonly changed: ReadonlySet<string>;
}

interface ReadRecord {
  readonly state: string;
  /** Undefined: there is no file. */
  readonly file: string | undefined;
  readonly bytes: number;
  readonly text: string;
  /** Of all lines, where they are known to be as a build left them. Absent: what each line says is checked. */
  readonly digest?: Digest;
}

/** The record as it was read. */
export class CloneOutputs {
  private readonly read: ReadRecord;
  private readonly json: ChangedJson<string>;

  constructor(read: ReadRecord) {
    this.read = read;
    this.json = new ChangedJson(read.text, isText);
  }

  /** The file (`fileIdentity`). */
  get file(): string | undefined {
    return this.read.file;
  }

  /** The entry word of an output that conductor put there. */
  get(path: string): string | undefined {
    return this.json.get(path);
  }

  /** Those of some paths. */
  of(paths: Iterable<string>): OutputWords {
    const words = new Map<string, string>();
    for (const path of paths) {
      const word = this.get(path);
      if (word !== undefined) words.set(path, word);
    }
    return words;
  }

  /** All of them. Damaged lines say nothing. */
  all(): OutputWords {
    return this.json.all();
  }

  /** Or there is none: what it does not say is not known. */
  get isDamaged(): boolean {
    return this.read.digest === undefined && !this.json.isSound;
  }

  /** Writes the changes. To be called once. Undefined: the next build reads everything. */
  async change(changes: OutputChanges): Promise<OutputsMark | undefined> {
    const { state, file } = this.read;
    if (fileIdentity(publishedFile(state)) === file) return this.write(changes);
    // Somebody has written it meanwhile.
    await (await readOutputs(state)).write(changes);
    return undefined;
  }

  private async write(changes: OutputChanges): Promise<OutputsMark | undefined> {
    const { isDamaged, json } = this;
    const { state, file, bytes, text, digest = digestOf(text) } = this.read;
    const target = publishedFile(state);
    if (changes.size === 0 && !isDamaged) return file === undefined ? undefined : { file, bytes, digest };
    const added = json.change(changes);
    // What is known to be as a build left it is parsed only now. If it is damaged all the same, another build finds out what is lost.
    if (isDamaged || (json.isLong && json.isSound)) {
      const whole = json.renewed();
      await writeAtomic(target, whole);
      return markOf(target, Buffer.byteLength(whole), digestOf(whole));
    }
    await append(target, added);
    const mark = markOf(target, bytes + Buffer.byteLength(added), digestAfter(digest, added.slice(1)));
    await syncFile(target);
    return json.isLong ? undefined : mark;
  }
}

export async function readOutputs(state: string): Promise<CloneOutputs> {
  // Before its content: of a file that is written meanwhile it says then that it is another one.
  const file = fileIdentity(publishedFile(state));
  const content = await readBytes(publishedFile(state));
  return new CloneOutputs({
    state,
    file,
    bytes: content?.length ?? 0,
    text: content?.toString('utf8') ?? '',
  });
}

/** What leads from one record, or from a part of one, to another. */
export function changesBetween(before: OutputWords, after: OutputWords): Map<string, string | null> {
  const changes = new Map<string, string | null>();
  for (const [path, word] of after) if (before.get(path) !== word) changes.set(path, word);
  for (const path of before.keys()) if (!after.has(path)) changes.set(path, null);
  return changes;
}

/** Whether nobody has written the record since it was this file (`fileIdentity`), with one stat. */
export function isOutputsFile(state: string, file: string | undefined): boolean {
  return file !== undefined && fileIdentity(publishedFile(state)) === file;
}

/**
 * Undefined where the record of then is not a part of that of today, or where today's is damaged. A file that nobody has written since
 * has what the build wrote: it is not looked at as a whole.
 */
export async function readPublishedSince(
  state: string,
  mark: OutputsMark | undefined,
): Promise<MarkedOutputs | undefined> {
  if (!mark) return undefined;
  const file = fileIdentity(publishedFile(state));
  const content = await readBytes(publishedFile(state));
  if (!content || content.length < mark.bytes) return undefined;
  const read = { state, file, bytes: content.length, text: content.toString('utf8') };
  if (file === mark.file)
    return { outputs: new CloneOutputs({ ...read, digest: mark.digest }), changed: new Set() };
  if (digestOf(content.toString('utf8', 0, mark.bytes)) !== mark.digest) return undefined;
  const [rest, ...lines] = content.toString('utf8', mark.bytes).split('\n');
  if (rest !== '') return undefined;
  const changes = lines.map(objectIn);
  if (changes.includes(undefined)) return undefined;
  const digest = lines.reduce(digestAfter, mark.digest);
  const changed = new Set(changes.flatMap((one) => Object.keys(one ?? {})));
  return { outputs: new CloneOutputs({ ...read, digest }), changed };
}

export function publishedFile(state: string): string {
  return `${state}/published.json`;
}

function markOf(target: string, bytes: number, digest: Digest): OutputsMark | undefined {
  const file = fileIdentity(target);
  return file === undefined ? undefined : { file, bytes, digest };
}

/** Line by line, so that what is added needs no look at what is before. */
function digestOf(text: string): Digest {
  return text.split('\n').reduce(digestAfter, '');
}

function digestAfter(before: Digest, line: string): Digest {
  return digestFields('conductor.outputs-line.1', [before, line]);
}
