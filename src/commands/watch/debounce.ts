/** When a storm of saves is over. Knows no clock of its own and no file. */

/** A storm is over when nothing has come for so long. */
const QUIET_MS = 50;
/** However long the storm: some files are written all the time. */
const DEBOUNCE_MS = 2000;

export interface DebounceParts {
  now(): number;
  after(ms: number, call: () => void): unknown;
  /** Whether an event waits to be looked at. */
  hasMore(): boolean;
}

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
