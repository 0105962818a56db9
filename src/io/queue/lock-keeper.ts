/**
 * Renews the locks of a worker's jobs in a thread of its own, so that a long computation of the worker does not lose
 * them. A worker that does not move any more at all is given up: its locks run out, and others do its work.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';

/** A lock, and the worker's word that it still wants it. */
export interface HeldLock {
  readonly queue: string;
  readonly id: string;
  readonly token: string;
}

export interface KeeperOptions {
  readonly url: string;
  readonly prefix: string;
  readonly lockMs: number;
}

export type KeeperOrder =
  | { readonly kind: 'hold' | 'drop'; readonly lock: HeldLock }
  | { readonly kind: 'alive' };

/** Milliseconds between two signs of life, and without any until a worker counts as hung. */
const ALIVE_MS = 1000;
export const HUNG_MS = 60_000;

export class LockKeeper {
  private readonly thread: Thread;
  private readonly alive: NodeJS.Timeout;

  private constructor(thread: Thread, onLost: (lock: HeldLock) => void) {
    this.thread = thread;
    thread.on('message', onLost);
    this.alive = setInterval(() => this.tell({ kind: 'alive' }), ALIVE_MS);
  }

  /** Undefined where the thread's own file is missing, as in a source tree: then the worker renews its locks itself. */
  static open(options: KeeperOptions, onLost: (lock: HeldLock) => void): LockKeeper | undefined {
    const file = new URL('./lock-keeper-thread.js', import.meta.url);
    if (!existsSync(fileURLToPath(file))) return undefined;
    const thread = new Thread(file, { workerData: options });
    return new LockKeeper(thread, onLost);
  }

  hold(lock: HeldLock): void {
    this.tell({ kind: 'hold', lock });
  }

  drop(lock: HeldLock): void {
    this.tell({ kind: 'drop', lock });
  }

  async close(): Promise<void> {
    clearInterval(this.alive);
    await this.thread.terminate();
  }

  private tell(order: KeeperOrder): void {
    this.thread.postMessage(order);
  }
}
