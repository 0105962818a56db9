/**
 * The files of the analysis index: what the last complete build saw of each task. A small head, and a file with one part for each
 * feature, of which a build reads only the parts that it needs. A cache: if a file is missing, damaged or of another form, there is
 * no index, and every task is analysed.
 */

import { newRecord, ownValue } from '../../base/records/own-value.js';
import { areTexts, isObject, isText } from '../../io/document/json-object.js';
import { readText, writeAtomic } from '../../io/files.js';
import { type Digest, digestFields } from '../../model/digest.js';
import { LabelText } from '../../model/events/label-text.js';
import type { Diagnostic } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { isObjectId, type ObjectId } from '../../model/tree.js';
import { isCount, isPlace, Parts, type Place, readParts } from './index-parts.js';
import { amendedTables, type FeatureLines, type TablePlaces } from './index-tables.js';
import { tableText } from './path-table.js';

export interface IndexHead extends TablePlaces {
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

export interface FeaturePlace {
  readonly at: Place;
  /** What its lock file records of results (`resultLines`). Absent: only the lock file says it. */
  readonly results?: Place;
  readonly spec: string;
  readonly lock: string;
  readonly tasks: number;
  /** Other features whose tasks its tasks depend on. Absent: none. */
  readonly needs?: readonly string[];
  /** Documents that its tasks name and that are not in a folder of its own. Absent: none. */
  readonly reads?: readonly string[];
  /** Some task of it is an agent's. */
  readonly hasAgents?: true;
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
  /** Of its lines in the tables of paths. */
  readonly paths: Digest;
  /** What each task said (`wordsOf`). */
  readonly words: Readonly<Record<Label, Digest>>;
}

/** The head with the parts that were asked for. */
export interface AnalysisIndex {
  readonly head: IndexHead;
  readonly words: Readonly<Record<Label, Digest>>;
  /** By feature. */
  readonly shapes: ReadonlyMap<string, Digest>;
  /** By feature. */
  readonly paths: ReadonlyMap<string, Digest>;
}

export interface HandWork {
  /** The hand-written tree. */
  readonly tree: ObjectId;
  /** Of the files that tasks patch, as they are in keys. */
  readonly edited: Digest;
}

/** A feature as it is written into an index. */
export interface FeatureEntry
  extends Omit<FeaturePlace, 'at' | 'results'>,
    Omit<FeaturePart, 'paths'>,
    FeatureLines {
  readonly results?: string | undefined;
}

type GeneralPart = Omit<IndexHead, 'features' | 'order' | keyof TablePlaces>;

/** All that an index holds. */
export interface WholeIndex extends GeneralPart {
  readonly features: ReadonlyMap<string, FeatureEntry>;
  readonly order: LabelText;
}

/** What of an index has changed. */
export interface AmendedIndex extends GeneralPart {
  readonly features: ReadonlyMap<string, FeatureEntry>;
  /** Features that are gone. */
  readonly removed: ReadonlySet<string>;
  /** Absent: as before. */
  readonly order?: LabelText | undefined;
}

export const INDEX_FILE = 'analysis.json';

/** The first line says the form and the digest of the rest, so that a torn or edited file is never half believed. */
const FORM = 'conductor.analysis.5';
/** The file of parts may have this many bytes more than twice those in use. When it has more, it is replaced. */
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
  const wanted: string[] = [];
  const places: Place[] = [];
  for (const name of names ?? Object.keys(head.features)) {
    const place = ownValue(head.features, name);
    if (!place) continue;
    wanted.push(name);
    places.push(place.at);
  }
  const values = readParts(state, places)?.map(parsed);
  if (!values) return undefined;
  const words: Record<Label, Digest> = {};
  const shapes = new Map<string, Digest>();
  const paths = new Map<string, Digest>();
  for (const [i, part] of values.entries()) {
    if (!isPart(part)) return undefined;
    Object.assign(words, part.words);
    shapes.set(wanted[i] as string, part.shape);
    paths.set(wanted[i] as string, part.paths);
  }
  return { head, words, shapes, paths };
}

/** The labels of all tasks in an order of the graph: dependencies before dependents. */
export function readOrder(state: string, { order }: IndexHead): LabelText | undefined {
  const [text] = readParts(state, [order]) ?? [];
  return text === undefined ? undefined : LabelText.from(text);
}

