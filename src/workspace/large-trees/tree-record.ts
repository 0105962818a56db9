/** What a record says about a workspace with a large tree, and what a survey found that differs from it. Plain data. */

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
  /** What git's index looks like. The index says what each file looks like; if it is another one, the record is of no use. */
  readonly index: string;
  /** What each folder looks like, by path (empty: the workspace itself). An empty look means that the folder must be read. */
  readonly folders: Readonly<Record<string, string>>;
}

export interface Survey {
  readonly record: TreeRecord;
  /** What the workspace kept: the survey left it out. */
  readonly kept: readonly string[];
  /** The survey may have missed changes at this time or later. */
  readonly time: bigint;
  readonly state: Restored;
  /** The folders that are there now. */
  readonly folders: ReadonlySet<string>;
  /** Something has a name that is not UTF-8; the other fields leave it out. */
  readonly hasStrangeName: boolean;
  /** What is at each path that may differ from the tree; undefined: no file and no link. */
  readonly differing: ReadonlyMap<string, FoundEntry | undefined>;
  /** The recorded tree. */
  readonly look: TreeLook;
}
