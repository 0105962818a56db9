/**
 * Several remotes in order, with rights and timeouts for each. An error is a warning, and a remote that keeps failing
 * is not asked again in this build. Knows no protocol.
 */

import type { ObjectId } from '../../model/tree.js';
import type { ClaimPlace } from '../claims/claim-place.js';
import type { EntryName } from '../encoded-entry.js';
import type { RemoteFault, RemoteStore, Replacement } from '../remote-store.js';
import { MissedNames } from './missed-names.js';

export interface TieredRemote {
  readonly store: RemoteStore;
  readonly read: boolean;
  readonly write: boolean;
  /** What it is asked for; absent: everything. */
  readonly only?: (name: EntryName) => boolean;
}

/** What was offered, what remotes said, and why an entry may not be used here. */
export interface Offers {
  readonly entries: ReadonlyMap<EntryName, ObjectId>;
  readonly outcomes: Outcomes;
  problem(name: EntryName, commit: ObjectId): Promise<string | undefined>;
}

/** A remote with what it said last. */
export interface RemoteProblem {
  readonly name: string;
  readonly detail: string;
}

/** After so many calls that failed, one after the other, a remote is not asked again. */
const PATIENCE = 3;
/** Refusals that are reported one by one; of the others only the number. */
const MAX_REPORTED = 3;

type Way = 'read' | 'write';
type OwnEntry = Pick<Replacement, 'name' | 'commit'>;
type Outcomes = Map<EntryName, 'stored' | 'taken'>;

interface Health {
  readonly remote: TieredRemote;
  readonly failed: Record<Way, number>;
  readonly dropped: Set<Way>;
  readonly last: Partial<Record<Way, string>>;
  refused: number;
  /** It does not let us write, and will not the next time. */
  isDenied: boolean;
}

export class RemoteTiers {
  private readonly healths: readonly Health[];
  private readonly missed = new MissedNames<Health>();
  private readonly warn: (message: string) => void;

  constructor(remotes: readonly TieredRemote[], warn: (message: string) => void) {
    this.healths = remotes.map((remote) => ({
      remote,
      failed: { read: 0, write: 0 },
      dropped: new Set(),
      last: {},
      refused: 0,
      isDenied: false,
    }));
    this.warn = warn;
  }

  get reads(): boolean {
    return this.healths.some((health) => isOpen(health, 'read'));
  }

  get writes(): boolean {
    return this.healths.some((health) => isOpen(health, 'write'));
  }

  /** Where what is made here is claimed, the first remote first: those that new results are sent to. */
  get claims(): readonly ClaimPlace[] {
    return this.healths.flatMap(({ remote: { store, write } }) =>
      write && store.claims ? [store.claims] : [],
    );
  }

  /** Whether the remote with these claims is still read from and written to. */
  isOpen(claims: ClaimPlace): boolean {
    const health = this.healths.find(({ remote }) => remote.store.claims === claims);
    return health !== undefined && !health.dropped.has('read') && !health.dropped.has('write');
  }

  /**
   * Asks one remote after the other until each name is found. `accept` keeps what arrives, or says why it does not;
   * then the next remote is asked for it.
   */
  async fetch(
    names: readonly EntryName[],
    accept: (name: EntryName, commit: ObjectId) => Promise<string | undefined>,
    signal: AbortSignal,
  ): Promise<Set<EntryName>> {
    const found = new Set<EntryName>();
    for (const health of this.healths) {
      if (signal.aborted) break;
      const { only } = health.remote;
      const wanted = names.filter((name) => !found.has(name) && (only === undefined || only(name)));
      if (wanted.length === 0) continue;
      if (!isOpen(health, 'read')) {
        if (health.remote.read) this.unanswered(health, wanted);
        continue;
      }
      const fetched = await health.remote.store.fetch(wanted, signal);
      const refused = new Map(fetched.refused);
      for (const [name, commit] of fetched.commits) {
        const problem = await accept(name, commit);
        if (problem === undefined) found.add(name);
        else refused.set(name, problem);
      }
      for (const [name, why] of refused) this.refuse(health, name, why);
      this.judge(health, 'read', fetched.fault);
      if (fetched.fault) this.unanswered(health, wanted);
    }
    this.missed.found(found);
    return found;
  }

