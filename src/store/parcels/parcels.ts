/** The interface of the place through which commits travel between a build and its workers. Knows no place. */

import type { Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';

export interface ParcelFault {
  readonly failure: Failure;
  /** The place cannot be asked now: another try may fetch or send it. */
  readonly isAway: boolean;
  /** `content`: git's checks reject what it holds, now and later. `rule`: a hook of the place rejects it, which may pass. */
  readonly refused?: 'content' | 'rule';
}

/** Tries to send what a hook refuses. */
const RULE_TRIES = 6;

/** Tells of each fault of one transfer whether another try may succeed. Tries while the place is away do not count. */
export function worthAgain(): (fault: ParcelFault) => boolean {
  let refusals = 0;
  return ({ isAway, refused }) => isAway || (refused === 'rule' && ++refusals < RULE_TRIES);
}

export interface Parcels {
  /** `as`: another name under which it is found by those that do not know the commit. */
  send(commit: ObjectId, as?: string): Promise<Result<void, ParcelFault>>;
  /** `have`: commits that are here and on the other side, and hold most of what it is made of. */
  fetch(commit: ObjectId, have?: readonly ObjectId[]): Promise<Result<void, ParcelFault>>;
  /** The commit that was sent under this name; undefined when there is none. */
  find(name: string): Promise<Result<ObjectId | undefined, ParcelFault>>;
  /** Gives a name here to a commit that came with a parcel, so that later fetches bring only what differs from it. */
  hold(commit: ObjectId): Promise<void>;
  /** Removes their names here. Their objects stay until they are collected, and the other side keeps names and objects. */
  forget(names: readonly (ObjectId | string)[]): Promise<void>;
  /** Drops what only this process has of them: nothing reads them here any more. */
  drop(commits: readonly ObjectId[]): void;
  /** Forgets them, and the other side does, too. */
  remove(names: readonly (ObjectId | string)[]): Promise<void>;
  /** Ends what is under way; nothing is sent or fetched any more. */
  end(): void;
}

/** Below it are the parcels that are here, each named by its commit. */
export const PARCEL_REFS = 'refs/conductor/jobs/';

/** Names the last base that was sent from here. */
export const LAST_BASE = 'refs/conductor/jobs-base';

/** Below it are the parcels that a server here keeps for others. */
export const STORE_REFS = 'refs/conductor/store/';

/** Below it is what a fetch of parcels brings, until it is looked at. */
export const ARRIVING_REFS = 'refs/conductor/arriving/';

/** Whether a ref names something that only travels: it is sent or fetched again when it is needed. */
export function isOnlyParcel(ref: string): boolean {
  return ref === LAST_BASE || ref.startsWith(PARCEL_REFS) || ref.startsWith(ARRIVING_REFS);
}

/** Names of parcels come from other machines: they stand in lines that git reads, and in addresses. */
export function isParcelName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9.-]+$/.test(name);
}

/** Names from elsewhere are looked at with `isParcelName` first. */
export function parcelRef(name: ObjectId | string): string {
  if (!isParcelName(name)) throw new Error(`BUG: ${JSON.stringify(name)} is no name of a parcel`);
  return PARCEL_REFS + name;
}
