/** Runs at most N asynchronous jobs at once, in the order of their priority. Does not know the jobs. */

import type { OneByOne } from './own-work/one-by-one.js';
import { WaitingJobs } from './waiting-jobs.js';

/** Where jobs wait for their turn. */
export interface Turns {
  /** Whether a job that is run now has to wait. */
  readonly isFull: boolean;
  /**
   * Among waiting jobs the one with the highest priority starts first; equal ones in order of arrival. A job that has not
   * started when `signal` aborts never starts and its promise rejects with the reason.
   */
  run<T>(job: () => Promise<T>, priority?: number, signal?: AbortSignal): Promise<T>;
}

/** A counting limiter. */
export class Limiter implements Turns {
  private running = 0;
  private readonly waiting = new WaitingJobs();
  private limit: number;

  constructor(limit: number) {
    if (!Number.isInteger(limit) || limit < 1) throw new Error(`BUG: a limiter of ${limit}`);
    this.limit = limit;
  }

  get isFull(): boolean {
    return this.running >= this.limit;
  }

  /** From now on no more than this many; what runs already goes on. */
  lower(limit: number): void {
    this.limit = Math.min(this.limit, limit);
  }

  async run<T>(job: () => Promise<T>, priority = 0, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const turn = this.isFull ? this.waiting.wait(priority, signal) : undefined;
    if (!turn) this.running++;
    await turn;
    try {
      return await job();
    } finally {
      this.leave();
    }
  }

  private leave(): void {
    // A job that starts takes the place of the one that left.
    if (this.running > this.limit || !this.waiting.startNext()) this.running--;
  }
}

/** Turns in order of arrival, for jobs of several projects: their priorities cannot be compared. */
export function inArrival(turns: Turns): Turns {
  return {
    get isFull() {
      return turns.isFull;
    },
    run: (job, _priority, signal) => turns.run(job, 0, signal),
  };
}

/** Two limits at once: a job waits for the inner turn first, so that it never keeps an outer one without working. */
export function bothTurns(outer: Turns | undefined, inner: Turns): Turns {
  if (outer === undefined) return inner;
  return {
    get isFull() {
      return inner.isFull || outer.isFull;
    },
    run: (job, priority, signal) => inner.run(() => outer.run(job, priority, signal), priority, signal),
  };
}

/** A turn that its job can give back before its end, and take again. */
export interface HeldTurn {
  /**
   * Lets another job have the turn. Does nothing if as many jobs as `leaving` allows already run without their turn. `isLight`: not
   * counted, and always leaves. Where it left, it resolves when no own work of others goes on or waits: what comes together can then be done
   * together.
   */
  leave(isLight?: boolean): Promise<void>;
  /** Whether other jobs have a turn. */
  readonly othersWork: () => boolean;
  /** Waits for a turn, if it was left. */
  take(): Promise<void>;
  /** From now on the job waits for something else, and the own work of others may go on. */
  pause(): void;
  /** Waits until its own work may go on again. */
  resume(): Promise<void>;
}

export interface HeldTurnOptions {
  readonly turns: Turns;
  /** Of jobs that go on without their turn. */
  readonly leaving: Turns;
  /** For jobs that wait most of the time: their own work, one after the other. Absent: all at the same time. */
  readonly own?: OneByOne | undefined;
  readonly priority: number;
  readonly signal: AbortSignal;
}

/** Jobs that hold one of these turns now. */
const holders = new WeakMap<Turns, number>();

/** Runs the job when it has a turn. */
export async function withHeldTurn<T>(
  { turns, leaving, own, priority, signal }: HeldTurnOptions,
  job: (turn: HeldTurn) => Promise<T>,
): Promise<T> {
  let giveBack: (() => void) | undefined;
  let cameBack: (() => void) | undefined;
  let pauseOwn: (() => void) | undefined;
  const resume = async () => {
    pauseOwn ??= await own?.comeBack();
  };
  const pause = () => {
    pauseOwn?.();
    pauseOwn = undefined;
  };
  const holding = () => holders.get(turns) ?? 0;
  const take = async () => {
    if (giveBack) return;
    await new Promise<void>((resolve, reject) => {
      const held = () =>
        new Promise<void>((end) => {
          giveBack = end;
          holders.set(turns, holding() + 1);
          resolve();
        });
      turns.run(held, priority, signal).catch(reject);
    });
    cameBack?.();
    cameBack = undefined;
  };
  const end = () => {
    pause();
    if (!giveBack) return;
    holders.set(turns, holding() - 1);
    giveBack();
    giveBack = undefined;
  };
  const leave = async (isLight = false) => {
    pause();
    if (giveBack && (isLight || !leaving.isFull)) {
      const gone = new Promise<void>((resolve) => {
        cameBack = resolve;
      });
      if (!isLight) void leaving.run(() => gone);
      end();
    }
    // The next job waits for a worker that is kept.
    if (!giveBack) await own?.untilQuiet();
  };
  await take();
  try {
    pauseOwn = await own?.begin();
    const othersWork = () => holding() > (giveBack ? 1 : 0);
    return await job({ leave, take, othersWork, pause, resume });
  } finally {
    end();
    cameBack?.();
  }
}
