/**
 * The interface of a remote that holds entries, with its errors as data. Arriving entries are objects in conductor's
 * repository whose bytes were hashed again; others decide whether to trust them.
 */

import type { ObjectId } from '../model/tree.js';
import type { ClaimPlace } from './claims/claim-place.js';
import type { EntryName } from './encoded-entry.js';
import type { RemoteFault } from './remote-fault.js';

export type { RemoteFault };

export interface Fetched {
  /** Those that it has, as commits in conductor's repository that no ref names yet. */
  readonly commits: ReadonlyMap<EntryName, ObjectId>;
  /** What it has and what cannot be what it says it is: bytes that do not match their digests, unsafe paths. */
  readonly refused: ReadonlyMap<EntryName, string>;
  /** Why the others could not be asked for; absent when it simply does not have them. */
  readonly fault?: RemoteFault;
}

export interface Offered {
  /** `stored`: the remote has exactly ours now. `taken`: it has another one, which stays. */
  readonly outcomes: ReadonlyMap<EntryName, 'stored' | 'taken'>;
  /** Why the others are not there. */
  readonly fault?: RemoteFault;
}

export interface Replacement {
  readonly name: EntryName;
  readonly commit: ObjectId;
  readonly standing: ObjectId | undefined;
}

export interface RemoteStore {
  /** For people; without credentials. */
  readonly name: string;
  /** Where builds say what they are making; absent: it cannot hold such claims. */
  readonly claims?: ClaimPlace;
  /** Many in as few round trips as the place allows. */
  fetch(names: readonly EntryName[], signal: AbortSignal): Promise<Fetched>;
  /** Creates what is not there yet; what is there is never replaced. */
  offer(entries: ReadonlyMap<EntryName, ObjectId>, signal: AbortSignal): Promise<Offered>;
  /**
   * Puts an entry in the place of the standing one, which nobody may use, unless that has changed meanwhile. Absent
   * `standing`: what is there is no entry. Undefined: done.
   */
  replace(entry: Replacement, signal: AbortSignal): Promise<RemoteFault | undefined>;
  /** Lets connections go. */
  close(): Promise<void>;
}
