/** Verdicts: what a build would do with a task and why. The same values serve status, explain, dry run and build. */

import type { ManifestChange } from './action.js';
import type { Failure } from './failure.js';
import type { Label } from './task.js';

export type StaleReason =
  | { readonly kind: 'never-built' }
  | { readonly kind: 'manifest-changed'; readonly changes: readonly ManifestChange[] }
  /** The key is as recorded but neither the disk nor the store has the outputs. */
  | { readonly kind: 'outputs-missing'; readonly paths: readonly string[] }
  | { readonly kind: 'result-damaged'; readonly detail: string }
  /** A result that cannot simply be made again is recorded, and is neither on disk nor in any store. */
  | {
      readonly kind: 'result-missing';
      readonly key: string;
      /** Remotes that did not answer: they may have it. Absent: every remote says that it has not. */
      readonly unreached?: readonly string[];
    }
  | {
      readonly kind: 'patch-conflict';
      readonly path: string;
      /** The other task whose patch of the file it does not fit on; absent: the file has changed. */
      readonly with?: Label;
    }
  /** Files that its agent had read without declaring them are not as they were. */
  | { readonly kind: 'observed-changed'; readonly paths: readonly string[] }
  | { readonly kind: 'gates-failed'; readonly gate: string }
  /** A build would refuse the task: its template or its prompt cannot be rendered. */
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'forced' };

/**
 * Paths that the task's agent read beyond its declared inputs and that have changed since: the result stands, but it
 * may not know of them. Absent when there is none, or when the config says that they count (`rebuild`) or do not.
 */
export type ObservedChange = readonly string[];

/** Lines of a file that tasks patch, put in by their patches and changed by a person. */
export interface ChangedPatch {
  readonly path: string;
  /** The tasks of these patches; none where nothing tells whose lines they are. */
  readonly tasks: readonly Label[];
  readonly was: readonly string[];
  readonly now: readonly string[];
}

/** Gates decide about a former result before an agent is asked. */
export interface Reverification {
  /** Key of the former result. */
  readonly former: string;
  /** What changed around the task. */
  readonly against: readonly string[];
  /**
   * An agent would be asked for the same: only formatters, conductor's own wording, white space or the order of lists changed. The
   * former result is formatted again if formatters did; it needs no gates of its own and no review.
   */
  readonly sameTask?: true;
}

export type Verdict =
  | { readonly kind: 'fresh'; readonly observed?: ObservedChange }
  /** The store has the result: nothing is run, its files are restored. */
  | {
      readonly kind: 'cached';
      readonly reasons: readonly StaleReason[];
      readonly observed?: ObservedChange;
    }
  /** The content stands but its gates changed: only the gates are run. */
  | { readonly kind: 'unverified'; readonly gates: readonly string[] }
  /** A person edited outputs. `stale` says whether a build would have to rebuild them. */
  | {
      readonly kind: 'drifted';
      readonly paths: readonly string[];
      readonly stale: readonly StaleReason[] | undefined;
      /** What was changed in patches of files that nobody owns; absent: nothing. */
      readonly patches?: readonly ChangedPatch[];
      /** With `patches`: the tasks that can be accepted together, which settles it. */
      readonly accept?: readonly Label[];
      /** Those of the paths that conductor never wrote: no command and no flag overwrites or deletes them. */
      readonly inTheWay?: readonly string[];
    }
  | {
      readonly kind: 'stale';
      readonly reasons: readonly StaleReason[];
      /** Only what it builds on changed: its gates are run first on its former result. */
      readonly reverify?: Reverification;
    }
  /** Not known before these dependencies are built. What is known already is told beside it; absent: nothing. */
  | {
      readonly kind: 'pending';
      readonly on: readonly Label[];
      /** Why it is not up to date whatever its dependencies come to. */
      readonly reasons?: readonly StaleReason[];
      /** An agent would be asked for the same, if its dependencies come out as before. */
      readonly reverify?: Reverification;
      /** Outputs that a person edited. */
      readonly paths?: readonly string[];
      /** Those of the paths that conductor never wrote. */
      readonly inTheWay?: readonly string[];
    };

export type PendingVerdict = Extract<Verdict, { kind: 'pending' }>;

export type VerdictKind = Verdict['kind'];
