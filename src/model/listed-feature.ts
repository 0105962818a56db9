/** A feature as its spec and its lock file describe it, for lists. Plain data. */

export interface ListedFeature {
  readonly feature: string;
  readonly title: string;
  /** `complete`: every task has a record; `new`: nothing of it was ever built; `unknown`: its lock file cannot be read. */
  readonly status: 'complete' | 'incomplete' | 'new' | 'unknown';
  /** Tasks of its spec; undefined when that cannot be read. */
  readonly tasks: number | undefined;
  /** Those of them with a record in its lock file; undefined when that cannot be read. */
  readonly recorded: number | undefined;
  /** Absent without a git repository. */
  readonly version?: string;
  /** ISO 8601, UTC. This and the sums are of the recorded results that the store has. */
  readonly lastGenerated?: string;
  readonly attempts?: number;
  readonly costUsd?: number;
}
