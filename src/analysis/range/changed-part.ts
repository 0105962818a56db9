/**
 * Which features a build has to read: those whose specs changed since the last complete build, all features that depend on these,
 * and all features that those need. The others are up to date by induction and are not read. In doubt, the build reads everything.
 */

import type { GitObjects } from '../../io/git/objects.js';
import { changedOrNothing } from '../../io/git/walk.js';
import { isLockFile } from '../../model/feature-lock.js';
import { featureOf } from '../../model/history.js';
import type { ObjectId } from '../../model/tree.js';
import { isLikeBacklog } from '../../specs/spec-files.js';
import type { IndexHead } from './index-file.js';

export interface ChangedPart {
  /** Features to read. */
  readonly features: ReadonlySet<string>;
  /** Those of them that may have changed, with all that depend on them. */
  readonly changed: ReadonlySet<string>;
  /** Changed lock files. */
  readonly locks: readonly string[];
  /** Changed files that belong to no spec. Unless all of them are outputs of these features, the build reads everything. */
  readonly others: readonly string[];
}

/** Of all tasks. Reading a larger part costs as much as reading everything. */
const MOST = 0.5;

/** Undefined: the build has to read everything. */
export async function changedPart(
  objects: GitObjects,
  head: IndexHead,
  { snapshot, specs }: { readonly snapshot: ObjectId; readonly specs: string },
): Promise<ChangedPart | undefined> {
  const changes = await changedOrNothing(objects, head.tree, snapshot);
  if (!changes) return undefined;
  const rows = Object.entries(head.features);
  const byFile = new Map(rows.map(([name, { spec }]) => [spec, name]));
  const byLock = new Map(rows.map(([name, { lock }]) => [lock, name]));
  const roots = new Set<string>();
  const others: string[] = [];
  const locks: string[] = [];
  for (const [path, entry] of changes) {
    // A removed feature may change dependencies and owners anywhere. A removed output may be one that git ignores now.
    if (!entry) return undefined;
    if (byLock.has(path)) locks.push(path);
    const name = byFile.get(path) ?? byLock.get(path) ?? folderOwner(head, path, specs);
    if (name !== undefined) roots.add(name);
    else if (path.startsWith(`${specs}/`)) return undefined;
    else others.push(path);
  }
  for (const [name, { reads = [] }] of rows) if (reads.some((path) => changes.has(path))) roots.add(name);
  // Only a build that reads everything finds out again whether a warning of a changed spec still holds.
  const said = head.divisible?.warnings ?? [];
  if (said.some(({ file }) => roots.has(byFile.get(file) ?? ''))) return undefined;
  for (const label of head.noted) roots.add(featureOf(label));
  if (roots.size === 0) return undefined;
  const changed = closure(roots, readersOf(rows));
  const features = closure(changed, new Map(rows.map(([name, { needs = [] }]) => [name, needs])));
  if ([...features].some((name) => head.features[name] === undefined)) return undefined;
  const tasks = rows.reduce((sum, [, row]) => sum + row.tasks, 0);
  const read = [...features].reduce((sum, name) => sum + (head.features[name]?.tasks ?? 0), 0);
  return read > tasks * MOST ? undefined : { features, changed, locks, others };
}

/** The feature in whose folder a document is. */
function folderOwner({ features }: IndexHead, path: string, specs: string): string | undefined {
  if (!path.startsWith(`${specs}/`) || isLockFile(path)) return undefined;
  const [name = '', ...below] = path.slice(specs.length + 1).split('/');
  const isDocument = below.length > 0 && !isLikeBacklog(below.at(-1) as string);
  return isDocument && features[name]?.spec.startsWith(`${specs}/${name}/`) ? name : undefined;
}

function readersOf(rows: readonly (readonly [string, { readonly needs?: readonly string[] }])[]) {
  const readers = new Map<string, string[]>();
  for (const [name, { needs = [] }] of rows) {
    for (const need of needs) {
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
