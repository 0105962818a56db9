/** Values in build events that other code works with, too. Plain data. */

import type { Usage } from '../action.js';
import type { Label } from '../task.js';

/** In an order: a list, or a text of which none has been read (`LabelText`). In JSON both are a list. */
export interface Labels extends Iterable<Label> {
  readonly length: number;
}

/** The tasks that changes since a commit concern, and how many others were left out. */
export interface PlannedRange {
  /** As it was asked for. */
  readonly since: string;
  /** The commit from which it and HEAD have gone apart. */
  readonly base: string;
  /** Tasks that the changes concern. */
  readonly touched: number;
  /** Tasks that only depend on those, or patch a file that one of these patches. */
  readonly dependents: number;
  /** Tasks that are not looked at. */
  readonly leftOut: number;
  /** Tasks that there were at the base and are not any more: only a build of everything removes their files. */
  readonly removed: number;
  /** Why the range concerns every task; absent: it does not, or not for one reason. */
  readonly because?: string;
}

/** A task that is up to date but for outputs that are missing, with its recorded result, of which they are written again. */
export interface RestoredTask {
  readonly task: Label;
  /** Its outputs that are missing. */
  readonly missing: readonly string[];
  /** Commit of the result, in conductor's repository. */
  readonly result: string;
  /** What the result had cost when it was made; absent: no agent made it. */
  readonly saved?: Usage;
}
