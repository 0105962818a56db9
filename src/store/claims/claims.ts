/**
 * Claims of one build: says at each place that it makes a result, waits for results that others make, and renews what
 * it holds. A claim only saves money: whatever goes wrong with one, the build goes on without it.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { mapBounded } from '../../base/bounded.js';
import type { ActionKey } from '../../model/action.js';
import type { ClaimFault, ClaimPlace, ClaimText } from './claim-place.js';
import { PlaceQueue } from './place-queue.js';

export type ClaimSelf = Pick<ClaimText, 'who' | 'build' | 'place' | 'pid' | 'start'>;

export interface ClaimsOptions {
  /** Between builds that share a store. */
  readonly local: ClaimPlace;
  /** The first that can hold claims is asked. */
  readonly remotes: readonly ClaimPlace[];
  /** What this build says of itself; asked once, for the first claim. */
  self(): Promise<ClaimSelf>;
  /** Milliseconds after which another build is not waited for any more, however long it lives. */
  readonly mostMs: number;
  /** Whether a remote is still asked for anything in this build; one that is not is asked for no claim, and nothing is said. */
  isOpen(place: ClaimPlace): boolean;
  /** Whether the process of a claim of this machine has ended. */
  isGone(claim: ClaimText): Promise<boolean>;
  warn(message: string): void;
  /** Waits; tests wait for nothing. */
  pause?(ms: number, signal: AbortSignal): Promise<void>;
}

/** A claim that this build holds. */
export interface OwnClaim {
  readonly kind: 'taken';
  /** Gives it back when `after` has ended; a second call does nothing. */
  release(after?: Promise<unknown>): void;
}

/** A claim of another build. */
export interface HeldClaim {
  readonly kind: 'held';
  readonly who: string;
  readonly key: ActionKey;
  readonly revision: string;
  readonly queue: PlaceQueue;
}

/** A holder renews so often … */
const RENEW_MS = 20_000;
/** … and is taken for dead when an observer has waited for so long without seeing a change. */
const EXPIRY_MS = 90_000;
const FIRST_POLL_MS = 250;
const MOST_POLL_MS = 15_000;
/** How long the end of a build waits for its claims to be given back. */
const RELEASE_MS = 10_000;
/** Failures one after the other after which a place is not asked again. */
const PATIENCE = 3;
/** Claims that come and go while one is asked for. */
const MOST_TRIES = 5;

type Taking = Holding | HeldClaim | 'unsupported' | 'without';

interface Holding {
  readonly queue: PlaceQueue;
  readonly key: ActionKey;
  text: ClaimText;
  revision: string | undefined;
  renewing: Promise<void>;
}

export class Claims {
  private readonly options: ClaimsOptions;
  private readonly local: PlaceQueue;
  private known: Promise<ClaimSelf> | undefined;
  /** Those that may still be asked. */
  private readonly remotes: Set<PlaceQueue>;
  private readonly held = new Set<Holding>();
  /** By place and key: the revision whose holder is dead. */
  private readonly dead = new Map<string, string>();
  private readonly pending = new Set<Promise<unknown>>();
  private readonly stop = new AbortController();
  private readonly rest = new AbortController();
  private readonly renewing = new Set<PlaceQueue>();

  constructor(options: ClaimsOptions) {
    this.options = options;
    const { local, remotes } = options;
    this.local = new PlaceQueue(local, this.stop.signal);
    this.remotes = new Set(remotes.map((place) => new PlaceQueue(place, this.stop.signal)));
  }

