/** The options of a build, and the plain values around them. Decides nothing. */

import type { Usage } from '../model/action.js';
import type { BuildSummary, TaskOutcomeKind } from '../model/event.js';
import { exitCodeOf, type Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { Verdict } from '../model/verdict.js';

/** A task with the result that it keeps. */
export interface CarriedTask {
  /** Its former label. */
  readonly from: Label;
  /** Its gates saw the same files under the same paths before. */
  readonly isProven: boolean;
  /** The hand-written tree, where that is in its key: with another one it is not carried. */
  readonly wholeTree: string | undefined;
}

export interface BuildOptions {
  readonly targets: readonly string[];
  /** Of the targets only those that changes since this commit concern; undefined: all. */
  readonly since: string | undefined;
  readonly force: boolean;
  readonly discardEdits: boolean;
  /** What was edited by hand is merged onto what is newly made. */
  readonly keepEdits: boolean;
  /** The files of the targets are recorded as they are; no recipe is run. */
  readonly accept: boolean;
  /**
   * With `accept`: tasks that were fresh before their specs were renamed, by their new labels. They keep their results under
   * their new keys. Absent: files of people are accepted.
   */
  readonly carried?: ReadonlyMap<Label, CarriedTask>;
  readonly failFast: boolean;
  /** Runs no recipe and writes no file: where a build would do either, that is a failure. */
  readonly frozen: boolean;
  /** Runs no recipe: what would need one is a failure. Stored results are restored. */
  readonly restoreOnly: boolean;
  /** Looks at the person's index in place of the working tree; only with `frozen`. */
  readonly staged: boolean;
  readonly dryRun: boolean;
  /** Builds recorded results again that are in no store any more, also where that costs money. */
  readonly rebuildMissing: boolean;
  readonly commit: boolean;
  /** With `commit`: the person's hooks are not run. */
  readonly noVerify: boolean;
  /** Tasks at the same time; undefined: as configured. */
  readonly workers: number | undefined;
  /** Dollars that this build may cost, beside what the config says; undefined: no more limit. */
  readonly budgetUsd: number | undefined;
  readonly wait: boolean;
  /** Every task is named in the events, also where nothing is to be done. */
  readonly namesAll: boolean;
  /** The command line, shown to commands that wait for this build. */
  readonly command: string;
}

/** What `conductor build` alone asks for. */
export const PLAIN_BUILD: BuildOptions = {
  targets: [],
  since: undefined,
  force: false,
  discardEdits: false,
  keepEdits: false,
  accept: false,
  failFast: false,
  frozen: false,
  restoreOnly: false,
  staged: false,
  dryRun: false,
  rebuildMissing: false,
  commit: false,
  noVerify: false,
  workers: undefined,
  budgetUsd: undefined,
  wait: true,
  namesAll: false,
  command: 'conductor build',
};

export const NO_COUNTS: Readonly<Record<TaskOutcomeKind, number>> = {
  fresh: 0,
  cached: 0,
  verified: 0,
  built: 0,
  accepted: 0,
  drifted: 0,
  failed: 0,
  skipped: 0,
};

/** The summary of a build that found all tasks fresh. */
export function nothingDone(tasks: number, ms: number): BuildSummary {
  const counts = { ...NO_COUNTS, fresh: tasks };
  return { outcome: 'up-to-date', exitCode: 0, counts, ms, usage: {}, published: 0 };
}

/** The summary of a build that looked at tasks. `failure`: the first one; undefined: none. */
export function summary(
  {
    outcomes,
    usage,
    others = 0,
    restored = 0,
  }: {
    readonly outcomes: ReadonlyMap<Label, TaskOutcomeKind>;
    readonly usage: Usage;
    /** Fresh tasks beside them. */
    readonly others?: number;
    /** Tasks beside them whose files are written again. */
    readonly restored?: number;
  },
  failure: Failure | undefined,
  { ms, published = 0, waiting = 0 }: Pick<BuildSummary, 'ms' | 'waiting'> & { readonly published?: number },
): BuildSummary {
  const counts = { ...NO_COUNTS };
  for (const outcome of outcomes.values()) counts[outcome]++;
  counts.fresh += others;
  counts.cached += restored;
  const exitCode = failure ? exitCodeOf(failure) : 0;
  const idle = counts.cached + counts.verified + counts.built + counts.accepted === 0 && published === 0;
  const outcome = exitCode === 130 ? 'interrupted' : failure ? 'failed' : idle ? 'up-to-date' : 'built';
  const more = waiting === 0 ? {} : { waiting };
  return { outcome, exitCode, counts, ms, usage, published, ...more };
}

/** What would become of a task, by its verdict. `keepEdits`: edits are merged onto what is newly made. */
export function wouldBe(verdict: Verdict, keepEdits = false): TaskOutcomeKind {
  switch (verdict.kind) {
    case 'fresh':
    case 'cached':
      return verdict.kind;
    case 'unverified':
      return 'verified';
    case 'drifted':
      return verdict.stale ? (keepEdits ? 'built' : 'failed') : 'drifted';
    case 'stale':
      if (verdict.reverify) return 'verified';
      return verdict.reasons.some(({ kind }) => kind === 'result-missing' || kind === 'refused')
        ? 'failed'
        : 'built';
    case 'pending':
      return 'skipped';
  }
}
