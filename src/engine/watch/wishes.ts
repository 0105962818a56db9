/** What the next look is for: an event, the clock, or a person's word. Keeps what was asked while one is under way. */

/** The later ones mean more, and include those before them. */
const WISHES = ['look', 'event', 'now', 'failed', 'all'] as const;

/**
 * `look`: something may have changed; `event`: something did, and more may follow at once; `now`: build without waiting;
 * `failed`: what failed, once more; `all`: everything, what failed included.
 */
export type Wish = (typeof WISHES)[number];

export class Wishes {
  private asked: Wish | undefined;
  private error: { readonly error: unknown } | undefined;
  private wake: () => void = () => {};

  ask(wish: Wish): void {
    if (this.asked === undefined || WISHES.indexOf(wish) > WISHES.indexOf(this.asked)) this.asked = wish;
    this.wake();
  }

  /** Whether this, or more than this, waits to be taken. */
  has(wish: Wish): boolean {
    return this.asked !== undefined && WISHES.indexOf(this.asked) >= WISHES.indexOf(wish);
  }

  /** Makes whoever takes the next wish fail. */
  fail(error: unknown): void {
    this.error ??= { error };
    this.wake();
  }

  /** The greatest wish that was asked since; waits for one. Undefined when `signal` aborts. */
  async next(signal: AbortSignal): Promise<Wish | undefined> {
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
    const wish = this.asked;
    this.asked = undefined;
    return signal.aborted ? undefined : wish;
  }
}
