/**
 * A lock on a file that the kernel frees when its holder dies: it also holds between containers and hosts that share a
 * folder. Knows nothing of what is locked.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { isNotNow } from '../errors.js';

/** `held`: another process has it. `unknown`: the system has no `flock`, or the file system knows no locks. */
export type FileLock =
  | { readonly kind: 'taken'; giveBack(): Promise<void> }
  | { readonly kind: 'held' }
  | { readonly kind: 'unknown' };

/** What `flock` ends with when another process holds the lock; of its own errors none has this number. */
const CONFLICT = 1;

type Holder = ChildProcessByStdio<Writable, Readable, null>;

/** What `flock` runs once it has the lock. */
const HOLD = 'echo held; exec cat';

/** Processes that wait for a word to take the lock of a file. */
const spares = new Map<string, Holder>();

/**
 * Starts the process of the next `lockFileOf` of this file beforehand, so that this one does not wait for its start. If the
 * system cannot start it now, `lockFileOf` starts one itself.
 */
export function prepareLockOf(path: string): void {
  if (spares.has(path)) return;
  // If its input ends without a word, it ends too.
  const wait = 'read -r word && exec flock -n "$0" sh -c "$1"; exit 3';
  let child: Holder;
  try {
    child = start('sh', ['-c', wait, path, HOLD]);
  } catch {
    return;
  }
  child.on('error', () => spares.get(path) === child && spares.delete(path));
  if (child.pid === undefined) return;
  child.stdin.on('error', () => {});
  child.on('exit', () => spares.get(path) === child && spares.delete(path));
  letLoopEnd(child);
  spares.set(path, child);
}

/** Ends what waits to take the lock of a file. */
export async function dismissLockOf(path: string): Promise<void> {
  const child = spares.get(path);
  spares.delete(path);
  if (child) await end(child);
}

function start(program: string, args: readonly string[]): Holder {
  return spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
}

/**
 * Rejects if the system cannot start a process now: without the lock, builds in two containers could run at once.
 *
 * Node has no such lock: `flock` holds it for a program that ends with this process, however it ends, since its input
 * does. A session of its own keeps Ctrl-C, which conductor outlives for a while, from it.
 */
export function lockFileOf(path: string): Promise<FileLock> {
  return new Promise((resolve, reject) => {
    const spare = spares.get(path);
    spares.delete(path);
    const child = spare ?? start('flock', ['-n', path, 'sh', '-c', HOLD]);
    // Every other error means that there is no such program.
    child.on('error', (error) => (isNotNow(error) ? reject(error) : resolve({ kind: 'unknown' })));
    // Where too many files are open, it has no pipes either.
    if (child.pid === undefined) return;
    // Until it has the lock, or does not get it, the event loop waits for it.
    child.ref();
    spare?.stdin.write('take\n');
    child.stdin.on('error', () => {});
    child.on('close', (code) => resolve(code === CONFLICT ? { kind: 'held' } : { kind: 'unknown' }));
    child.stdout.once('data', () => {
      letLoopEnd(child);
      resolve({ kind: 'taken', giveBack: () => end(child) });
    });
  });
}

/** It is no reason to stay alive. */
function letLoopEnd(child: Holder): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref?(): void }).unref?.();
}

async function end(child: Holder): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    // Not `close`: its pipes do not keep this process alive, which would end here without a word.
    child.once('exit', () => resolve());
    child.ref();
    child.stdin.end();
  });
}
