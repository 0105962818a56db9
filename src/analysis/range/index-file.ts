/**
 * The files of the analysis index: what the last complete build saw of each task. A small head, and a file with one part for each
 * feature, of which a build reads only the parts that it needs. A cache: if a file is missing, damaged or of another form, there is
 * no index, and every task is analysed.
 */

import { areTexts, isObject, isText } from '../../io/document/json-object.js';
import { append, lookSync, readPartsSync, readText, writeAtomic } from '../../io/files.js';
import { type Digest, digestFields } from '../../model/digest.js';
import type { Diagnostic } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { isObjectId, type ObjectId } from '../../model/tree.js';

export interface IndexHead {
  /** The tree that the build left on disk. */
  readonly tree: ObjectId;
  /** What people had written, as the keys of that build have it. */
  readonly hand: HandWork;
  /** Of what is in the keys of all tasks; another one: the index says nothing. */
  readonly shared: Digest;
  /** Of what is in the keys of agents' tasks beside it. */
  readonly agents: Digest;
  /** Tasks of which something is said although they are up to date: they are analysed in every build. */
  readonly noted: readonly Label[];
  readonly features: Readonly<Record<string, FeaturePlace>>;
  /** All labels in the order of the graph. */
  readonly order: Place;
  /** What a build needs to know of features that it does not read. Absent: it has to read all of them. */
  readonly divisible?: Divisible;
}

/** A place in the file of parts, with the digest of its text. */
export type Place = readonly [from: number, bytes: number, digest: Digest];

export interface FeaturePlace {
  readonly at: Place;
  readonly spec: string;
  readonly lock: string;
  readonly tasks: number;
  /** Other features whose tasks its tasks depend on. Absent: none. */
  readonly needs?: readonly string[];
  /** Documents that its tasks name and that are not in a folder of its own. Absent: none. */
  readonly reads?: readonly string[];
}

export interface Divisible {
  /** Some task is an agent's. */
  readonly hasAgents: boolean;
  /** The warnings of all specs. A build repeats those of specs that it does not read. */
  readonly warnings: readonly Diagnostic[];
}

/** What is known of one feature's tasks. */
export interface FeaturePart {
  /** What connects them with other tasks (`shapeOf`). */
  readonly shape: Digest;
  /** What each task said (`wordsOf`). */
  readonly words: Readonly<Record<Label, Digest>>;
}

/** The head with the parts that were asked for. */
export interface AnalysisIndex {
  readonly head: IndexHead;
  readonly words: Readonly<Record<Label, Digest>>;
  /** By feature. */
  readonly shapes: ReadonlyMap<string, Digest>;
}

export interface HandWork {
  /** The hand-written tree. */
  readonly tree: ObjectId;
  /** Of the files that tasks patch, as they are in keys. */
  readonly edited: Digest;
}

/** A feature as it is written into an index. */
export type FeatureEntry = Omit<FeaturePlace, 'at'> & FeaturePart;

/** All that an index holds. */
export type WholeIndex = Omit<IndexHead, 'features' | 'order'> & {
  readonly features: ReadonlyMap<string, FeatureEntry>;
  readonly order: readonly Label[];
};

export const INDEX_FILE = 'analysis.json';
export const PARTS_FILE = 'analysis-parts.json';

/** The first line says the form and the digest of the rest, so that a torn or edited file is never half believed. */
const FORM = 'conductor.analysis.3';
/** The file of parts may have this many bytes more than twice those in use. When it has more, the next build replaces it. */
const SPARE_BYTES = 1_000_000;

export async function readHead(state: string): Promise<IndexHead | undefined> {
  const text = await readText(`${state}/${INDEX_FILE}`);
  const end = text?.indexOf('\n') ?? -1;
  if (text === undefined || end < 0) return undefined;
  const content = text.slice(end + 1);
  if (text.slice(0, end) !== headOf(content)) return undefined;
  const value = parsed(content);
  return isHead(value) ? value : undefined;
}

/** `names`: the features that matter; absent: all. `known`: the head, where it has been read. */
export async function readIndex(
  state: string,
  names?: Iterable<string>,
  known?: IndexHead,
): Promise<AnalysisIndex | undefined> {
  const head = known ?? (await readHead(state));
  if (!head) return undefined;
  const wanted = [...(names ?? Object.keys(head.features))].filter((name) => head.features[name]);
  const values = readPlaces(
    state,
    wanted.map((name) => (head.features[name] as FeaturePlace).at),
  );
  if (!values) return undefined;
  const words: Record<Label, Digest> = {};
  const shapes = new Map<string, Digest>();
  for (const [i, part] of values.entries()) {
    if (!isPart(part)) return undefined;
    Object.assign(words, part.words);
    shapes.set(wanted[i] as string, part.shape);
  }
  return { head, words, shapes };
}

