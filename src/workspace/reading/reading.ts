/** How a capture learns what a program changed in a workspace, and takes it over. Judges nothing. */

import type { Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { GitObject } from '../../io/git/writing/object-bytes.js';
import type { Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';

/** A path that is not as the shown tree has it: the one that the workspace was put to. */
export interface Changed {
  /** Bytes: it need not be UTF-8. One that ends with `/` is a repository of its own. */
  readonly name: Buffer;
  /** The shown tree has no such path. */
  readonly isNew: boolean;
}

export interface TakenTree {
  readonly tree: ObjectId;
  /** What of it is in no store yet. Absent: nothing. */
  readonly unwritten?: UnwrittenObjects;
}

export type UnwrittenObjects = ReadonlyMap<ObjectId, GitObject>;

export interface Reading {
  readonly changed: readonly Changed[];
  /** The shown tree with these paths as they are in the workspace now. `inMemory`: no other process has to read its objects yet. */
  take(paths: ReadonlySet<string>, inMemory: boolean): Promise<Result<TakenTree, Failure>>;
  /** Puts the workspace to exactly this tree. */
  reset(tree: ObjectId): Promise<void>;
  /** Leaves the workspace as it is to the next task: no program runs in it before. */
  leave(): void;
}

/** Writes what was kept in memory to the store, so that git can read it too. */
export async function writeObjects(
  objects: GitObjects,
  unwritten: UnwrittenObjects = new Map(),
): Promise<void> {
  for (const { type, content } of unwritten.values()) await objects.write(type, content);
  objects.release(unwritten.keys());
}
