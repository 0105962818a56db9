/** What is known of a workspace that was put to a large tree, and what a look found that is not so. Plain data. */

import type { TreeLook } from '../../io/git/reading/tree-look.js';
import type { ObjectId } from '../../model/tree.js';
import type { FoundEntry, Restored } from '../restore.js';

/** The tree that a workspace was put to, and what tells its files and folders from changed ones. */
export interface TreeRecord {
  readonly tree: ObjectId;
  /** The key of the rules with which the files were written. */
  readonly rules: string;
  /** What the workspace kept: the record says nothing about it. */
  readonly kept: readonly string[];
  /** What git's index looks like, which says what each file looks like. With any other the record says nothing. */
  readonly index: string;
  /** Of each folder, the empty path for the workspace itself, what it looks like; empty where that is not to be trusted. */
  readonly folders: Readonly<Record<string, string>>;
}

export interface Survey {
  readonly record: TreeRecord;
  /** What the workspace kept: the look left it out. */
  readonly kept: readonly string[];
  /** What has changed at this time or later may not have been seen. */
  readonly time: bigint;
  readonly state: Restored;
  /** The folders that are there now. */
  readonly folders: ReadonlySet<string>;
  /** Something has a name that is not UTF-8: the other parts do not tell of it. */
  readonly hasStrangeName: boolean;
  /** Of each path that may differ from the tree what is there; undefined: no file and no link. */
  readonly differing: ReadonlyMap<string, FoundEntry | undefined>;
  /** The recorded tree. */
  readonly look: TreeLook;
}