  /** Remotes that were asked about a name that is not found, and did not answer: it may be there. */
  unreached(name: EntryName): readonly string[] {
    // Reviewed results and those of pull requests stand on one server.
    return [...new Set(this.missed.silentAbout(name).map(({ remote }) => remote.store.name))];
  }

  /** Names that no remote is asked about: those that are read from give no answer. */
  passOver(names: readonly EntryName[]): void {
    for (const health of this.healths) if (health.remote.read) this.unanswered(health, names);
  }

  private unanswered(health: Health, names: readonly EntryName[]): void {
    const { only } = health.remote;
    this.missed.unanswered(health, only ? names.filter(only) : names);
  }

  /** Whether an entry was offered and is not on every remote that it was to be sent to. */
  isUnsent(name: EntryName): boolean {
    return this.missed.isUnsent(name);
  }

  /** Whether the remotes that do not have an entry do not let us write. */
  isDenied(name: EntryName): boolean {
    const writing = this.healths.filter(({ remote }) => remote.write);
    return this.missed.isDenied(name) ?? (writing.length > 0 && writing.every(({ isDenied }) => isDenied));
  }

  private miss(health: Health, names: readonly EntryName[], isDenied = health.isDenied): void {
    this.missed.notSent(health, names, isDenied ? 'denied' : 'failed');
  }

  /** Remotes that do not have everything that they were to be sent. */
  get withoutAll(): readonly RemoteProblem[] {
    const isWithout = (one: Health) => this.missed.unsentOf(one) > 0 || one.dropped.has('write');
    return this.healths.filter(isWithout).map(({ remote, last }) => {
      return { name: remote.store.name, detail: last.write ?? 'there was no time left' };
    });
  }

  /** Replaces unusable entries by ours, for each name that is `taken`. */
  async replaceUnusable({ entries, outcomes, problem }: Offers, signal: AbortSignal): Promise<Outcomes> {
    for (const [name, commit] of entries) {
      if (outcomes.get(name) !== 'taken' || (await problem(name, commit)) !== undefined) continue;
      if (await this.replace({ name, commit }, problem, signal)) outcomes.set(name, 'stored');
    }
    return outcomes;
  }

  /** True: ours is on all remotes. Behind one with another entry that may be used, none is given ours. */
  private async replace(entry: OwnEntry, problem: Offers['problem'], signal: AbortSignal): Promise<boolean> {
    let isEverywhere = true;
    for (const health of this.healths.filter(({ remote }) => remote.write)) {
      const now = await this.replaceAt(health, entry, problem, signal);
      if (now === 'other') return false;
      if (now === 'missed') isEverywhere = false;
    }
    return isEverywhere;
  }

  /** Whose entry is there now; `missed`: none that may be used. */
  private async replaceAt(
    health: Health,
    { name, commit }: OwnEntry,
    problem: Offers['problem'],
    signal: AbortSignal,
  ): Promise<'ours' | 'other' | 'missed'> {
    const { store } = health.remote;
    const found = isOpen(health, 'write') && !signal.aborted ? await store.fetch([name], signal) : undefined;
    const standing = found?.commits.get(name);
    if (standing === commit) return 'ours';
    if (!found || found.fault) {
      this.miss(health, [name]);
      return 'missed';
    }
    if (standing !== undefined && (await problem(name, standing)) === undefined) return 'other';
    const fault = await store.replace({ name, commit, standing }, signal);
    if (!fault) return 'ours';
    const isDenied = fault.kind === 'denied' && !fault.missing;
    this.miss(health, [name], isDenied || health.isDenied);
    // Where nothing may be replaced, what is not there yet may be stored all the same.
    if (isDenied) health.last.write = fault.detail;
    else this.judge(health, 'write', fault);
    return 'missed';
  }

