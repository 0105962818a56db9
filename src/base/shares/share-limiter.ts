/**
 * One limit of places for the jobs of several sharers, by weight: who gets the next free place is decided by what each has
 * had so far. Does not know the jobs.
 */

import type { Turns } from '../limiter.js';
import { WaitingJobs } from '../waiting-jobs.js';
import { nextSharer, type Sharer, usedOnReturn } from './shares.js';

export interface ShareTerms {
  readonly least: number;
  readonly most: number;
  /** May change with time. */
  weight(now: number): number;
}

/** What a sharer has had. */
export interface ShareUse {
  readonly jobs: number;
  /** Milliseconds over all its jobs. */
  readonly workMs: number;
  readonly waitMs: number;
}

/** What a job is taken to need until one has ended: only its ratio to real ones matters, and only for a short time. */
const UNKNOWN_MS = 60_000;

export class ShareLimiter {
  private readonly limit: number;
  private readonly now: () => number;
  private readonly shares: Share[] = [];
  private running = 0;

  constructor(limit: number, now: () => number) {
    if (!Number.isInteger(limit) || limit < 1) throw new Error(`BUG: a limiter of ${limit}`);
    this.limit = limit;
    this.now = now;
  }

  get isFull(): boolean {
    return this.running >= this.limit;
  }

  /** One more sharer. */
  add(terms: ShareTerms): Share {
    const share: Share = new Share(terms, {
      now: this.now,
      isFull: () => this.isFull,
      others: (now) => this.shares.filter((one) => one !== share).map((one) => one.soFar(now)),
      advance: () => this.advance(),
      ended: () => {
        this.running--;
        this.advance();
      },
    });
    this.shares.push(share);
    return share;
  }

  private advance(): void {
    while (!this.isFull) {
      const now = this.now();
      const next = nextSharer(this.shares.map((share) => share.state(now)));
      if (next === undefined) return;
      this.running++;
      this.shares[next]?.startNext(now);
    }
  }
}

interface ShareParts {
  now(): number;
  isFull(): boolean;
  others(now: number): Sharer[];
  advance(): void;
  ended(): void;
}

/** The turns of one sharer. */
export class Share implements Turns {
  private readonly terms: ShareTerms;
  private readonly parts: ShareParts;
  private readonly waiting = new WaitingJobs();
  /** When each running job began. */
  private readonly running = new Map<number, number>();
  /** Of these the ones that do not know it yet, in the order of their starts. */
  private readonly taken: number[] = [];
  private started = 0;
  private ended = 0;
  private workMs = 0;
  private waitMs = 0;
  /** By jobs that have ended. */
  private used = 0;

  constructor(terms: ShareTerms, parts: ShareParts) {
    this.terms = terms;
    this.parts = parts;
  }

  get isFull(): boolean {
    return this.parts.isFull() || this.running.size >= this.terms.most;
  }

  get use(): ShareUse {
    return { jobs: this.ended, workMs: this.workMs, waitMs: this.waitMs };
  }

  async run<T>(job: () => Promise<T>, priority = 0, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const from = this.parts.now();
    if (this.waiting.size + this.running.size === 0)
      this.used = usedOnReturn(this.used, this.parts.others(from));
    const turn = this.waiting.wait(priority, signal);
    this.parts.advance();
    const number = await turn.then(() => this.taken.shift() as number);
    this.waitMs += this.parts.now() - from;
    try {
      return await job();
    } finally {
      this.leave(number);
    }
  }

  /** Called by the limiter, which counts the place. */
  startNext(now: number): void {
    const number = this.started++;
    this.running.set(number, now);
    this.taken.push(number);
    this.waiting.startNext();
  }

  /** What counts when it is chosen: each running job with the time that it is expected to take at least. */
  state(now: number): Sharer {
    return this.sharer(now, this.ended === 0 ? UNKNOWN_MS : this.workMs / this.ended);
  }

  /** What it has had in truth. */
  soFar(now: number): Sharer {
    return this.sharer(now, 0);
  }

  private sharer(now: number, expected: number): Sharer {
    const { least, most } = this.terms;
    const weight = this.terms.weight(now);
    let used = this.used;
    for (const since of this.running.values()) used += Math.max(expected, now - since) / weight;
    return { waiting: this.waiting.size, running: this.running.size, least, most, weight, used };
  }

  private leave(number: number): void {
    const now = this.parts.now();
    const ms = now - (this.running.get(number) ?? now);
    this.running.delete(number);
    this.ended++;
    this.workMs += ms;
    this.used += ms / this.terms.weight(now);
    this.parts.ended();
  }
}
