/** What the next scan of a watch is for (an event, the clock, a person's word), and when it is time for it. */

/** The later ones mean more, and include those before them. */
const WATCH_REQUESTS = ['look', 'event', 'now', 'failed', 'all'] as const;

/**
 * `look`: something may have changed; `event`: something did, and more may follow at once; `now`: build without waiting;
 * `failed`: what failed, once more; `all`: everything, what failed included.
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

  /** Whether this, or more than this, waits to be taken. */
  has(request: WatchRequest): boolean {
    return this.asked !== undefined && WATCH_REQUESTS.indexOf(this.asked) >= WATCH_REQUESTS.indexOf(request);
  }

  /** Makes whoever takes the next wish fail. */
  fail(error: unknown): void {
    this.error ??= { error };
    this.wake();
  }

  /** The greatest wish that was asked since; waits for one. Undefined when `signal` aborts. */
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

/** A burst of saves is over when nothing has come for so long. */
const QUIET_MS = 50;
/** However long the burst: some files are written all the time. */
const DEBOUNCE_MS = 2000;

export interface DebounceParts {
  now(): number;
  after(ms: number, call: () => void): unknown;
  /** Whether an event waits to be looked at. */
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

  /** Whether more came while one was looked at, and it is not too long yet that it goes on like this. */
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
