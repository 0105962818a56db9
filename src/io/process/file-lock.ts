/**
 * A lock on a file that the kernel frees when its holder dies: it also holds between containers and hosts that share a
 * folder. Knows nothing of what is locked.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

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

/** Starts now what the next `lockFileOf` of this file would have to start: that takes the time of a process less. */
export function prepareLockOf(path: string): void {
  if (spares.has(path)) return;
  // Without a word its input has ended, and so it ends.
  const wait = 'read -r word && exec flock -n "$0" sh -c "$1"; exit 3';
  const child = start('sh', ['-c', wait, path, HOLD]);
  child.on('error', () => spares.delete(path));
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
 * Node has no such lock: `flock` holds it for a program that ends with this process, however it ends, since its input
 * does. A session of its own keeps Ctrl-C, which conductor outlives for a while, from it.
 */
export function lockFileOf(path: string): Promise<FileLock> {
  return new Promise((resolve) => {
    const spare = spares.get(path);
    spares.delete(path);
    const child = spare ?? start('flock', ['-n', path, 'sh', '-c', HOLD]);
    // Until it has the lock, or does not get it, the event loop waits for it.
    child.ref();
    spare?.stdin.write('take\n');
    child.on('error', () => resolve({ kind: 'unknown' }));
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
