/** Jobs that wait, the next one first. Does not know the jobs. */

interface WaitingJob {
  readonly priority: number;
  readonly order: number;
  start(): void;
}

/** The job with the highest priority is the next; of equal ones the one that came first. */
export class WaitingJobs {
  private arrivals = 0;
  private readonly jobs: WaitingJob[] = [];

  get size(): number {
    return this.jobs.length;
  }

  /** Resolves when the job is taken. Rejects with the signal's reason, and is taken no more, when it aborts before. */
  wait(priority: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.jobs.indexOf(job);
        if (at >= 0) this.jobs.splice(at, 1);
        reject(signal?.reason);
      };
      const job: WaitingJob = {
        priority,
        order: this.arrivals++,
        start: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.jobs.splice(this.place(job), 0, job);
    });
  }

  /** Starts the next job; false if none waits. */
  startNext(): boolean {
    // The list is kept worst first, so that the next job is taken from its end.
    const next = this.jobs.pop();
    next?.start();
    return next !== undefined;
  }

  /** Binary search: the list stays sorted, so that ten thousand waiting jobs cost no scan at each start. */
  private place(job: WaitingJob): number {
    let low = 0;
    let high = this.jobs.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      const other = this.jobs[mid] as WaitingJob;
      const before =
        other.priority < job.priority || (other.priority === job.priority && other.order > job.order);
      if (before) low = mid + 1;
      else high = mid;
    }
    return low;
  }
}
