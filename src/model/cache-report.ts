/** The results of `conductor cache` and `conductor gc`, as data. Knows no store. */

import type { Label } from './task.js';

export interface PushReport {
  /** Entries that the remotes hold now, new there or not. */
  readonly stored: number;
  /** A remote holds another result under their key. */
  readonly taken: readonly Label[];
  /** Recorded, and not in the store here. */
  readonly absent: readonly Label[];
  readonly unsent: number;
}

export interface PullReport {
  readonly present: number;
  readonly brought: number;
  /** Recorded, and neither here nor on a remote. */
  readonly missing: readonly Label[];
  /** Recorded, not here, and not known to be missing: a remote did not answer. */
  readonly unreached: readonly Label[];
}

export interface VerifyReport {
  readonly results: number;
  readonly damaged: readonly { readonly key: string; readonly label?: Label; readonly detail: string }[];
  /** Objects of their own and packs that were read. */
  readonly objects: number;
  /** Those that are not what their name says, relative to the folder of objects. */
  readonly broken: readonly string[];
  readonly removed: boolean;
}

export interface CacheStats {
  readonly results: number;
  readonly gates: number;
  /** Of the results, how many each recipe made. */
  readonly recipes: Readonly<Record<string, number>>;
  readonly pullRequests: number;
  /** Dollars that agents cost to make what is kept. */
  readonly costUsd: number;
  /** Bytes on disk of everything that conductor keeps, snapshots included. */
  readonly bytes: number;
  readonly recorded: number;
  /** Recorded, and not in the store. */
  readonly absent: number;
  readonly remotes: readonly { readonly url: string; readonly read: boolean; readonly write: boolean }[];
}

export interface CollectReport {
  readonly dryRun: boolean;
  readonly kept: number;
  /** Of those, how many some lock names. */
  readonly named: number;
  readonly removed: number;
  /** Freed on disk; about so many that would be, for a dry run. */
  readonly bytes: number;
}

export interface RemoteCollectReport {
  readonly dryRun: boolean;
  readonly remote: string;
  readonly kept: number;
  /** Of those, how many some lock names. */
  readonly named: number;
  readonly removed: number;
}
