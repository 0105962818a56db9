/**
 * Fetches refs under names that stand only while they are fetched: below the id of the process that fetches, so that only what a
 * dead one left is removed. Knows no results.
 */

import { randomBytes } from 'node:crypto';
import { isAlive } from '../../io/files.js';
import type { GitObjects } from '../../io/git/objects.js';
import { type Away, deleteRefs, fetchRefs, type TransferFault } from '../../io/git/transfer.js';
import type { ObjectId } from '../../model/tree.js';
import type { RemoteFault } from '../remote-fault.js';

const INCOMING = 'refs/conductor/incoming/';

/** A folder of refs for one fetch. */
export function newIncoming(pid: number): string {
  return `${INCOMING}${pid}-${randomBytes(6).toString('hex')}/`;
}

/** Who fetches, and into which repository. */
export interface Fetcher {
  readonly objects: GitObjects;
  readonly pid: number;
}

/** The refs there that start with one of the names, with what they name: their objects stay here, the refs do not. */
export async function fetchIncoming(
  { objects, pid }: Fetcher,
  away: Away,
  names: readonly string[],
): Promise<{ readonly refs: ReadonlyMap<string, ObjectId>; readonly fault?: RemoteFault }> {
  const into = newIncoming(pid);
  const patterns = names.map((name) => `${name}*`);
  try {
    const { refs, fault } = await fetchRefs(away, patterns, into);
    return fault ? { refs, fault: asFault(fault) } : { refs };
  } finally {
    await deleteRefs(objects.store, (await objects.refs(into)).keys());
  }
}

export function asFault({ kind, ...rest }: TransferFault): RemoteFault {
  return { kind: kind === 'silent' ? 'failed' : kind, ...rest };
}

/** What a fetch that was killed has left. Its objects stay until `conductor gc`: they may be of use. */
export async function sweepIncoming(objects: GitObjects): Promise<void> {
  const left = [...(await objects.refs(INCOMING)).keys()].filter((ref) => {
    const pid = Number(/^\d+/.exec(ref.slice(INCOMING.length))?.[0]);
    return !isAlive(pid);
  });
  await deleteRefs(objects.store, left);
}
