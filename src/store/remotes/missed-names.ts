/**
 * What remotes still owe: which of them gave no answer about an entry, and which do not have one that they were to be
 * sent. Asks nobody.
 */

import type { EntryName } from '../encoded-entry.js';

type Why = 'denied' | 'failed';

/** `R`: a remote, as its owner knows it. */
export class MissedNames<R> {
  private readonly silent = new Map<EntryName, Set<R>>();
  private readonly unsent = new Map<EntryName, Map<R, Why>>();

  /** The remote may have them: it did not answer. */
  unanswered(remote: R, names: readonly EntryName[]): void {
    for (const name of names) this.silent.set(name, (this.silent.get(name) ?? new Set()).add(remote));
  }

  found(names: Iterable<EntryName>): void {
    for (const name of names) this.silent.delete(name);
  }

  silentAbout(name: EntryName): readonly R[] {
    return [...(this.silent.get(name) ?? [])];
  }

  /** They are offered, once more perhaps: what was missed before does not count. */
  offered(names: Iterable<EntryName>): void {
    for (const name of names) this.unsent.delete(name);
  }

  /** `denied`: the remote does not let us write them. */
  notSent(remote: R, names: readonly EntryName[], why: Why): void {
    for (const name of names)
      this.unsent.set(name, (this.unsent.get(name) ?? new Map<R, Why>()).set(remote, why));
  }

  isUnsent(name: EntryName): boolean {
    return this.unsent.has(name);
  }

  /** Whether no remote without an entry lets us write it; undefined: it is not unsent. */
  isDenied(name: EntryName): boolean | undefined {
    const without = this.unsent.get(name);
    return without && [...without.values()].every((why) => why === 'denied');
  }

  /** How many entries a remote does not have. */
  unsentOf(remote: R): number {
    return [...this.unsent.values()].filter((without) => without.has(remote)).length;
  }
}