  /** Claims a key, or says whose it is. Where no place can hold the claim, it is taken all the same. */
  async take(key: ActionKey, task: string, signal: AbortSignal): Promise<OwnClaim | HeldClaim> {
    const taking = this.takeEverywhere(key, task);
    let onAbort = () => {};
    const stopped = new Promise<'stopped'>((resolve) => {
      onAbort = () => resolve('stopped');
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
    const taken = await Promise.race([taking, stopped]);
    signal.removeEventListener('abort', onAbort);
    if (taken !== 'stopped') return taken;
    // Ctrl-C while a server is asked: what it still grants is given back.
    this.later(taking.then((late) => (late.kind === 'taken' ? late.release() : undefined)));
    return { kind: 'taken', release: () => {} };
  }

  /** Resolves when the claim is given back or its holder is dead; `given-up` after the longest time. */
  async wait(claim: HeldClaim, signal: AbortSignal): Promise<'over' | 'given-up'> {
    const { key, queue } = claim;
    const pause = this.options.pause ?? pauseFor;
    let { revision } = claim;
    let unchanged = 0;
    let failed = 0;
    let poll = FIRST_POLL_MS;
    // Only time that was waited here counts: no clock is compared, and a machine that slept has waited for nothing.
    for (let waited = 0; waited < this.options.mostMs && !signal.aborted; waited += poll) {
      poll = Math.min(waited === 0 ? FIRST_POLL_MS : poll * 1.5, MOST_POLL_MS);
      await pause(poll, signal);
      const found = await queue.read(key);
      if ('fault' in found && ++failed < PATIENCE) continue;
      if ('fault' in found || !found.value?.text) return 'over';
      failed = 0;
      const { text } = found.value;
      unchanged = found.value.revision === revision ? unchanged + poll : 0;
      revision = found.value.revision;
      if (!(await this.isDead(text)) && unchanged < EXPIRY_MS) continue;
      this.dead.set(placeKey(queue, key), revision);
      return 'over';
    }
    return 'given-up';
  }

  /** Gives everything back. */
  async close(): Promise<void> {
    this.rest.abort();
    for (const holding of this.held) this.later(this.giveBack(holding));
    const all = this.allGivenBack();
    const limit = delay(RELEASE_MS, undefined, { signal: this.stop.signal, ref: false }).catch(() => {});
    await Promise.race([all, limit]);
    this.stop.abort();
    await all;
  }

  private async allGivenBack(): Promise<void> {
    for (let [next] = this.pending; next; [next] = this.pending) await next;
  }

  private async takeEverywhere(key: ActionKey, task: string): Promise<OwnClaim | HeldClaim> {
    const holdings: Holding[] = [];
    for (const queue of [this.local, ...this.remotes]) {
      const isRemote = queue !== this.local;
      if (isRemote && !this.options.isOpen(queue.place)) break;
      const taken = await this.takeAt(queue, key, task);
      if (typeof taken === 'object' && 'kind' in taken) {
        for (const holding of holdings) this.later(this.giveBack(holding));
        return taken;
      }
      if (typeof taken === 'object') {
        holdings.push(taken);
        this.held.add(taken);
        this.renewWhileHeld(queue);
      }
      // The next remote may know claims where this one does not.
      if (taken === 'unsupported') this.remotes.delete(queue);
      else if (isRemote) break;
    }
    const release: OwnClaim['release'] = (after) => {
      const own = holdings.splice(0);
      for (const holding of own) this.later(Promise.resolve(after).then(() => this.giveBack(holding)));
    };
    return { kind: 'taken', release };
  }

  private async takeAt(queue: PlaceQueue, key: ActionKey, task: string): Promise<Taking> {
    const self = await this.self();
    const text: ClaimText = { ...self, task, beat: 0 };
    const holding = (revision: string | undefined): Holding => {
      return { queue, key, text, revision, renewing: Promise.resolve() };
    };
    let from = this.dead.get(placeKey(queue, key));
    let failed = 0;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const changed = await queue.change(key, { from, to: text });
      if ('fault' in changed && changed.fault.kind === 'failed' && ++failed < PATIENCE) continue;
      if ('fault' in changed) return this.without(queue, changed.fault);
      if (changed.value !== 'moved') return holding(changed.value.revision);
      const found = await queue.read(key);
      if ('fault' in found) return this.without(queue, found.fault);
      const there = found.value;
      // The answer to a request that was sent twice.
      const isHeld = [...this.held].some((one) => one.queue === queue && one.key === key);
      if (there?.text?.build === self.build && !isHeld) return holding(there.revision);
      const isKnownDead = there?.revision === this.dead.get(placeKey(queue, key));
      if (there?.text && !isKnownDead && !(await this.isDead(there.text)))
        return { kind: 'held', who: there.text.who, key, revision: there.revision, queue };
      from = there?.revision;
    }
    return 'without';
  }

  private self(): Promise<ClaimSelf> {
    this.known ??= this.options.self();
    return this.known;
  }

  /** Of a process that this one can look at; of any other only time tells. */
  private async isDead(text: ClaimText): Promise<boolean> {
    return text.place === (await this.self()).place && (await this.options.isGone(text));
  }

  private without(queue: PlaceQueue, fault: ClaimFault): 'unsupported' | 'without' {
    if (fault.kind === 'unsupported') return 'unsupported';
    if (fault.kind === 'stopped') return 'without';
    if (!this.remotes.has(queue)) return 'without';
    // It is not asked again in this build, and neither is one after it: others claim at this one.
    this.remotes.clear();
    this.options.warn(
      `${queue.place.name}: ${fault.detail}; conductor cannot claim tasks there in this build, so another build may pay for the same result`,
    );
    return 'without';
  }

  /** Each place by itself: one that does not answer lets no claim at another expire. */
  private renewWhileHeld(queue: PlaceQueue): void {
    if (this.renewing.has(queue) || this.rest.signal.aborted) return;
    this.renewing.add(queue);
    const pause = this.options.pause ?? pauseFor;
    const renew = async () => {
      for (let held = this.heldAt(queue); held.length > 0; held = this.heldAt(queue)) {
        await pause(RENEW_MS, this.rest.signal);
        if (this.rest.signal.aborted) break;
        await mapBounded(this.heldAt(queue), (holding) => this.renew(holding));
      }
      this.renewing.delete(queue);
    };
    void renew();
  }

  private heldAt(queue: PlaceQueue): Holding[] {
    return [...this.held].filter((holding) => holding.queue === queue);
  }

  private async renew(holding: Holding): Promise<void> {
    holding.renewing = this.raise(holding);
    await holding.renewing;
  }

  private async raise(holding: Holding): Promise<void> {
    const { queue, key, text, revision } = holding;
    const next = { ...text, beat: text.beat + 1 };
    const changed = await queue.change(key, { from: revision, to: next });
    // Without an answer it is tried again at the next turn.
    if ('fault' in changed) return;
    if (changed.value !== 'moved') Object.assign(holding, { text: next, revision: changed.value.revision });
    else if ((await this.lookAgain(holding)) === 'lost') this.held.delete(holding);
  }

  private async giveBack(holding: Holding): Promise<void> {
    if (!this.held.delete(holding)) return;
    await holding.renewing;
    const { queue, key } = holding;
    const remove = () => queue.change(key, { from: holding.revision, to: undefined });
    const changed = await remove();
    if ('value' in changed && changed.value === 'moved' && (await this.lookAgain(holding)) === 'ours')
      await remove();
  }

  /** The answer to an earlier change of a claim may have been lost: then the one that is there is still ours. */
  private async lookAgain(holding: Holding): Promise<'ours' | 'lost' | 'unknown'> {
    const found = await holding.queue.read(holding.key);
    if ('fault' in found) return 'unknown';
    const there = found.value;
    if (there?.text?.build !== holding.text.build) return 'lost';
    Object.assign(holding, there);
    return 'ours';
  }

  private later(work: Promise<unknown>): void {
    const done: Promise<unknown> = work.finally(() => this.pending.delete(done));
    this.pending.add(done);
  }
}

function placeKey({ place }: PlaceQueue, key: ActionKey): string {
  return `${place.name} ${key}`;
}

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
