/**
 * Results as refs in any git repository, such as the server that hosts the code. Fetches many keys at once; a push
 * only creates refs.
 */

import type { GitObjects } from '../../io/git/objects.js';
import { type Away, openAway, pushNewRefs, pushRefChanges } from '../../io/git/transfer.js';
import { withoutCredentials } from '../../model/address.js';
import type { ObjectId } from '../../model/tree.js';
import { GitClaims } from '../claims/git-claims.js';
import { type EntryName, refOf, type Scope } from '../encoded-entry.js';
import type { Fetched, Offered, RemoteFault, RemoteStore, Replacement } from '../remote-store.js';
import { asFault, fetchIncoming, sweepIncoming } from './incoming.js';

export interface GitRemoteOptions {
  /** The name of a remote of the person's repository, or an address. */
  readonly remote: string;
  readonly scope: Scope;
  readonly objects: GitObjects;
  /** Relative addresses count from here. */
  readonly dir: string;
  readonly pid: number;
  readonly silenceMs: number;
}

export class GitRemote implements RemoteStore {
  readonly name: string;
  readonly claims: GitClaims;
  private readonly options: GitRemoteOptions;
  private swept = false;

  constructor(options: GitRemoteOptions) {
    this.options = options;
    this.name = `git:${withoutCredentials(options.remote)}`;
    const { scope, objects, pid } = options;
    this.claims = new GitClaims({
      ...{ name: this.name, scope, objects, pid },
      away: (direction, signal) => this.away(direction, signal),
    });
  }

  async fetch(names: readonly EntryName[], signal: AbortSignal): Promise<Fetched> {
    const none = { commits: new Map<EntryName, ObjectId>(), refused: new Map<EntryName, string>() };
    const away = await this.away('fetch', signal);
    if ('kind' in away) return { ...none, fault: away };
    await this.sweep();
    const there = names.map((name) => this.refThere(name));
    const { refs, fault } = await fetchIncoming(this.options, away, there);
    for (const name of names) {
      const commit = refs.get(this.refThere(name));
      if (commit !== undefined) none.commits.set(name, commit);
    }
    return fault ? { ...none, fault } : none;
  }

  async offer(entries: ReadonlyMap<EntryName, ObjectId>, signal: AbortSignal): Promise<Offered> {
    const away = await this.away('push', signal);
    const outcomes = new Map<EntryName, 'stored' | 'taken'>();
    if ('kind' in away) return { outcomes, fault: away };
    const refs = new Map([...entries].map(([name, commit]) => [this.refThere(name), commit]));
    const { pushed, fault } = await pushNewRefs(away, refs);
    let denied: string | undefined;
    for (const name of entries.keys()) {
      const ref = pushed.get(this.refThere(name));
      if (ref?.outcome === 'denied') denied = ref.detail;
      else if (ref) outcomes.set(name, ref.outcome);
    }
    if (denied !== undefined) return { outcomes, fault: { kind: 'denied', detail: denied } };
    return fault ? { outcomes, fault: asFault(fault) } : { outcomes };
  }

  async replace(
    { name, commit, standing }: Replacement,
    signal: AbortSignal,
  ): Promise<RemoteFault | undefined> {
    const away = await this.away('push', signal);
    if ('kind' in away) return away;
    const ref = this.refThere(name);
    const { pushed, fault } = await pushRefChanges(away, new Map([[ref, { from: standing, to: commit }]]));
    if (fault) return asFault(fault);
    const done = pushed.get(ref);
    return done?.outcome === 'denied' ? { kind: 'denied', detail: done.detail } : undefined;
  }

  async close(): Promise<void> {}

  private async away(direction: 'fetch' | 'push', signal: AbortSignal): Promise<Away | RemoteFault> {
    const { remote, objects, dir, silenceMs } = this.options;
    const { store } = objects;
    const opened = await openAway({ remote, store, dir, signal, silenceMs }, direction);
    return 'kind' in opened ? asFault(opened) : opened;
  }

  private refThere(name: EntryName): string {
    const ref = refOf(name);
    return this.options.scope === 'shared'
      ? ref
      : ref.replace('refs/conductor/', 'refs/conductor/pull-request/');
  }

  private async sweep(): Promise<void> {
    if (this.swept) return;
    this.swept = true;
    await sweepIncoming(this.options.objects);
  }
}
