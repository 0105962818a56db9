/**
 * Which features a build has to read: those whose specs, outputs or inputs changed since the last complete build, all features that
 * depend on these, and all features that those need. The others are up to date by induction and are not read. In doubt, the build
 * reads everything.
 */

import { ownValue } from '../../base/records/own-value.js';
import type { GitObjects } from '../../io/git/objects.js';
import { changedOrNothing } from '../../io/git/walk.js';
import type { Config } from '../../model/config.js';
import { isLockFile } from '../../model/feature-lock.js';
import { featureOf } from '../../model/history.js';
import { type Entry, Listing, type ObjectId } from '../../model/tree.js';
import { type ParseCache, parseSpecs } from '../../specs/parse.js';
import { readFeature } from '../../specs/read-tasks.js';
import { findSpecFiles, isLikeBacklog, type SpecFile } from '../../specs/spec-files.js';
import { expandSpec } from '../../specs/variables/expand-specs.js';
import type { IndexHead } from './index-file.js';
import type { IndexTables } from './index-tables.js';

export interface ChangedPart {
  /** Features to read. */
  readonly features: ReadonlySet<string>;
  /** Those of them that may have changed, with all that depend on them. */
  readonly changed: ReadonlySet<string>;
  /** Those of them whose spec is new. */
  readonly added: ReadonlyMap<string, SpecPlace>;
  /** Features that are gone, with their lock files. */
  readonly removed: ReadonlyMap<string, string>;
  /** Lock files that are not as the last build left them. */
  readonly locks: readonly string[];
  /** Changed files that tasks of these features wrote. */
  readonly outputs: readonly string[];
  /** Changed files of people; undefined: there is none any more. */
  readonly handWork: ReadonlyMap<string, Entry | undefined>;
}

export interface SpecPlace {
  readonly spec: string;
  readonly lock: string;
}

/** What changes are looked for in. */
export interface LastState {
  readonly objects: GitObjects;
  readonly head: IndexHead;
  readonly tables: IndexTables;
  /** What people had written. */
  readonly handWritten: Listing;
  /** Outputs that are gone: what they concern is decided by what else has changed. */
  readonly gone: { has(path: string): boolean };
  /** Outputs and lock files of which the clone's records say something else than after the last complete build. */
  readonly republished: Iterable<string>;
  readonly cache: ParseCache;
}

/** Of all tasks. Reading a larger part costs as much as reading everything. */
const MOST = 0.5;
/** With more changes than this, asking the tables of paths for each costs more than reading everything. */
const MOST_CHANGES = 2000;
const SUBMODULE = '160000';

/** Undefined: the build has to read everything. */
export async function changedPart(
  last: LastState,
  config: Config,
  snapshot: ObjectId,
): Promise<ChangedPart | undefined> {
  const { objects, head } = last;
  const found = await changedOrNothing(objects, head.tree, snapshot);
  if (!found) return undefined;
  const changes = new Map([...found].filter(([path]) => !last.gone.has(path)));
  if (changes.size > MOST_CHANGES) return undefined;
  const kinds = kindsOf(changes, last, config.specs);
  if (!kinds) return undefined;
  const { specs, roots, removed, handWork } = kinds;
  const added = specs.filter(({ feature }) => ownValue(head.features, feature) === undefined);
  const rows = Object.entries(head.features);
  for (const [name, { reads = [] }] of rows) if (reads.some((path) => changes.has(path))) roots.add(name);
  for (const path of handWork.keys()) {
    const readers = last.tables.readers();
    if (!readers) return undefined;
    for (const { feature } of readers.at(path)) roots.add(feature);
  }
  if (mayWarnOtherwise(last, kinds)) return undefined;
  for (const label of head.noted) roots.add(featureOf(label));

  const needs = new Map(rows.map(([name, { needs: known = [] }]) => [name, known]));
  const changed = closure([...roots, ...removed.keys()], readersOf(needs));
  const read = specs.length === 0 ? new Map() : await neededFeatures(specs, last, config);
  if (!read) return undefined;
  for (const [name, needed] of read) needs.set(name, needed);
  for (const { feature } of added) changed.add(feature);
  for (const name of removed.keys()) {
    needs.delete(name);
    changed.delete(name);
  }
  const features = closure(changed, needs);
  // A dependency that is not there: the whole project is read, and says so.
  if ([...features].some((name) => !needs.has(name))) return undefined;
  const tasks = rows.reduce((sum, [, row]) => sum + row.tasks, 0);
  const size = [...features].reduce((sum, name) => sum + (ownValue(head.features, name)?.tasks ?? 0), 0);
  if (size > tasks * MOST) return undefined;
  const places = added.map(
    ({ feature, file, lockFile }) => [feature, { spec: file, lock: lockFile }] as const,
  );
  const { locks, outputs } = kinds;
  return { features, changed, added: new Map(places), removed, locks, outputs, handWork };
}

/** The features that the tasks of these specs depend on; undefined where a spec cannot be read. */
async function neededFeatures(
  files: readonly SpecFile[],
  { objects, cache }: Pick<LastState, 'objects' | 'cache'>,
  config: Config,
): Promise<Map<string, readonly string[]> | undefined> {
  const entries = files.map(({ file, id }): [string, Entry] => [file, { mode: '100644', id }]);
  const context = { listing: new Listing(new Map(entries)), config };
  const needs = new Map<string, readonly string[]>();
  for (const parsed of await parseSpecs(files, (ids) => objects.readMany(ids), cache)) {
    if (parsed.diagnostics.length > 0) return undefined;
    const { tasks } = readFeature(parsed, await expandSpec(parsed, context));
    const names = new Set(tasks.flatMap((task) => task.needs).map(featureOf));
    names.delete(parsed.spec.feature);
    needs.set(parsed.spec.feature, [...names]);
  }
  return needs;
}