  /**
   * Offers entries to every remote that takes them, in order. `taken` are those for which one of them holds another;
   * later remotes are not offered what an earlier one holds differently. `first`: what the first of them has said.
   */
  offer(
    entries: ReadonlyMap<EntryName, ObjectId>,
    signal: AbortSignal,
  ): { readonly first: Promise<Outcomes>; readonly all: Promise<Outcomes> } {
    const outcomes: Outcomes = new Map();
    let tell = () => {};
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const all = this.give(entries, outcomes, signal, () => tell()).finally(() => tell());
    return { first: told.then(() => new Map(outcomes)), all };
  }

  private async give(
    entries: ReadonlyMap<EntryName, ObjectId>,
    outcomes: Outcomes,
    signal: AbortSignal,
    onOne: () => void,
  ): Promise<Outcomes> {
    this.missed.offered(entries.keys());
    for (const health of this.healths) {
      if (!health.remote.write) continue;
      const mine = new Map([...entries].filter(([name]) => outcomes.get(name) !== 'taken'));
      if (mine.size === 0) break;
      if (signal.aborted || !isOpen(health, 'write')) {
        this.miss(health, [...mine.keys()]);
        continue;
      }
      const { outcomes: said, fault } = await health.remote.store.offer(mine, signal);
      for (const [name, outcome] of said) outcomes.set(name, outcome);
      this.judge(health, 'write', fault);
      const missed = [...mine.keys()].filter((name) => !said.has(name));
      this.miss(health, missed);
      onOne();
    }
    return outcomes;
  }

  /** Says what of a remote that was not dropped went wrong all the same, and lets all of them go. */
  async close(): Promise<void> {
    for (const health of this.healths) {
      const { remote, dropped, last, refused } = health;
      const { name } = remote.store;
      const unsent = this.missed.unsentOf(health);
      if (refused > MAX_REPORTED) this.warn(`${name}: ${refused - MAX_REPORTED} more results were refused`);
      if (unsent > 0 && !dropped.has('write')) {
        this.warn(
          `${name}: ${unsent} ${unsent === 1 ? 'entry was' : 'entries were'} not sent (${last.write ?? 'there was no time left'}); the next command sends what is missing`,
        );
      }
      if (last.read !== undefined && !dropped.has('read')) {
        this.warn(`${name}: some requests failed (${last.read})`);
      }
      await remote.store.close();
    }
  }

  private refuse(health: Health, name: EntryName, why: string): void {
    health.refused++;
    if (health.refused > MAX_REPORTED) return;
    this.warn(`${health.remote.store.name}: ${name.slice(0, 20)}… is refused: ${why}`);
  }

  private judge(health: Health, way: Way, fault: RemoteFault | undefined): void {
    if (!fault) {
      health.failed[way] = 0;
      return;
    }
    if (fault.kind === 'stopped' || health.dropped.has(way)) return;
    if (way === 'write' && fault.kind === 'denied' && !fault.missing) health.isDenied = true;
    health.failed[way]++;
    health.last[way] = fault.detail;
    if (fault.kind !== 'denied' && health.failed[way] < PATIENCE) return;
    const { name } = health.remote.store;
    // Reviewed results and those of pull requests stand on one server: if it does not answer, it is told once.
    const isAway = fault.kind === 'failed' || way === 'read';
    const same = this.healths.filter((one) => one === health || (isAway && one.remote.store.name === name));
    for (const one of same) one.dropped.add(way);
    const what =
      way === 'read' ? 'conductor does not read from it any more' : 'conductor does not write to it any more';
    this.warn(`${name}: ${fault.detail}; ${what} in this build`);
  }
}

function isOpen(health: Health, way: Way): boolean {
  return health.remote[way] && !health.dropped.has(way);
}
