/** Runs at most N asynchronous jobs at once, in the order of their priority. Does not know the jobs. */

interface Waiting {
  readonly priority: number;
  readonly order: number;
  start(): void;
}

/**
 * A counting limiter. Among waiting jobs the one with the highest priority starts first; equal ones in order of
 * arrival. A job that has not started when `signal` aborts never starts and its promise rejects with the reason.
 */
export class Limiter {
  private running = 0;
  private arrivals = 0;
  private readonly waiting: Waiting[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    if (!Number.isInteger(limit) || limit < 1) throw new Error(`BUG: a limiter of ${limit}`);
    this.limit = limit;
  }

  /** Whether a job that is run now has to wait. */
  get isFull(): boolean {
    return this.running >= this.limit;
  }

  async run<T>(job: () => Promise<T>, priority = 0, signal?: AbortSignal): Promise<T> {
    await this.enter(priority, signal);
    try {
      return await job();
    } finally {
      this.leave();
    }
  }

  private enter(priority: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.running < this.limit) {
      this.running++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.waiting.indexOf(waiting);
        if (at >= 0) this.waiting.splice(at, 1);
        reject(signal?.reason);
      };
      const waiting: Waiting = {
        priority,
        order: this.arrivals++,
        start: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.waiting.splice(this.place(waiting), 0, waiting);
    });
  }

  /** Binary search: the list stays sorted, so that ten thousand waiting jobs cost no scan at each start. */
  private place(job: Waiting): number {
    let low = 0;
    let high = this.waiting.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      const other = this.waiting[mid] as Waiting;
      const before =
        other.priority < job.priority || (other.priority === job.priority && other.order > job.order);
      if (before) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  private leave(): void {
    // The list is kept worst first, so that the next job is taken from its end.
    const next = this.waiting.pop();
    if (next) next.start();
    else this.running--;
  }
}
