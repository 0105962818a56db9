/** What is to be landed and what comes of it, as data. Decides nothing. */

import type { StoredResult } from '../model/action.js';
import type { Label } from '../model/task.js';
import type { Entry, ObjectId } from '../model/tree.js';
import type { Check } from './check.js';
import type { Produced } from './facts.js';
import type { Improvement } from './ladder/improvement.js';
import type { PatchedFile } from './records.js';

/** A task whose result goes into the tree. */
export interface Landed {
  readonly check: Check;
  readonly result: StoredResult;
  /** The better task that it was made for, which goes into the spec with it. */
  readonly improvement?: Improvement;
}

export interface LandingPlan {
  readonly landed: ReadonlyMap<Label, Landed>;
  /** Everything that dependents may see, of fresh and landed tasks. */
  readonly produced: ReadonlyMap<Label, Produced>;
  /** Whether every task was looked at: only then is it known what no task owns any more. */
  readonly whole: boolean;
  /** Labels that are up to date or landed. */
  readonly done: ReadonlySet<Label>;
  /** ISO 8601, UTC. */
  readonly at: string;
}

export interface Landing {
  readonly tree: ObjectId;
  /** Outputs that nobody owns any more and that a person changed: left, and reported. */
  readonly leftBehind: readonly string[];
  /** Path to entry word of every output, for the clone's own record. */
  readonly published: Readonly<Record<string, string>>;
  /** Likewise, every file with patches. */
  readonly patched: Readonly<Record<string, PatchedFile>>;
}

/** Path to entry; undefined for a file that goes. */
export type Changes = Map<string, Entry | undefined>;
