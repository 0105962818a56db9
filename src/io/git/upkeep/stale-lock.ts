/**
 * Lock files of a git that was killed. One that a live process may hold is never removed: not even when it stands for a
 * long time. Knows nothing of what is locked.
 */

import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfNotNow, throwIfNotSeen } from '../../errors.js';
import { namesIn } from '../../files.js';
import { isOpen } from '../../open-files.js';

/** git holds such a lock only briefly; if its holder is unknown, a lock of this age counts as abandoned. */
const DEAD_MS = 10 * 60 * 1000;
/** Commands of git that lock refs or the files of a store. */
const LOCKING = new Set([
  'update-ref',
  'pack-refs',
  'fetch',
  'worktree',
  'receive-pack',
  'gc',
  'prune',
  'config',
]);

/** True when it is gone: it was stale, or its holder was done with it. */
export async function removeStaleLock(path: string, store: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return true;
  const age = performance.timeOrigin + performance.now() - found.mtimeMs;
  if (process.platform !== 'linux' && age < DEAD_MS) return false;
  if ((await isOpen(path)) || (await isUsed(store))) return false;
  const again = await stat(path).catch(() => undefined);
  // Another one of the same name is a new lock.
  if (again?.ino !== found.ino || again.mtimeMs !== found.mtimeMs) return again === undefined;
  await rm(path, { force: true });
  return true;
}

/** What is known of a lock that a killed git of conductor's may have left in the person's repository. */
export interface KilledLock {
  /** Milliseconds since 1970: it is not older. */
  readonly since: number;
  /** What that git would have written into it; it may be empty too. */
  readonly content: string;
  /** Root of the work tree. */
  readonly top: string;
}

/** `foreign`: another git made it. `held`: a git that runs in the work tree may hold it, perhaps the killed one, which is ending. */
export async function removeKilledLock(
  path: string,
  { since, content, top }: KilledLock,
): Promise<'gone' | 'foreign' | 'held'> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return 'gone';
  if (process.platform !== 'linux' || found.mtimeMs < since) return 'foreign';
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text !== '' && text !== content) return 'foreign';
  if ((await isOpen(path)) || (await isWorkedIn(top))) return 'held';
  const again = await stat(path).catch(() => undefined);
  if (again === undefined) return 'gone';
  if (again.ino !== found.ino || again.mtimeMs !== found.mtimeMs) return 'held';
  await rm(path, { force: true });
  return 'gone';
}

/** Whether a git that this process did not start runs in the folder. */
async function isWorkedIn(top: string): Promise<boolean> {
  for (const pid of (await readdir('/proc').catch(throwIfNotNow)) ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(throwIfNotNow)) ?? '';
    if (name.trim() !== 'git') continue;
    const folder = (await readlink(`/proc/${pid}/cwd`).catch(throwIfNotNow)) ?? '';
    if ((folder === top || folder.startsWith(`${top}/`)) && !(await isChild(pid))) return true;
  }
  return false;
}

/** Every lock file among the refs and the files of the store, and what git was writing under one of them. */
export async function removeStaleLocks(store: string): Promise<void> {
  const refs = (await readdir(join(store, 'refs'), { recursive: true }).catch(throwIfNotSeen)) ?? [];
  const top = await namesIn(store);
  const found = [...refs.map((name) => join(store, 'refs', name)), ...top.map((name) => join(store, name))];
  const written = join(store, 'packed-refs.new');
  for (const path of found) {
    if (path.endsWith('.lock') || path === written) await removeStaleLock(path, store);
  }
}

/** Whether a git that may hold the lock is alive: it names the store on its command line. */
async function isUsed(store: string): Promise<boolean> {
  for (const pid of (await readdir('/proc').catch(throwIfNotNow)) ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(throwIfNotNow)) ?? '';
    if (!line.includes(`--git-dir=${store}\0`)) continue;
    const words = line.split('\0');
    const command = words.find((word, at) => at > 0 && !word.startsWith('-') && words[at - 1] !== '-c') ?? '';
    if (!LOCKING.has(command)) continue;
    // That of this very process waits for a request, between two transactions.
    if (command === 'update-ref' && (await isChild(pid))) continue;
    return true;
  }
  return false;
}

async function isChild(pid: string): Promise<boolean> {
  const status = (await readFile(`/proc/${pid}/status`, 'utf8').catch(throwIfNotNow)) ?? '';
  return status.includes(`\nPPid:\t${process.pid}\n`);
}
