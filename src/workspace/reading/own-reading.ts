/** Reads a workspace that conductor put to a tree itself: looks at what may differ, and makes the objects. */

import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import { hashObject } from '../../io/git/writing/object-bytes.js';
import { ObjectSet } from '../../io/git/writing/object-set.js';
import type { Failure } from '../../model/failure.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import type { Survey } from '../large-trees/tree-record.js';
import type { FoundEntry, Seen } from '../restore.js';
import { showFiles } from '../shown-tree.js';
import { countedTurns, modeOf } from '../small-trees/put-tree.js';
import { MAX_BYTES, MAX_FILES, plainPath } from '../small-trees/small-tree.js';
import type { SmallTree, Workspace } from '../workspace.js';
import {
  type Changed,
  type Reading,
  type TakenTree,
  type UnwrittenObjects,
  writeObjects,
} from './reading.js';

/** A workspace and the tree that it was put to. */
interface Base {
  readonly objects: GitObjects;
  readonly workspace: Workspace;
  readonly tree: ObjectId;
  /** The look at a large tree. */
  readonly survey?: Survey;
}

/** A path that may differ from the tree. */
interface Candidate {
  readonly path: string;
  /** What the tree has. */
  readonly before: Entry | undefined;
  /** Absent: no file and no link is there. */
  readonly found: FoundEntry | undefined;
}

/** A file that is not as the tree has it. */
interface Differing {
  readonly mode: Entry['mode'];
  readonly content: Buffer;
}

export class OwnReading implements Reading {
  readonly changed: readonly Changed[];
  private readonly base: Base;
  private readonly differing: ReadonlyMap<string, Differing>;
  private unwritten: UnwrittenObjects | undefined;

  private constructor(
    base: Base,
    changed: ReadonlyMap<string, boolean>,
    differing: ReadonlyMap<string, Differing>,
  ) {
    this.base = base;
    this.differing = differing;
    this.changed = [...changed].sort().map(([path, isNew]) => ({ name: Buffer.from(path), isNew }));
  }

  /** Of a small tree every file is read. Undefined where git has to judge. */
  static async ofSmall(
    { objects, workspace }: Omit<Base, 'tree' | 'survey'>,
    { tree, listing }: SmallTree,
    seen: Seen,
  ): Promise<OwnReading | undefined> {
    if (seen.hasStrangeName || seen.files.size > 2 * MAX_FILES) return undefined;
    const candidates: Candidate[] = [];
    for (const found of seen.files.values())
      candidates.push({ path: found.path, before: listing.get(found.path), found });
    for (const path of listing.paths)
      if (!seen.files.has(path)) candidates.push({ path, before: listing.get(path), found: undefined });
    return OwnReading.of({ objects, workspace, tree }, candidates, workspace.canonical.hasAttributes);
  }

  /** Of a large tree what a survey found. Undefined where git has to judge. */
  static async ofLarge(
    { objects, workspace }: Omit<Base, 'tree' | 'survey'>,
    survey: Survey,
  ): Promise<OwnReading | undefined> {
    const { record, look, differing } = survey;
    if (survey.hasStrangeName) return undefined;
    const candidates: Candidate[] = [];
    for (const [path, found] of differing) candidates.push({ path, before: await look.get(path), found });
    // The tree may have attributes of its own.
    return OwnReading.of({ objects, workspace, tree: record.tree, survey }, candidates, true);
  }

  /** With attributes, git reads a file with the line ends of Windows as another one. */
  private static async of(
    base: Base,
    candidates: readonly Candidate[],
    hasAttributes: boolean,
  ): Promise<OwnReading | undefined> {
    const { objects, workspace } = base;
    const isPlain = plainPath(workspace);
    const changed = new Map<string, boolean>();
    const differing = new Map<string, Differing>();
    const isTurn = countedTurns();
    let bytes = 0;
    for (const { path, before, found } of candidates) {
      if (isTurn()) await setImmediate();
      if (!found) {
        if (before) changed.set(path, false);
        continue;
      }
      const size = found.stat?.size ?? 0;
      if (size > 2 * MAX_BYTES) return undefined;
      const now = read(workspace.dir, found);
      if (before?.mode === now.mode && before.id === hashObject('blob', now.content, objects.hash)) continue;
      bytes += size;
      if (bytes > 2 * MAX_BYTES || !isPlain(path)) return undefined;
      if (hasAttributes && now.content.includes('\r\n')) return undefined;
      changed.set(path, before === undefined);
      differing.set(path, now);
    }
    return new OwnReading(base, changed, differing);
  }

  async take(paths: ReadonlySet<string>, inMemory: boolean): Promise<Result<TakenTree, Failure>> {
    const { objects, tree } = this.base;
    const set = new ObjectSet(objects.hash);
    const changes = new Map<string, Entry | undefined>();
    for (const path of paths) {
      const now = this.differing.get(path);
      const blob = (content: Buffer) => (inMemory ? set.add('blob', content) : objects.writeBlob(content));
      changes.set(path, now && { mode: now.mode, id: await blob(now.content) });
    }
    if (!inMemory) return ok({ tree: await objects.editTree(tree, changes) });
    this.unwritten = set.objects;
    return ok({ tree: await set.editedTree(objects, tree, changes), unwritten: set.objects });
  }

  async reset(tree: ObjectId): Promise<void> {
    await writeObjects(this.base.objects, this.unwritten);
    this.leave();
    await showFiles(this.base.objects, this.base.workspace, tree);
  }

  /** What is put into the workspace next need not look again. */
  leave(): void {
    this.base.workspace.shown.left = this.base.survey;
  }
}

function read(dir: string, { path, stat }: FoundEntry): Differing {
  const place = join(dir, path);
  if (stat === undefined) return { mode: '120000', content: readlinkSync(place, { encoding: 'buffer' }) };
  return { mode: modeOf(stat), content: readFileSync(place) };
}
