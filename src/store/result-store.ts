/** The interface of the store of results: by key, created once, never replaced. `git-results.ts` implements it. */

import type { Result } from '../base/result.js';
import type { ActionKey, EditPatch, Provenance, StoredResult } from '../model/action.js';
import type { Digest } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import type { Files, ObjectId } from '../model/tree.js';

export interface NewResult {
  readonly key: ActionKey;
  readonly outputs: Files;
  readonly edits: readonly EditPatch[];
  readonly provenance: Provenance;
  /**
   * Whether others are being made now with which it may be stored together: it waits a moment for them. Absent: it is stored as
   * soon as can be.
   */
  readonly mayWait?: (() => boolean) | undefined;
}

/** A result as it is in the store. */
export interface KeptResult extends StoredResult {
  /** Another one was there first, here or on a remote, and this is it: the gates of ours say nothing of it. */
  readonly adopted?: boolean;
  /** The key had this result or another one before: a build that is refused leaves it in the store. */
  readonly stood?: boolean;
}

/** Entries that are not on every remote that they were to be sent to. */
export interface UnsentReport {
  readonly entries: number;
  /** Entries that earlier builds could not send, and that are sent now. */
  readonly late: number;
  readonly remotes: readonly { readonly name: string; readonly detail: string }[];
}

export interface ResultStore {
  /** The result of a key; undefined when there is none; `result-damaged` when what is there cannot be trusted. */
  find(key: ActionKey): Promise<Result<StoredResult | undefined, Failure>>;
  /** As `find`; remotes that did not have it before are asked again. Absent: there are no remotes. */
  findNow?(key: ActionKey): Promise<Result<StoredResult | undefined, Failure>>;
  /** Resolves when nothing that was kept so far is still on its way to a remote. */
  sent?(): Promise<void>;
  /** After `close`: what could not be sent. Absent: there are no remotes. */
  unsent?(): UnsentReport;
  /** Remotes that did not answer when this key was looked for: it may be there. Absent: there are no remotes. */
  unreached?(key: ActionKey): readonly string[];
  /** Keeps a result. When the key has one already, that one stands and is returned. */
  keep(result: NewResult): Promise<Result<KeptResult, Failure>>;
  /**
   * Takes a result that a worker has made, by a commit that is here, if the trust rules let it in. Absent: nothing is made
   * elsewhere.
   */
  admit?(key: ActionKey, commit: ObjectId): Promise<Result<KeptResult, Failure>>;
  /** Forgets a result that was found damaged, so that its key can be built again. */
  forget(key: ActionKey): Promise<void>;
  /** The commit that remotes have for a key, the first that answers before the others; undefined: none that is known. */
  standing?(key: ActionKey): Promise<ObjectId | undefined>;
  /** Whether these gates passed, on the content that their key names. */
  gatesPassed(key: Digest): Promise<boolean>;
  recordGates(key: Digest): Promise<void>;
  /**
   * Makes everything kept so far independent of the person's repository. Reading and publishing may go on meanwhile. Rejects when
   * that failed; who ends for another reason need not listen.
   */
  repack(): Promise<void>;
  /** Waits for a limited time until new results are on the remotes, and for the end of `repack`, and closes all connections. */
  close(): Promise<void>;
}
