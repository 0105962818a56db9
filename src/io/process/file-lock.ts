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

/**
 * Node has no such lock: `flock` holds it for a program that ends with this process, however it ends, since its input
 * does. A session of its own keeps Ctrl-C, which conductor outlives for a while, from it.
 */
export function lockFileOf(path: string): Promise<FileLock> {
  return new Promise((resolve) => {
    const child = spawn('flock', ['-n', path, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
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
function letLoopEnd(child: ChildProcessByStdio<Writable, Readable, null>): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref?(): void }).unref?.();
}

async function end(child: ChildProcessByStdio<Writable, Readable, null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    // Not `close`: its pipes do not keep this process alive, which would end here without a word.
    child.once('exit', () => resolve());
    child.ref();
    child.stdin.end();
  });
}
