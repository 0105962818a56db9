/** Whether a process has a file open. Linux only; on other systems the answer is always no. */

import { readdir, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfNotNow } from './errors.js';

/** Looks through `/proc`: some milliseconds, so it is asked only where there is a sign that it matters. */
export async function isOpen(path: string): Promise<boolean> {
  const processes = (await readdir('/proc').catch(throwIfNotNow)) ?? [];
  for (const pid of processes) {
    if (!/^\d+$/.test(pid)) continue;
    const files = (await readdir(`/proc/${pid}/fd`).catch(throwIfNotNow)) ?? [];
    for (const file of files) {
      if ((await readlink(`/proc/${pid}/fd/${file}`).catch(() => '')) === path) return true;
    }
  }
  return false;
}

/** Waits until no process has the file open, at most so many milliseconds. */
export async function untilClosed(path: string, atMostMs: number): Promise<void> {
  const end = performance.now() + atMostMs;
  while (performance.now() < end && (await isOpen(path))) await delay(10);
}
