/** The twin of a remote for tests: it keeps entries in memory and does what the test tells it. Speaks no protocol. */

import type { ObjectId } from '../../model/tree.js';
import type { EntryName } from '../entry.js';
import type { Fetched, Offered, RemoteFault, RemoteStore } from '../remote-store.js';

export class ScriptedRemote implements RemoteStore {
  readonly name: string;
  /** What it holds; commits must exist in the repository of whoever fetches. */
  readonly entries = new Map<EntryName, ObjectId>();
  /** Every call, in order: what was asked for in one round trip. */
  readonly fetches: (readonly EntryName[])[] = [];
  readonly offers: (readonly EntryName[])[] = [];
  /** While set, fetching or offering fails in this way. */
  fetchFault: RemoteFault | undefined;
  offerFault: RemoteFault | undefined;
  /** Called before it answers: hold it open by a promise. */
  before: () => Promise<void> = () => Promise.resolve();
  closed = false;

  constructor(name = 'scripted') {
    this.name = name;
  }

  async fetch(names: readonly EntryName[]): Promise<Fetched> {
    this.fetches.push(names);
    await this.before();
    const commits = new Map<EntryName, ObjectId>();
    if (this.fetchFault) return { commits, refused: new Map(), fault: this.fetchFault };
    for (const name of names) {
      const commit = this.entries.get(name);
      if (commit !== undefined) commits.set(name, commit);
    }
    return { commits, refused: new Map() };
  }

  async offer(entries: ReadonlyMap<EntryName, ObjectId>): Promise<Offered> {
    this.offers.push([...entries.keys()]);
    await this.before();
    const outcomes = new Map<EntryName, 'stored' | 'taken'>();
    if (this.offerFault) return { outcomes, fault: this.offerFault };
    for (const [name, commit] of entries) {
      const standing = this.entries.get(name) ?? commit;
      this.entries.set(name, standing);
      outcomes.set(name, standing === commit ? 'stored' : 'taken');
    }
    return { outcomes };
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
