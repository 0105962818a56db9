/** What the next look is for: an event, the clock, or a person's word. Keeps what was asked while one is under way. */

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
