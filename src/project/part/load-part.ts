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
import { type Entry, encodeEntry, type Files, type Listing, type ObjectId } from '../../model/tree.js';
import { loadSpecs } from '../../specs/load.js';
import { parseLock } from '../../specs/lock-file.js';
import type { ParseCache } from '../../specs/parse.js';
import type { LastBuild } from '../clone-records.js';
import { readLocks } from '../lock-files.js';
import type { MarkedOutputs } from '../outputs/clone-outputs.js';
import { type RecordedOutputs, someRecords } from '../outputs/recorded-outputs.js';
import type { Project, ProjectRest } from '../project.js';
import type { ProjectSource } from '../project-source.js';
import { readRules } from '../read-rules.js';

export interface WantedPart {
  readonly snapshot: ObjectId;
  /** Features to read: with all that they need, and all that depends on what changed. */
  readonly features: ReadonlySet<string>;
  /** Those of them that the last build did not know. */
  readonly added: { has(name: string): boolean };
  /** Where their specs are. */
  readonly specs: readonly string[];
  /** Spec files and lock files of the others. */
  readonly left: ReadonlySet<string>;
  /** Lock files that are not as the last build left them, those of features that are gone included. */
  readonly changedLocks: readonly string[];
  /** Changed files. All of them must be outputs of these features or of ones that are gone, or the whole project is read. */
  readonly outputs: readonly string[];
  readonly rest: Omit<ProjectRest, 'outputs'>;
  /** The clone's record of outputs. What has changed of it are outputs of these features or of ones that are gone. */
  readonly published: MarkedOutputs;
  /** The warnings of all specs, as the last build found them. */
  readonly warnings: readonly Diagnostic[];
  /** What people wrote. */
  readonly handWritten: Listing;
  readonly handWrittenTree: ObjectId;
  readonly cache: ParseCache;
  readonly last: LastBuild;
  /** The person's index, which shows the same files as at the last build. */
  readonly person: string;
  /** Whether a task of another feature owns the path; undefined: that cannot be read. */
  isOfOthers(path: string): boolean | undefined;
}

export async function loadPart(source: ProjectSource, wanted: WantedPart): Promise<Project | undefined> {
  const { repository, objects, config, memory } = source;
  const { snapshot, last, person, rest, handWritten, handWrittenTree, cache } = wanted;
  const written = handWritten.with(await specFiles(source, wanted));
  const read = (ids: readonly ObjectId[]) => objects.readMany(ids);
  const specs = await loadSpecs({ listing: written, read, cache, arePathsKnown: true }, config);
  // After a mistake or a new warning the whole project is read: then all of them are reported, in their usual order.
  if (!specs.ok || !specs.value.warnings.every((one) => isSaid(one, wanted.warnings))) return undefined;
  const { features, graph } = specs.value;
  if (features.length !== wanted.features.size) return undefined;
  if (!features.every((feature) => isPlain(feature, wanted, written))) return undefined;
  // The outputs of other features are left out: no task of these features reads or writes them.
  const withOutputs = written.with(await listSome(objects, snapshot, outputPlaces(graph.tasks.values())));

  const reading = { repository, objects, memory, features, isPart: true } as const;
  const locks = await readLocks({ ...reading, listing: withOutputs });
  if (!locks.ok || ![...locks.value.values()].every(isWhole)) return undefined;
  const former = await formerLocks(source, wanted);
  if (!former) return undefined;
  const ownership = new Ownership(graph.tasks.values());
  const isOwned = (path: string) => ownership.ownerOf(path) !== undefined;
  const outputs = someRecords([...locks.value.values(), ...former], wanted.published);
  // Of tasks that are gone, or write other files now.
  const free = [...outputs.recorded.keys()].filter((path) => !isOwned(path));
  const ofOthers = new Map(free.map((path) => [path, wanted.isOfOthers(path)]));
  if ([...ofOthers.values()].includes(undefined)) return undefined;
  const leaving = free.filter((path) => !ofOthers.get(path));
  const listing = withOutputs.with(await listSome(objects, snapshot, { paths: leaving, folders: [] }));
  const goes = new Set(leaving);
  const recorded = only(outputs.recorded, (path) => isOwned(path) || goes.has(path));
  const built = only(outputs.built, (path) => isOwned(path) || goes.has(path));
  const owned = ownedFiles(listing, ownership);
  const isKnown = (path: string) => recorded.has(path);
  // What a person wrote in the place of an output or over one that no task owns any more is for a whole load to tell of.
  if (
    !wanted.outputs.every(isKnown) ||
    ![...owned.values()].every((files) => [...files.keys()].every(isKnown))
  )
    return undefined;
  if (!leaving.every((path) => isAsBuilt(path, listing, built))) return undefined;
  // The last build took these for files of people: it knew no task that writes them. They came together with a spec or lock file.
  if ([...recorded.keys()].some((path) => handWritten.get(path))) return undefined;
  return {
    ...{ repository, objects, config, snapshot, listing },
    features: new Map(features.map((feature) => [feature.name, feature])),
    graph,
    locks: locks.value,
    ownership,
    handWritten,
    handWrittenTree,
    rules: await readRules(repository, objects, handWritten),
    owned,
    recorded,
    built,
    named: last.named,
    absent: last.absent ?? [],
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
    rest: {
      ...rest,
      outputs: wanted.published.outputs,
      hasAgents: rest.hasAgents || [...graph.tasks.values()].some(isAgents),
    },
  };
}

function isAgents({ recipe }: Task): boolean {
  return recipe.kind === 'agent';
}

/** A file that the next complete build removes, or none. */
function isAsBuilt(path: string, listing: Listing, built: RecordedOutputs): boolean {
  const entry = listing.get(path);
  return entry === undefined || built.get(path)?.has(encodeEntry(entry)) === true;
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

function isPlain(
  { name, lockFile, foreach }: Feature,
  { features, added }: Pick<WantedPart, 'features' | 'added'>,
  listing: Listing,
): boolean {
  if (!features.has(name) || foreach !== undefined) return false;
  return listing.get(lockFile) !== undefined || added.has(name);
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
