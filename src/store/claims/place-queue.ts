/** One place of claims with its questions gathered: what is asked at the same time goes there in one conversation. */

import { Batch } from '../../base/batch.js';
import { err, type Result } from '../../base/result.js';
import { codeOf } from '../../io/files.js';
import type { ActionKey } from '../../model/action.js';
import type { ChangeOutcome, ClaimChange, ClaimFault, ClaimPlace, PlacedClaim } from './claim-place.js';

/** Milliseconds, for a place that is asked over a network or by a process. */
const GATHER_MS = 10;

export type Told<T> = { readonly value: T } | { readonly fault: ClaimFault };

export class PlaceQueue {
  readonly place: ClaimPlace;
  private readonly changes = new Map<ActionKey, ClaimChange>();
  private readonly changing: Batch<ActionKey, Told<ChangeOutcome>>;
  private readonly reading: Batch<ActionKey, Told<PlacedClaim | undefined>>;

  constructor(place: ClaimPlace, signal: AbortSignal) {
    const { gatherMs = GATHER_MS } = place;
    this.place = place;
    this.changing = new Batch((keys) => this.changeAll(keys, signal), gatherMs);
    this.reading = new Batch((keys) => this.readAll(keys, signal), gatherMs);
  }

  /** One change of a key at a time: the next one is asked for when this one is answered. */
  async change(key: ActionKey, change: ClaimChange): Promise<Told<ChangeOutcome>> {
    this.changes.set(key, change);
    return (await this.changing.ask(key)) ?? silent;
  }

  async read(key: ActionKey): Promise<Told<PlacedClaim | undefined>> {
    return (await this.reading.ask(key)) ?? silent;
  }

  private async changeAll(
    keys: readonly ActionKey[],
    signal: AbortSignal,
  ): Promise<Map<ActionKey, Told<ChangeOutcome>>> {
    const asked = new Map<ActionKey, ClaimChange>();
    for (const key of keys) {
      const change = this.changes.get(key);
      if (change) asked.set(key, change);
      this.changes.delete(key);
    }
    const done = await this.place.change(asked, signal).catch(asFault);
    return answers(keys, (key) => {
      if (!done.ok) return { fault: done.error };
      const value = done.value.get(key);
      return value === undefined ? silent : { value };
    });
  }

  private async readAll(
    keys: readonly ActionKey[],
    signal: AbortSignal,
  ): Promise<Map<ActionKey, Told<PlacedClaim | undefined>>> {
    const found = await this.place.read(keys, signal).catch(asFault);
    return answers(keys, (key) => (found.ok ? { value: found.value.get(key) } : { fault: found.error }));
  }
}

const silent: { readonly fault: ClaimFault } = {
  fault: { kind: 'failed', detail: 'it gave no answer about a claim' },
};

/** A full disk, or a folder that is gone, is no reason not to build; anything else is a bug. */
function asFault(error: unknown): Result<never, ClaimFault> {
  if (codeOf(error) === undefined) throw error;
  return err({ kind: 'failed', detail: (error as Error).message });
}

function answers<T>(keys: readonly ActionKey[], of: (key: ActionKey) => Told<T>): Map<ActionKey, Told<T>> {
  return new Map(keys.map((key) => [key, of(key)]));
}
