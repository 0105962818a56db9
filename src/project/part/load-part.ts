/**
 * Reads some features of a project whose other features are known to be up to date. What concerns the whole project comes from
 * the last complete build. Returns undefined where that is not enough: then the build reads the whole project.
 */

import { listSome } from '../../io/git/walk.js';
import { isSameJson } from '../../model/digest.js';
import type { Diagnostic } from '../../model/failure.js';
import type { FeatureLock } from '../../model/feature-lock.js';
import { Ownership } from '../../model/paths/ownership.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Feature, Task } from '../../model/task.js';
import type { Entry, Files, Listing, ObjectId } from '../../model/tree.js';
import { loadSpecs } from '../../specs/load.js';
import { parseLock } from '../../specs/lock-file.js';
import type { ParseCache } from '../../specs/parse.js';
import type { LastBuild } from '../clone-records.js';
import { readLocks } from '../lock-files.js';
import type { Project, ProjectRest } from '../project.js';
import type { ProjectSource } from '../project-source.js';
import { readRules } from '../read-rules.js';
import { lockedRecords, type RecordedOutputs } from '../recorded-outputs.js';

export interface WantedPart {
  readonly snapshot: ObjectId;
  /** Features to read: with all that they need, and all that depends on what changed. */
  readonly features: ReadonlySet<string>;
  /** Where their specs are. */
  readonly specs: readonly string[];
  /** Spec files and lock files of the others. */
  readonly left: ReadonlySet<string>;
  /** Their lock files that are not as the last build left them. */
  readonly changedLocks: readonly string[];
  /** Changed files. All of them must be outputs of these features, or the whole project is read. */
  readonly outputs: readonly string[];
  readonly rest: ProjectRest;
  /** The warnings of all specs, as the last build found them. */
  readonly warnings: readonly Diagnostic[];
  /** What people wrote, as the last build had it. */
  readonly handWrittenTree: ObjectId;
  readonly last: LastBuild;
  /** The person's index, which shows the same files as at the last build. */
  readonly person: string;
}

export async function loadPart(source: ProjectSource, wanted: WantedPart): Promise<Project | undefined> {
  const { repository, objects, config, memory } = source;
  const { snapshot, last, person, rest } = wanted;
  const handWritten = await memory.listHandWork(objects, wanted.handWrittenTree);
  if (!handWritten || wanted.outputs.some((path) => handWritten.get(path) !== undefined)) return undefined;
  const written = handWritten.with(await specFiles(source, wanted));
  const read = (ids: readonly ObjectId[]) => objects.readMany(ids);
  // Reading the cache of all specs takes longer than parsing a few of them.
  const parsed = await memory.parsedInMemory();
  const cache: ParseCache = { get: (id) => parsed?.get(id), set: () => {} };
  const asWritten = { listing: written, read, cache, arePathsKnown: true };
  const specs = await loadSpecs(asWritten, config);
  // After a mistake or a new warning the whole project is read: then all of them are reported, in their usual order.
  if (!specs.ok || !specs.value.warnings.every((one) => isSaid(one, wanted.warnings))) return undefined;
  const { features, graph } = specs.value;
  if (features.length !== wanted.features.size) return undefined;
  if (!features.every((feature) => isPlain(feature, wanted.features, written))) return undefined;
  // The outputs of other features are left out: no task of these features reads or writes them.
  const listing = written.with(await listSome(objects, snapshot, outputPlaces(graph.tasks.values())));

  const locks = await readLocks({ repository, objects, listing, memory, features, isPart: true });
  if (!locks.ok || ![...locks.value.values()].every(isWhole)) return undefined;
  const ownership = new Ownership(graph.tasks.values());
  const isOwned = (path: string) => ownership.ownerOf(path) !== undefined;
  const former = await formerLocks(source, wanted);
  if (!former) return undefined;
  const outputs = lockedRecords([...locks.value.values(), ...former]);
  const recorded = only(outputs.recorded, isOwned);
  if (!wanted.outputs.every((path) => recorded.has(path))) return undefined;
  return {
    ...{ repository, objects, config, snapshot, listing },
    features: new Map(features.map((feature) => [feature.name, feature])),
    graph,
    locks: locks.value,
    ownership,
    handWritten,
    handWrittenTree: wanted.handWrittenTree,
    rules: await readRules(repository, objects, handWritten),
    owned: ownedFiles(listing, ownership),
    recorded,
    built: only(outputs.built, isOwned),
    named: last.named,
    shared: { shown: last.shown, person },
    large: [],
    warnings: wanted.warnings,
    // A project with edited, patched or claimed files, or with open choices of records, is never read in parts.
    edited: new Map(),
    claimed: new Map(),
    patched: new Map(),
    mayBePatched: false,
    mixed: new Set(),
    choices: new Map(),
    rest,
  };
}

/** The specs of the part, with all documents that they may name. The folder of a spec of one file is that of all specs. */
async function specFiles(
  { objects }: ProjectSource,
  { snapshot, specs, left }: WantedPart,
): Promise<Map<string, Entry>> {
  const folders = new Set(specs.map((path) => path.slice(0, path.lastIndexOf('/') + 1)));
  const files = await listSome(objects, snapshot, { paths: [], folders });
  for (const path of left) files.delete(path);
  return files;
}

function outputPlaces(tasks: Iterable<Task>): { readonly paths: string[]; readonly folders: string[] } {
  const all = [...tasks].flatMap(({ outputs }) => patternSet(outputs).includes);
  return {
    paths: all.flatMap(({ isGlob, prefix }) => (isGlob ? [] : [prefix])),
    folders: all.flatMap(({ isGlob, prefix }) => (isGlob ? [prefix] : [])),
  };
}

/** The changed lock files as the last build left them; undefined where one of them cannot be read. */
async function formerLocks(
  { objects }: ProjectSource,
  { changedLocks, last }: WantedPart,
): Promise<FeatureLock[] | undefined> {
  const locks: FeatureLock[] = [];
  for (const path of changedLocks) {
    const text = (await objects.read(`${last.tree}:${path}`))?.toString('utf8');
    const lock = text === undefined ? undefined : parseLock(text, path);
    if (!lock?.ok || !isWhole(lock.value)) return undefined;
    locks.push(lock.value);
  }
  return locks;
}

function isSaid(one: Diagnostic, said: readonly Diagnostic[]): boolean {
  return said.some((other) => isSameJson(other, one));
}

function isPlain({ name, lockFile, foreach }: Feature, wanted: ReadonlySet<string>, listing: Listing) {
  return wanted.has(name) && foreach === undefined && listing.get(lockFile) !== undefined;
}

function isWhole({ hasMarkers, isLost, tasks }: FeatureLock): boolean {
  return !hasMarkers && !isLost && Object.values(tasks).every(({ edits, unmerged }) => !edits && !unmerged);
}

function only(records: RecordedOutputs, keeps: (path: string) => boolean): RecordedOutputs {
  return new Map([...records].filter(([path]) => keeps(path)));
}

function ownedFiles(listing: Listing, ownership: Ownership): ReadonlyMap<string, Files> {
  const owned = new Map<string, Map<string, Entry>>();
  for (const [path, entry] of listing.files) {
    const owner = ownership.ownerOf(path);
    if (owner === undefined) continue;
    const files = owned.get(owner);
    if (files) files.set(path, entry);
    else owned.set(owner, new Map([[path, entry]]));
  }
  return owned;
}
