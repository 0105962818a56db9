/** What the history of a project comes to: sums, rates and days, as plain data. */

import type { TaskOutcomeKind } from './event.js';

/** What sessions of agents have used. */
export interface Spent {
  readonly calls: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached: number;
  readonly costUsd: number;
  /** Calls that did not say what they cost: the sum of money lacks them. */
  readonly unpriced: number;
}

/** So many of so many. */
export interface Rate {
  readonly of: number;
  readonly ok: number;
}

export interface Sizes {
  readonly count: number;
  readonly median: number;
  readonly p90: number;
  readonly max: number;
}

export interface Group extends Spent {
  readonly name: string;
}

export interface Arm extends Spent {
  readonly name: string;
  readonly models: readonly string[];
  readonly tasks: number;
  readonly firstAttempt: Rate;
  /** Tasks that were built in the end. */
  readonly built: number;
  readonly medianMs: number;
}

export interface Day extends Spent {
  /** `2026-01-31`, UTC. */
  readonly day: string;
  readonly built: number;
  readonly failed: number;
  readonly cached: number;
  readonly firstAttempt: Rate;
}

export interface Metrics {
  readonly schema: 1;
  /** Milliseconds since 1970, UTC: of the first and the last line; absent when there is none. */
  readonly from?: number;
  readonly to?: number;
  readonly builds: number;
  /** Tasks, without documents of plans. */
  readonly outcomes: Readonly<Record<Exclude<TaskOutcomeKind, 'fresh'>, number>>;
  /** Agents' tasks that were made, and those of them that the first attempt at the spec as it stood has made. */
  readonly firstAttempt: Rate;
  /** Tasks with a spec that a rebase has improved, and those that the next attempt has made. */
  readonly afterRebase: Rate;
  readonly rebases: number;
  readonly spent: Spent;
  /** What results from the store, and results for which only gates ran, cost when they were built. */
  readonly saved: Spent;
  readonly byModel: readonly Group[];
  readonly byFeature: readonly Group[];
  readonly byPhase: readonly Group[];
  /** Milliseconds of tasks that were made. */
  readonly time: Sizes;
  /** Bytes. */
  readonly prompts: Readonly<Record<'implementation' | 'planning', Sizes>>;
  /** Kinds of the failures of attempts, the most frequent first. */
  readonly failures: readonly { readonly kind: string; readonly count: number }[];
  readonly arms: readonly Arm[];
  /** Days on which something happened. */
  readonly days: readonly Day[];
}