interface Kinds {
  /** Changed and new ones. */
  readonly specs: readonly SpecFile[];
  readonly removed: ReadonlyMap<string, string>;
  /** Features with a changed file of their own. */
  readonly roots: Set<string>;
  readonly locks: readonly string[];
  readonly outputs: readonly string[];
  readonly handWork: ReadonlyMap<string, Entry | undefined>;
}

/** Undefined where the kind of a change is not certain. */
function kindsOf(
  changes: ReadonlyMap<string, Entry | undefined>,
  { head, tables, handWritten, republished }: LastState,
  specs: string,
): Kinds | undefined {
  const rows = Object.entries(head.features);
  const byFile = new Map(rows.map(([name, { spec }]) => [spec, name]));
  const byLock = new Map(rows.map(([name, { lock }]) => [lock, name]));
  const texts = new Map<string, Entry>();
  const removed = new Map<string, string>();
  const roots = new Set<string>();
  const locks: string[] = [];
  const lostLocks: string[] = [];
  const outputs: string[] = [];
  const handWork = new Map<string, Entry | undefined>();
  for (const [path, entry] of changes) {
    const isSubmodule = entry?.mode === SUBMODULE || handWritten.get(path)?.mode === SUBMODULE;
    if (isSubmodule) return undefined;
    const spec = byFile.get(path);
    const locked = byLock.get(path);
    if (spec !== undefined) {
      roots.add(spec);
      if (entry) texts.set(path, entry);
      else removed.set(spec, ownValue(head.features, spec)?.lock ?? '');
    } else if (locked !== undefined) {
      roots.add(locked);
      if (entry) locks.push(path);
      else lostLocks.push(locked);
    } else if (path.startsWith(`${specs}/`)) {
      if (!isLockFile(path) && isLikeSpec(path, specs)) {
        if (!entry) return undefined;
        texts.set(path, entry);
      }
      const owner = folderOwner(head, path, specs);
      if (owner !== undefined) roots.add(owner);
    } else if (handWritten.get(path)) {
      handWork.set(path, entry);
    } else {
      const owners = tables.owners()?.at(path);
      if (!owners) return undefined;
      for (const { feature } of owners) roots.add(feature);
      if (owners.length > 0) outputs.push(path);
      // A file that was in no record, and is not there either.
      else if (!entry) return undefined;
      else handWork.set(path, entry);
    }
  }
  for (const path of republished) {
    const locked = byLock.get(path);
    const owners = locked === undefined ? (tables.owners()?.at(path) ?? []) : [{ feature: locked }];
    // What an incomplete build wrote for a task that is not known here.
    if (owners.length === 0) return undefined;
    for (const { feature } of owners) roots.add(feature);
  }
  // Of a lock file that is gone its feature may be gone, too. Other ones are put together again by a build that reads everything.
  if (lostLocks.some((name) => !removed.has(name))) return undefined;
  const found = findSpecFiles(new Listing(texts), specs);
  if (found.diagnostics.length > 0 || found.files.length !== texts.size) return undefined;
  // One that has come to be in another file.
  if (found.files.some(({ feature, file }) => (ownValue(head.features, feature)?.spec ?? file) !== file))
    return undefined;
  for (const name of removed.keys()) roots.delete(name);
  return { specs: found.files, removed, roots, locks, outputs, handWork };
}

/** Whether a warning of the last build may no longer hold, or may hold for another reason. Only a whole load finds out. */
function mayWarnOtherwise(
  { head, handWritten }: LastState,
  { specs, roots, removed, handWork }: Kinds,
): boolean {
  const { features, divisible } = head;
  const said = divisible?.warnings ?? [];
  if (said.length === 0) return false;
  const changed = new Set([...roots].map((name) => ownValue(features, name)?.spec));
  for (const { file } of specs) changed.add(file);
  if (said.some(({ file }) => changed.has(file))) return true;
  // They tell of paths that are not there, and of paths with similar names.
  const isMoved = ([path, entry]: readonly [string, Entry | undefined]) => !entry || !handWritten.get(path);
  return (
    removed.size > 0 || specs.some((one) => !ownValue(features, one.feature)) || [...handWork].some(isMoved)
  );
}

function isLikeSpec(path: string, specs: string): boolean {
  const parts = path.slice(specs.length + 1).split('/');
  return isLikeBacklog(parts.at(-1) as string) || (parts.length === 1 && path.endsWith('.spec.md'));
}

/** The feature in whose folder a document is. */
function folderOwner({ features }: IndexHead, path: string, specs: string): string | undefined {
  if (isLockFile(path)) return undefined;
  const [name = '', ...below] = path.slice(specs.length + 1).split('/');
  return below.length > 0 && ownValue(features, name)?.spec.startsWith(`${specs}/${name}/`)
    ? name
    : undefined;
}

function readersOf(needs: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const readers = new Map<string, string[]>();
  for (const [name, needed] of needs) {
    for (const need of needed) {
      const known = readers.get(need);
      if (known) known.push(name);
      else readers.set(need, [name]);
    }
  }
  return readers;
}

function closure(from: Iterable<string>, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set(from);
  const open = [...found];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const other of next.get(name) ?? []) {
      if (found.has(other)) continue;
      found.add(other);
      open.push(other);
    }
  }
  return found;
}
