/** Reads the streams of a program no faster than its lines are taken, and to their end. Knows no lines. */

import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Output, OutputStream } from './process-output.js';

/** How long output is still awaited when the program and its group are gone but something holds its pipes. */
const DRAIN_MS = 250;
/** The same where the lines are not taken as fast as they come: what holds the pipes may write without end. */
const LONGEST_DRAIN_MS = 30_000;

export interface LineTaker {
  /** Asked after each piece of output: nothing more is read until it resolves. Undefined: the lines are taken as they come. */
  untilTaken?(): Promise<void> | undefined;
}

export class OutputReading {
  /** How often reading has paused, and how many streams do now. */
  private pauses = 0;
  private paused = 0;

  constructor(streams: Readonly<Record<OutputStream, Readable | null>>, output: Output, taker: LineTaker) {
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = streams[name];
      stream?.on('data', (chunk: Buffer) => {
        output.take(chunk, name);
        const taken = taker.untilTaken?.();
        if (taken === undefined) return;
        this.pauses++;
        this.paused++;
        stream.pause();
        void taken.then(() => {
          this.paused--;
          stream.resume();
        });
      });
    }
  }

  /** Waits for the rest of an ended program's output. `closed`: both streams have ended. */
  async end(closed: Promise<void>): Promise<void> {
    const deadline = performance.now() + LONGEST_DRAIN_MS;
    let pauses: number;
    do {
      pauses = this.pauses;
      await Promise.race([closed, delay(DRAIN_MS, undefined, { ref: false })]);
    } while ((this.pauses !== pauses || this.paused > 0) && performance.now() < deadline);
  }
}
