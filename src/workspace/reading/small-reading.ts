/** Reads a workspace that conductor put to a small tree itself: every file is looked at, and no git process is started. */

import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ok, type Result } from '../../base/result.js';
import { gitOk } from '../../io/git/git-process.js';
import type { GitObjects } from '../../io/git/objects.js';
import { hashObject } from '../../io/git/writing/object-bytes.js';
import type { Failure } from '../../model/failure.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import type { FoundEntry, Seen } from '../restore.js';
import { modeOf, putTree } from '../small-trees/put-tree.js';
import { MAX_BYTES, MAX_FILES, needsLineEnds, plainPath } from '../small-trees/small-tree.js';
import { type SmallTree, type Workspace, workspaceCall } from '../workspace.js';
import type { Changed, Reading, TakenTree } from './reading.js';

interface Workplace {
  readonly objects: GitObjects;
  readonly workspace: Workspace;
  /** All that is in the workspace. */
  readonly seen: Seen;
}

/** A file that is not as the shown tree has it. */
interface Differing {
  readonly mode: Entry['mode'];
  readonly content: Buffer;
}

export class SmallReading implements Reading {
  readonly changed: readonly Changed[];
  private readonly objects: GitObjects;
  private readonly workspace: Workspace;
  private readonly small: SmallTree;
  private readonly differing: ReadonlyMap<string, Differing>;

  private constructor(
    { objects, workspace, small }: { objects: GitObjects; workspace: Workspace; small: SmallTree },
    differing: ReadonlyMap<string, Differing>,
    gone: readonly string[],
  ) {
    this.objects = objects;
    this.workspace = workspace;
    this.small = small;
    this.differing = differing;
    const { files } = small.listing;
    this.changed = [...differing.keys(), ...gone].sort().map((path) => ({
      name: Buffer.from(path),
      isNew: !files.has(path),
    }));
  }

  /** Undefined where git has to judge. */
  static of({ objects, workspace, seen }: Workplace): SmallReading | undefined {
    const { small } = workspace.shown;
    if (!small || seen.hasStrangeName || seen.files.size > 2 * MAX_FILES) return undefined;
    const { files, paths } = small.listing;
    const isPlain = plainPath(workspace);
    const differing = new Map<string, Differing>();
    let bytes = 0;
    for (const found of seen.files.values()) {
      bytes += found.stat?.size ?? 0;
      if (bytes > 2 * MAX_BYTES || !isPlain(found.path)) return undefined;
      const now = read(workspace.dir, found);
      const before = files.get(found.path);
      const isSame = before?.mode === now.mode && before.id === hashObject('blob', now.content, objects.hash);
      if (isSame) continue;
      if (needsLineEnds(workspace, now.content)) return undefined;
      differing.set(found.path, now);
    }
    const gone = paths.filter((path) => !seen.files.has(path));
    return new SmallReading({ objects, workspace, small }, differing, gone);
  }

  async take(paths: ReadonlySet<string>): Promise<Result<TakenTree, Failure>> {
    const { objects, small, differing } = this;
    const changes = new Map<string, Entry | undefined>();
    for (const path of paths) {
      const now = differing.get(path);
      changes.set(path, now && { mode: now.mode, id: await objects.writeBlob(now.content) });
    }
    const tree = await objects.editTree(small.tree, changes);
    const hides = [...changes].filter(([, entry]) => entry).map(([path]) => path);
    // A file that stands where a folder was, or the other way round, is in the way of what the tree had there.
    for (const path of small.listing.paths)
      if (!changes.has(path) && hides.some((one) => isInTheWay(one, path))) changes.set(path, undefined);
    return ok({ tree, listing: small.listing.with(changes) });
  }

  async reset(tree: ObjectId): Promise<void> {
    const { objects, workspace } = this;
    if (await putTree(objects, workspace, tree)) return;
    const call = workspaceCall(workspace);
    const kept = workspace.kept.flatMap((root) => ['-e', `/${root}`]);
    workspace.shown.small = undefined;
    await gitOk(['read-tree', '--empty'], call);
    await gitOk(['clean', '-ffdxq', ...kept], call);
    await gitOk(['read-tree', '--reset', '-u', tree], call);
  }
}

function read(dir: string, { path, stat }: FoundEntry): Differing {
  const place = join(dir, path);
  if (stat === undefined) return { mode: '120000', content: readlinkSync(place, { encoding: 'buffer' }) };
  return { mode: modeOf(stat), content: readFileSync(place) };
}

function isInTheWay(one: string, other: string): boolean {
  return one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
