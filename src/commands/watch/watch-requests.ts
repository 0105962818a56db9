/** What the next scan of a watch is for (an event, the clock, a person's word), and when it is time for it. */

/** Ordered: each includes the ones before it. */
const WATCH_REQUESTS = ['look', 'event', 'now', 'failed', 'all'] as const;

/**
 * `look`: something may have changed; `event`: something did, and more may follow at once; `now`: build without waiting;
 * `failed`: failed tasks again; `all`: everything, including failed tasks.
 */
export type WatchRequest = (typeof WATCH_REQUESTS)[number];

export class WatchRequests {
  private asked: WatchRequest | undefined;
  private error: { readonly error: unknown } | undefined;
  private wake: () => void = () => {};

  ask(request: WatchRequest): void {
    if (this.asked === undefined || WATCH_REQUESTS.indexOf(request) > WATCH_REQUESTS.indexOf(this.asked))
      this.asked = request;
    this.wake();
  }

  /** Whether this request, or a greater one, is waiting. */
  has(request: WatchRequest): boolean {
    return this.asked !== undefined && WATCH_REQUESTS.indexOf(this.asked) >= WATCH_REQUESTS.indexOf(request);
  }

  /** Makes the next `next()` fail. */
  fail(error: unknown): void {
    this.error ??= { error };
    this.wake();
  }

  /** The greatest request since the last call; waits for one. Undefined if `signal` aborts. */
  async next(signal: AbortSignal): Promise<WatchRequest | undefined> {
    while (this.asked === undefined && !this.error && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
    if (this.error) throw this.error.error;
    const request = this.asked;
    this.asked = undefined;
    return signal.aborted ? undefined : request;
  }
}

/** A burst of saves is over after this time without an event. */
const QUIET_MS = 50;
/** The longest burst: some files are written all the time. */
const DEBOUNCE_MS = 2000;

export interface DebounceParts {
  now(): number;
  after(ms: number, call: () => void): unknown;
  /** Whether another event is waiting. */
  hasMore(): boolean;
}

/** When a burst of saves is over. */
export class Debounce {
  private readonly parts: DebounceParts;
  private since: number | undefined;

  constructor(parts: DebounceParts) {
    this.parts = parts;
  }

  calm(): Promise<void> {
    return new Promise((resolve) => {
      this.parts.after(QUIET_MS, resolve);
    });
  }

  /** Whether more events came during the last scan, and the burst has not lasted too long yet. */
  goesOn(): boolean {
    if (this.parts.hasMore()) {
      const now = this.parts.now();
      this.since ??= now;
      if (now - this.since < DEBOUNCE_MS) return true;
    }
    this.since = undefined;
    return false;
  }
}
