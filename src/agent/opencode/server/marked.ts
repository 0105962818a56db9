/** Ends processes by number, and processes with a mark in their environment. Knows no record and no server. */

import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../../../io/files.js';
import { identityOf, isSame, type ProcessIdentity, processesWith } from '../../../io/process/identity.js';

/** A killed process ends within milliseconds; conductor does not wait for one that is stuck in the kernel. */
const KILLED_TRIES = 100;

/** Kills every process that has the variable with this value, again until none is left. Returns how many. */
export async function killMarked(name: string, value: string): Promise<number> {
  const killed = new Set<number>();
  for (let round = 0; round < KILLED_TRIES; round++) {
    const left: ProcessIdentity[] = [];
    for (const pid of await processesWith(name, value)) {
      const identity = await identityOf(pid);
      if (identity === undefined) continue;
      kill(pid);
      killed.add(pid);
      left.push(identity);
    }
    if (left.length === 0) break;
    await delay(10);
  }
  return killed.size;
}

/** Kills a process and the group that has its number, and waits until the process is gone. */
export async function killGroup(identity: ProcessIdentity): Promise<void> {
  kill(-identity.pid);
  kill(identity.pid);
  for (let round = 0; round < KILLED_TRIES && (await isSame(identity)); round++) await delay(10);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // Gone already, or another user's: neither can be helped here.
    if (codeOf(error) === undefined) throw error;
  }
}