export async function writeIndex(state: string, index: WholeIndex): Promise<void> {
  const { features, order, ...rest } = index;
  const parts = Parts.whole(state);
  const at = parts.add(order.text);
  const entries = [...features.values()];
  const owners = parts.add(tableText(entries.flatMap(({ owns }) => owns)));
  const readers = parts.add(tableText(entries.flatMap(({ looks }) => looks)));
  const rows = newRecord<FeaturePlace>();
  for (const [name, entry] of features) rows[name] = placed(entry, parts);
  await parts.write();
  await writeHead(state, { ...rest, features: rows, order: at, owners, readers });
}

/**
 * As `writeIndex`, where only these features may have changed. Adds their parts at the end of the file and changes no byte before:
 * the former head stays valid until the new one replaces it.
 */
export async function amendIndex(
  state: string,
  before: IndexHead,
  { features, removed, order, ...rest }: AmendedIndex,
): Promise<void> {
  const index = await readIndex(state, features.keys(), before);
  // A file of parts that is damaged leaves no index.
  if (!index) return;
  const parts = Parts.behind(state);
  const rows = Object.assign(newRecord<FeaturePlace>(), before.features);
  for (const name of removed) delete rows[name];
  const changed = new Set(removed);
  for (const [name, entry] of features) {
    rows[name] = placed(entry, parts);
    if (index.paths.get(name) !== pathsDigest(entry)) changed.add(name);
  }
  const head = {
    ...rest,
    features: rows,
    ...amendedTables(state, before, { parts, changed, lines: features }),
  };
  const at = order ? parts.add(order.text) : before.order;
  await parts.write();
  await writeHead(state, await compacted(state, { ...head, order: at }));
}

/** The head over a file of parts without those that are out of date, if they are the most of it. */
async function compacted(state: string, head: IndexHead): Promise<IndexHead> {
  const rows = Object.entries(head.features);
  const ofFeatures = rows.flatMap(([, { at, results }]) => (results ? [at, results] : [at]));
  const places = [head.order, head.owners, head.readers, ...ofFeatures];
  const used = places.reduce((sum, [, bytes]) => sum + bytes, 0);
  if (Parts.behind(state).end <= 2 * used + SPARE_BYTES) return head;
  const texts = readParts(state, places);
  if (!texts) return head;
  const parts = Parts.whole(state);
  const [order, owners, readers, ...others] = texts.map((text) => parts.add(text)) as [
    Place,
    Place,
    Place,
    ...Place[],
  ];
  const next = others.values();
  const features = rows.map(([name, row]) => {
    const at = next.next().value as Place;
    return [name, { ...row, at, ...(row.results && { results: next.next().value as Place }) }] as const;
  });
  await parts.write();
  return { ...head, order, owners, readers, features: Object.fromEntries(features) };
}

async function writeHead(state: string, head: IndexHead): Promise<void> {
  const content = JSON.stringify(head);
  await writeAtomic(`${state}/${INDEX_FILE}`, `${headOf(content)}\n${content}`);
}

function placed(entry: FeatureEntry, parts: Parts): FeaturePlace {
  const { shape, words, owns, looks, results, ...row } = entry;
  const part: FeaturePart = { shape, paths: pathsDigest({ owns, looks }), words };
  const at = parts.add(`${JSON.stringify(part)}\n`);
  return { ...row, at, ...(results === undefined ? {} : { results: parts.add(results) }) };
}

function pathsDigest({ owns, looks }: FeatureLines): Digest {
  return digestFields('conductor.feature-paths.1', [owns.join('\n'), looks.join('\n')]);
}

function headOf(content: string): string {
  return `${FORM} ${digestFields(FORM, [content])}`;
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
  const { shared, agents, noted, order, owners, readers, divisible } = value;
  return (
    isObjectId(value.tree) &&
    isObjectId(value.hand.tree) &&
    [shared, agents, value.hand.edited].every(isText) &&
    areTexts(noted) &&
    [order, owners, readers].every(isPlace) &&
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
  const { at, results = at, spec, lock, tasks, needs = [], reads = [] } = value;
  const isPlain = isPlace(at) && isPlace(results) && isText(spec) && isText(lock) && isCount(tasks);
  return isPlain && areTexts(needs) && areTexts(reads);
}

function isPart(value: unknown): value is FeaturePart {
  if (!isObject(value) || !isObject(value.words)) return false;
  return isText(value.shape) && isText(value.paths) && Object.values(value.words).every(isText);
}