/** The labels of all tasks in the order of the graph. */
export function readOrder(state: string, { order }: IndexHead): readonly Label[] | undefined {
  const [labels] = readPlaces(state, [order]) ?? [];
  return areTexts(labels) ? labels : undefined;
}

export async function writeIndex(state: string, index: WholeIndex): Promise<void> {
  const { features, order, ...rest } = index;
  const parts = new Parts(0);
  const at = parts.add(order);
  const rows: Record<string, FeaturePlace> = {};
  for (const [name, entry] of features) rows[name] = placed(entry, parts);
  await writeAtomic(`${state}/${PARTS_FILE}`, parts.text);
  await writeHead(state, { ...rest, features: rows, order: at });
}

/**
 * As `writeIndex`, where only these features may have changed. Adds their parts at the end of the file and changes no byte before:
 * the former head stays valid until the new one replaces it.
 */
export async function amendIndex(
  state: string,
  before: IndexHead,
  { features, ...rest }: Omit<WholeIndex, 'order'>,
): Promise<void> {
  const file = `${state}/${PARTS_FILE}`;
  const parts = new Parts(lookSync(file)?.size ?? 0);
  const rows: Record<string, FeaturePlace> = { ...before.features };
  for (const [name, entry] of features) rows[name] = placed(entry, parts);
  await append(file, parts.text);
  const used = Object.values(rows).reduce((sum, { at }) => sum + at[1], before.order[1]);
  const { divisible, ...others } = rest;
  // Without `divisible`, the next build reads everything and writes both files again.
  const isWasteful = parts.end > 2 * used + SPARE_BYTES;
  const kept = divisible && !isWasteful ? { divisible } : {};
  await writeHead(state, { ...others, ...kept, features: rows, order: before.order });
}

async function writeHead(state: string, head: IndexHead): Promise<void> {
  const content = JSON.stringify(head);
  await writeAtomic(`${state}/${INDEX_FILE}`, `${headOf(content)}\n${content}`);
}

function placed({ shape, words, ...row }: FeatureEntry, parts: Parts): FeaturePlace {
  return { ...row, at: parts.add({ shape, words } satisfies FeaturePart) };
}

/** The text that goes into the file of parts, and the place of each part in it. */
class Parts {
  private readonly texts: string[] = [];
  end: number;

  constructor(from: number) {
    this.end = from;
  }

  add(value: object): Place {
    const text = `${JSON.stringify(value)}\n`;
    const from = this.end;
    const bytes = Buffer.byteLength(text);
    this.texts.push(text);
    this.end += bytes;
    return [from, bytes, partDigest(text)];
  }

  get text(): string {
    return this.texts.join('');
  }
}

/** Undefined where one of them has another digest. */
function readPlaces(state: string, places: readonly Place[]): unknown[] | undefined {
  const ranges = places.map(([from, bytes]) => [from, bytes] as const);
  const texts = readPartsSync(`${state}/${PARTS_FILE}`, ranges);
  if (!texts?.every((text, i) => partDigest(text) === places[i]?.[2])) return undefined;
  return texts.map(parsed);
}

function headOf(content: string): string {
  return `${FORM} ${digestFields(FORM, [content])}`;
}

function partDigest(text: string): Digest {
  return digestFields('conductor.analysis-part.1', [text]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The digest of the file says that conductor wrote it; this says that it wrote it in this form. */
function isHead(value: unknown): value is IndexHead {
  if (!isObject(value) || !isObject(value.hand) || !isObject(value.features)) return false;
  const { shared, agents, noted, order, divisible } = value;
  return (
    isObjectId(value.tree) &&
    isObjectId(value.hand.tree) &&
    [shared, agents, value.hand.edited].every(isText) &&
    areTexts(noted) &&
    isPlace(order) &&
    (divisible === undefined || isDivisible(divisible)) &&
    Object.values(value.features).every(isFeaturePlace)
  );
}

function isDivisible(value: unknown): boolean {
  if (!isObject(value) || typeof value.hasAgents !== 'boolean' || !Array.isArray(value.warnings))
    return false;
  return value.warnings.every((one) => isObject(one) && isText(one.file) && isText(one.message));
}

function isFeaturePlace(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { at, spec, lock, tasks, needs = [], reads = [] } = value;
  const isPlain = isPlace(at) && isText(spec) && isText(lock) && isCount(tasks);
  return isPlain && areTexts(needs) && areTexts(reads);
}

function isPlace(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false;
  return value.slice(0, 2).every(isCount) && isText(value[2]);
}

function isPart(value: unknown): value is FeaturePart {
  if (!isObject(value) || !isObject(value.words)) return false;
  return isText(value.shape) && Object.values(value.words).every(isText);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
