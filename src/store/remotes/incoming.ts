/** Where refs stand while they are fetched: below the id of the process that fetches, so that only what a dead one left is removed. */

import { randomBytes } from 'node:crypto';
import { isAlive } from '../../io/files.js';
import type { GitObjects } from '../../io/git/objects.js';
import { deleteRefs } from '../../io/git/transfer.js';

const INCOMING = 'refs/conductor/incoming/';

/** The start of the names of one process. */
export function incomingOf(pid: number): string {
  return `${INCOMING}${pid}-`;
}

/** A folder of refs for one fetch. */
export function newIncoming(pid: number): string {
  return `${incomingOf(pid)}${randomBytes(6).toString('hex')}/`;
}

/** What a fetch that was killed has left. Its objects stay until `conductor gc`: they may be of use. */
export async function sweepIncoming(objects: GitObjects): Promise<void> {
  const left = [...(await objects.refs(INCOMING)).keys()].filter((ref) => {
    const pid = Number(/^\d+/.exec(ref.slice(INCOMING.length))?.[0]);
    return !isAlive(pid);
  });
  await deleteRefs(objects.store, left);
}
