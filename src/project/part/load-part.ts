/**
 * Reads some features of a project whose other features are known to be up to date. What belongs to all of them comes from the
 * last complete build. Returns nothing where that is not enough, and then the whole project is to be read.
 */

import type { FeatureLock } from '../../model/feature-lock.js';
import { Ownership } from '../../model/paths/ownership.js';
import type { Feature } from '../../model/task.js';
import { type Files, Listing, type ObjectId } from '../../model/tree.js';
import { loadSpecs } from '../../specs/load.js';
import type { ParseCache } from '../../specs/parse.js';
import type { LastBuild } from '../clone-records.js';
import { readLocks } from '../lock-files.js';
import type { Project, ProjectRest } from '../project.js';
import type { ProjectSource } from '../project-source.js';
import { readRules } from '../read-rules.js';
import { outputRecords, type RecordedOutputs } from '../recorded-outputs.js';

export interface WantedPart {
  readonly snapshot: ObjectId;
  /** Features to read: with all that they need, and all that depends on what changed. */
  readonly features: ReadonlySet<string>;
  /** Spec files and lock files of the others. */
  readonly left: ReadonlySet<string>;
  /** Changed files that have to be outputs of these features. */
  readonly outputs: readonly string[];
  readonly rest: ProjectRest;
  /** What people wrote, as the last build had it. */
  readonly handWrittenTree: ObjectId;
  readonly last: LastBuild;
  /** The person's index, which shows the same files as at the last build. */
  readonly person: string;
}

/** What was parsed is not kept: to read all of that takes longer than to parse a few specs. */
const NO_CACHE: ParseCache = { get: () => undefined, set: () => {} };

export async function loadPart(source: ProjectSource, wanted: WantedPart): Promise<Project | undefined> {
  const { repository, objects, config, memory } = source;
  const { snapshot, left, last, person, rest } = wanted;
  const listing = await memory.list(objects, snapshot);
  const read = (ids: readonly ObjectId[]) => objects.readMany(ids);
  const seen = new Listing(new Map([...listing.files].filter(([path]) => !left.has(path))));
  const specs = await loadSpecs({ listing: seen, read, cache: NO_CACHE }, config);
  // Whoever reads everything says all that is wrong, and in which order.
  if (!specs.ok || specs.value.warnings.length > 0) return undefined;
  const { features, graph } = specs.value;
  if (features.length !== wanted.features.size) return undefined;
  if (!features.every((feature) => isPlain(feature, wanted.features, listing))) return undefined;

  const locks = await readLocks({ repository, objects, listing, memory, features });
  if (!locks.ok || ![...locks.value.values()].every(isWhole)) return undefined;
  const ownership = new Ownership(graph.tasks.values());
  const isOwned = (path: string) => ownership.ownerOf(path) !== undefined;
  const outputs = await outputRecords(repository.state, [...locks.value.values()]);
  const recorded = only(outputs.recorded, isOwned);
  if (!wanted.outputs.every((path) => recorded.has(path))) return undefined;
  const handWritten = await objects.list(wanted.handWrittenTree);
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
    warnings: [],
    // None of the project's features has any: it would not be read in parts.
    edited: new Map(),
    claimed: new Map(),
    patched: new Map(),
    mayBePatched: false,
    mixed: new Set(),
    choices: new Map(),
    rest,
  };
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
  const owned = new Map<string, Map<string, NonNullable<ReturnType<Listing['get']>>>>();
  for (const [path, entry] of listing.files) {
    const owner = ownership.ownerOf(path);
    if (owner === undefined) continue;
    const files = owned.get(owner);
    if (files) files.set(path, entry);
    else owned.set(owner, new Map([[path, entry]]));
  }
  return owned;
}
