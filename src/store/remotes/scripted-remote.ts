/** The fake of a remote for tests: keeps entries in memory and does what the test says. Speaks no protocol. */

import type { ObjectId } from '../../model/tree.js';
import type { EntryName } from '../encoded-entry.js';
import type { Fetched, Offered, RemoteFault, RemoteStore, Replacement } from '../remote-store.js';

const STOPPED: RemoteFault = { kind: 'stopped', detail: 'it was stopped' };

export class ScriptedRemote implements RemoteStore {
  readonly name: string;
  /** Its entries; their commits must exist in the repository that fetches. */
  readonly entries = new Map<EntryName, ObjectId>();
  /** Every call, in order: what was asked for in one round trip. */
  readonly fetches: (readonly EntryName[])[] = [];
  readonly offers: (readonly EntryName[])[] = [];
  /** While set, fetching, offering or replacing fails in this way. */
  fetchFault: RemoteFault | undefined;
  offerFault: RemoteFault | undefined;
  replaceFault: RemoteFault | undefined;
  /** Called before it answers: hold it open by a promise. */
  before: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  closed = false;

  constructor(name = 'scripted') {
    this.name = name;
  }

  async fetch(names: readonly EntryName[], signal: AbortSignal): Promise<Fetched> {
    this.fetches.push(names);
    await this.before(signal);
    const commits = new Map<EntryName, ObjectId>();
    const fault = signal.aborted ? STOPPED : this.fetchFault;
    if (fault) return { commits, refused: new Map(), fault };
    for (const name of names) {
      const commit = this.entries.get(name);
      if (commit !== undefined) commits.set(name, commit);
    }
    return { commits, refused: new Map() };
  }

  async offer(entries: ReadonlyMap<EntryName, ObjectId>, signal: AbortSignal): Promise<Offered> {
    this.offers.push([...entries.keys()]);
    await this.before(signal);
    const outcomes = new Map<EntryName, 'stored' | 'taken'>();
    const fault = signal.aborted ? STOPPED : this.offerFault;
    if (fault) return { outcomes, fault };
    for (const [name, commit] of entries) {
      const standing = this.entries.get(name) ?? commit;
      this.entries.set(name, standing);
      outcomes.set(name, standing === commit ? 'stored' : 'taken');
    }
    return { outcomes };
  }

  async replace({ name, commit }: Replacement): Promise<RemoteFault | undefined> {
    if (!this.replaceFault) this.entries.set(name, commit);
    return this.replaceFault;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
