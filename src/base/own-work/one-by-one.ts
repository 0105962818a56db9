/**
 * Lets the own work of this process go on piece by piece where many jobs come back at the same time: the first is done early
 * instead of all late. Knows no job.
 */

import { performance } from 'node:perf_hooks';
import { WaitingJobs } from '../waiting-jobs.js';

/** How often it is asked whether the process has nothing to do, while a job waits. */
const ASKED_MS = 1;
/** So long one job keeps the next one waiting at most: others may use the process too. */
const LONGEST_MS = 50;
/** Of the time since it was last asked: above it, the pieces that go on wait for something else. */
const IDLE_SHARE = 0.5;
/** So long what is not urgent waits at most. */
const QUIET_MS = 200;

export interface OneByOneHost {
  /** The part of the time since the last call in which the process had nothing to do: 0 to 1. */
  idleShare(): number;
  /** Milliseconds. */
  now(): number;
}

export class OneByOne {
  private readonly host: OneByOneHost;
  private readonly waiting = new WaitingJobs();
  /** What waits until nothing goes on or waits. */
  private readonly quiet = new WaitingJobs();
  /** Pieces for whose end others wait. */
  private readonly going = new Set<object>();
  /** When the last job was let go on. */
  private since = 0;
  private quietFrom = 0;
  private isChoosing = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(host: OneByOneHost = processHost()) {
    this.host = host;
  }

  /**
   * A job begins: resolves when no other piece goes on, or those that do wait for something else, and before jobs that come back. So jobs
   * that begin together do not come back together either. The returned function ends its piece.
   */
  async begin(): Promise<() => void> {
    if (this.going.size > 0) {
      this.watch();
      await this.waiting.wait(1);
    }
    return this.goOn();
  }

  /** A job comes back: as for one that begins, but after these. */
  async comeBack(): Promise<() => void> {
    if (this.going.size > 0 || this.isChoosing) {
      this.watch();
      await this.waiting.wait(0);
    }
    return this.goOn();
  }

  private goOn(): () => void {
    const piece = {};
    this.going.add(piece);
    return () => {
      if (this.going.delete(piece)) this.choose();
    };
  }

  /** Resolves when no piece goes on and none waits, so that what comes together can be done together. */
  async untilQuiet(): Promise<void> {
    if (this.quiet.size === 0) this.quietFrom = this.host.now();
    const quiet = this.quiet.wait(0);
    this.watch();
    if (this.going.size === 0) this.choose();
    await quiet;
  }

  /** Soon, and not now: what has just ended may let another job begin, which goes first. */
  private choose(): void {
    if (this.isChoosing || this.waiting.size + this.quiet.size === 0) return;
    this.isChoosing = true;
    setImmediate(() => {
      this.isChoosing = false;
      if (this.going.size > 0 || this.startNext()) return;
      this.startQuiet();
    });
  }

  private startNext(): boolean {
    // Those that go on lose their place.
    this.going.clear();
    this.since = this.host.now();
    return this.waiting.startNext();
  }

  private startQuiet(): void {
    while (this.quiet.startNext());
  }

  private watch(): void {
    if (this.timer !== undefined) return;
    this.host.idleShare();
    this.since = this.host.now();
    const ask = () => {
      this.timer = undefined;
      const isIdle = this.host.idleShare() > IDLE_SHARE;
      const now = this.host.now();
      if ((isIdle || now - this.since > LONGEST_MS) && !this.startNext()) this.startQuiet();
      if (now - this.quietFrom > QUIET_MS) this.startQuiet();
      if (this.waiting.size + this.quiet.size > 0) this.timer = setTimeout(ask, ASKED_MS);
    };
    this.timer = setTimeout(ask, ASKED_MS);
  }
}

function processHost(): OneByOneHost {
  let last = performance.eventLoopUtilization();
  return {
    idleShare() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return 1 - utilization;
    },
    now: () => performance.now(),
  };
}
