/**
 * What one load of a project leaves for the next one in the same process. Everything is kept by the id of its
 * content, so it cannot be out of date.
 */

import type { GitObjects } from '../io/git/objects.js';
import { changedFiles, listOrNothing } from '../io/git/walk.js';
import { canonicalJson } from '../model/digest.js';
import type { FeatureLock } from '../model/feature-lock.js';
import type { Label } from '../model/task.js';
import { type Entry, type Listing, type ObjectId, sameEntry } from '../model/tree.js';
import type { LoadedSpecs } from '../specs/load.js';
import type { Snapshot, SnapshotOptions } from '../workspace/snapshot.js';
import type { LastBuild } from './clone-records.js';
import type { FileShares } from './file-ownership.js';
import type { MissingFiles } from './missing-files.js';
import type { OutputRecords } from './outputs/recorded-outputs.js';
import { openParseCache, type ParseCache } from './parse-cache.js';
import type { TaskPaths } from './task-paths.js';
import type { KnownSecrets } from './tracked-secrets.js';

/** The last complete build, where only files can have changed since: no version, variable, tool or setting has. */
export interface SameGround {
  readonly last: LastBuild;
  /** The person's index, which shows the same files. */
  readonly person: string;
}

export interface SnapshotGround extends SameGround {
  readonly snapshot: ObjectId;
}

export class ProjectMemory {
  /** Files that look secret and that specs name, as they were last: most snapshots need no second one then. */
  named: readonly string[] = [];
  private taken: { readonly snapshot: Snapshot; readonly options: SnapshotOptions } | undefined;
  private ground: SnapshotGround | undefined;
  private parsed: Promise<ParseCache> | undefined;
  private listed: { readonly tree: ObjectId; readonly listing: Listing } | undefined;
  private written: { readonly tree: ObjectId; readonly files: ReadonlyMap<string, Entry> } | undefined;
  secrets: KnownSecrets | undefined;
  specs: LoadedSpecs | undefined;
  paths: TaskPaths | undefined;
  outputs: OutputRecords | undefined;
  missing: MissingFiles | undefined;
  shares: FileShares | undefined;
  /** The tasks of results, by commit. */
  readonly resultLabels = new Map<ObjectId, Label | undefined>();
  private locks: ReadonlyMap<ObjectId, FeatureLock> = new Map();
  private locksOfPart: ReadonlyMap<ObjectId, FeatureLock> = new Map();
  private hand: { readonly tree: ObjectId; readonly listing: Listing } | undefined;

  /** A snapshot that was taken just now, for the load that follows. */
  handOn(snapshot: Snapshot, options: SnapshotOptions, ground: SameGround | undefined): void {
    this.taken = { snapshot, options };
    this.ground = ground && { ...ground, snapshot: snapshot.tree };
    this.named = options.named;
  }

  /** What was handed on with the snapshot, once. The snapshot stays for a load. */
  takeGround(): SnapshotGround | undefined {
    const { ground } = this;
    this.ground = undefined;
    return ground;
  }

  /** The snapshot that was handed on, once, when it was taken with these options. */
  takeOver(options: SnapshotOptions): Snapshot | undefined {
    const { taken } = this;
    this.taken = undefined;
    return taken && canonicalJson({ ...taken.options }) === canonicalJson({ ...options })
      ? taken.snapshot
      : undefined;
  }

  parseCache(state: string): Promise<ParseCache> {
    this.parsed ??= openParseCache(state);
    return this.parsed;
  }

  /** The parsed specs, where a load has left them in memory: a part is parsed before they are read from disk. */
  async parsedInMemory(): Promise<Pick<ParseCache, 'get'> | undefined> {
    return this.parsed;
  }

  forgetParsed(): void {
    this.parsed = undefined;
  }

  /** The files of a tree; of the one asked for before only what differs is read. */
  async list(objects: GitObjects, tree: ObjectId): Promise<Listing> {
    if (this.listed?.tree === tree) return this.listed.listing;
    const listing = this.listed
      ? this.listed.listing.with(await changedFiles(objects, this.listed.tree, tree))
      : await objects.list(tree);
    this.listed = { tree, listing };
    return listing;
  }

  /** The files of a tree of what people wrote; undefined where the tree is gone. */
  async listHandWork(objects: GitObjects, tree: ObjectId): Promise<Listing | undefined> {
    if (this.hand?.tree === tree) return this.hand.listing;
    const listing = await listOrNothing(objects, tree);
    this.hand = listing && { tree, listing };
    return listing;
  }

  /** The tree of these files; `make` makes it where there is none that it could be made from. */
  async treeOf(
    objects: GitObjects,
    files: ReadonlyMap<string, Entry>,
    make: () => Promise<ObjectId>,
  ): Promise<ObjectId> {
    // No ref names it: `gc` beside an idle watch may have removed it.
    const isThere = this.written && (await objects.sizeOf(this.written.tree)) !== undefined;
    const written = isThere ? this.written : undefined;
    if (written?.files === files) return written.tree;
    const tree = written
      ? await objects.editTree(written.tree, differences(written.files, files))
      : await make();
    this.written = { tree, files };
    return tree;
  }

  lock(id: ObjectId): FeatureLock | undefined {
    return this.locks.get(id) ?? this.locksOfPart.get(id);
  }

  /** In place of those that were kept before, of the whole project or of a part of it. */
  keepLocks(locks: ReadonlyMap<ObjectId, FeatureLock>, of: 'whole' | 'part'): void {
    if (of === 'part') this.locksOfPart = locks;
    else this.locks = locks;
  }
}

function differences(
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
): Map<string, Entry | undefined> {
  const changes = new Map<string, Entry | undefined>();
  for (const [path, entry] of after) if (!sameEntry(before.get(path), entry)) changes.set(path, entry);
  for (const path of before.keys()) if (!after.has(path)) changes.set(path, undefined);
  return changes;
}
