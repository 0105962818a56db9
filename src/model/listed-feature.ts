/** A feature as its spec and its lock file describe it, for lists. Plain data. */

import type { FeatureLock } from './feature-lock.js';

export interface ListedFeature {
  readonly feature: string;
  readonly title: string;
  /** `new`: nothing of it was ever built; `unknown`: its lock file cannot be read. */
  readonly status: FeatureLock['status'] | 'new' | 'unknown';
  /** Tasks of its spec; undefined when that cannot be read. */
  readonly tasks: number | undefined;
  /** Those of them with a record in its lock file; undefined when that cannot be read. */
  readonly recorded: number | undefined;
  readonly version?: string;
  /** ISO 8601, UTC. */
  readonly lastGenerated?: string;
  readonly attempts?: number;
  readonly costUsd?: number;
}
