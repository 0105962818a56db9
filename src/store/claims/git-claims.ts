/** Claims as refs in a git repository: `refs/conductor/claims/<aa>/<key>`, each a commit whose message is the claim. */

import { err, ok, type Result } from '../../base/result.js';
import { type Away, type PushedRef, pushRefChanges, type RefChange } from '../../io/git/transfer.js';
import type { ActionKey } from '../../model/action.js';
import type { ObjectId } from '../../model/tree.js';
import type { Scope } from '../encoded-entry.js';
import type { RemoteFault } from '../remote-fault.js';
import { asFault, type Fetcher, fetchIncoming } from '../remotes/incoming.js';
import {
  type ChangedClaims,
  type ChangeOutcome,
  type ClaimChange,
  type ClaimPlace,
  formatClaim,
  type PlacedClaim,
  parseClaim,
  type ReadClaims,
} from './claim-place.js';

export interface GitClaimsOptions extends Fetcher {
  readonly name: string;
  readonly scope: Scope;
  /** The repository on the other side. */
  away(direction: 'fetch' | 'push', signal: AbortSignal): Promise<Away | RemoteFault>;
}

export class GitClaims implements ClaimPlace {
  readonly name: string;
  private readonly options: GitClaimsOptions;

  constructor(options: GitClaimsOptions) {
    this.name = options.name;
    this.options = options;
  }

  async read(keys: readonly ActionKey[], signal: AbortSignal): Promise<ReadClaims> {
    const away = await this.options.away('fetch', signal);
    if ('kind' in away) return err(away);
    const there = keys.map((key) => this.ref(key));
    const { refs, fault } = await fetchIncoming(this.options, away, there);
    if (fault) return err(fault);
    const found = new Map<ActionKey, PlacedClaim>();
    for (const key of keys) {
      const revision = refs.get(this.ref(key));
      if (revision === undefined) continue;
      const commit = (await this.options.objects.read(revision))?.toString('utf8') ?? '';
      found.set(key, { text: parseClaim(commit.slice(commit.indexOf('\n\n') + 2)), revision });
    }
    return ok(found);
  }

  async change(changes: ReadonlyMap<ActionKey, ClaimChange>, signal: AbortSignal): Promise<ChangedClaims> {
    const made = await this.push(changes, signal, true);
    if (!made.ok) return made;
    const { outcomes, denied } = made.value;
    const kept = [...changes].filter(([key, { to }]) => denied.has(key) && to === undefined);
    // A server that lets no ref be removed may let it be moved on to a commit that claims nothing.
    const freed = kept.length === 0 ? made : await this.push(new Map(kept), signal, false);
    if (!freed.ok) return freed;
    for (const [key, outcome] of freed.value.outcomes) outcomes.set(key, outcome);
    const [refused] = [...changes.keys()].filter((key) => !outcomes.has(key));
    if (refused === undefined) return ok(outcomes);
    const detail = freed.value.denied.get(refused) ?? denied.get(refused) ?? 'it says nothing of a claim';
    return err({ kind: 'denied', detail });
  }

  private async push(
    changes: ReadonlyMap<ActionKey, ClaimChange>,
    signal: AbortSignal,
    mayRemove: boolean,
  ): Promise<
    Result<{ outcomes: Map<ActionKey, ChangeOutcome>; denied: Map<ActionKey, string> }, RemoteFault>
  > {
    const away = await this.options.away('push', signal);
    if ('kind' in away) return err(away);
    const refs = new Map<string, RefChange>();
    for (const [key, { from, to }] of changes) {
      const next = to === undefined && mayRemove ? undefined : await this.commit(formatClaim(to), from);
      refs.set(this.ref(key), { from, to: next });
    }
    const { pushed, fault } = await pushRefChanges(away, refs);
    if (fault) return err(asFault(fault));
    const outcomes = new Map<ActionKey, ChangeOutcome>();
    const denied = new Map<ActionKey, string>();
    for (const key of changes.keys()) {
      const ref = pushed.get(this.ref(key)) as PushedRef;
      if (ref.outcome === 'denied') denied.set(key, ref.detail);
      else outcomes.set(key, ref.outcome === 'taken' ? 'moved' : { revision: refs.get(this.ref(key))?.to });
    }
    return ok({ outcomes, denied });
  }

  /** A child of the commit that it replaces: servers that refuse other changes of refs take it. */
  private async commit(message: string, parent: ObjectId | undefined): Promise<ObjectId> {
    const { objects } = this.options;
    const tree = await objects.empty();
    const parents = parent === undefined ? [] : [parent];
    return objects.writeCommit({ tree, message, parents });
  }

  private ref(key: ActionKey): string {
    const folder = this.options.scope === 'shared' ? 'claims' : 'pull-request/claims';
    return `refs/conductor/${folder}/${key.slice(0, 2)}/${key}`;
  }
}
