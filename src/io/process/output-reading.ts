/** Reads the streams of a program no faster than its lines are taken, and to their end. Knows no lines. */

import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Output, OutputStream } from './process-output.js';

/** How long output is still read when the program and its group are gone but something holds its pipes. */
const DRAIN_MS = 250;

export interface LineTaker {
  /** Asked after each piece of output: nothing more is read until it resolves. Undefined: the lines are taken as they come. */
  untilTaken?(): Promise<void> | undefined;
}

export class OutputReading {
  /** Ends when reading goes on. */
  private pause: Promise<void> | undefined;
  private pausedAt: number | undefined;
  private pausedMs = 0;

  constructor(streams: Readonly<Record<OutputStream, Readable | null>>, output: Output, taker: LineTaker) {
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = streams[name];
      stream?.on('data', (chunk: Buffer) => {
        output.take(chunk, name);
        const taken = taker.untilTaken?.();
        if (taken === undefined) return;
        stream.pause();
        this.pause ??= this.during(taken);
        void this.pause.then(() => stream.resume());
      });
    }
  }

  /**
   * Waits for the rest of an ended program's output. `closed`: both streams have ended. Only the time counts in which it is read: who takes
   * the lines may be stopped for an hour, and the last line may tell that the program failed.
   */
  async end(closed: Promise<void>): Promise<void> {
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    const until = this.readingMs() + DRAIN_MS;
    for (let left = DRAIN_MS; !isClosed && left > 0; left = until - this.readingMs())
      await Promise.race([closed, this.pause ?? delay(Math.ceil(left), undefined, { ref: false })]);
  }

  private async during(taken: Promise<void>): Promise<void> {
    this.pausedAt = performance.now();
    await taken;
    this.pausedMs += performance.now() - this.pausedAt;
    this.pausedAt = undefined;
    this.pause = undefined;
  }

  /** The time without pauses, from any moment. */
  private readingMs(): number {
    return (this.pausedAt ?? performance.now()) - this.pausedMs;
  }
}
