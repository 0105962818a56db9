/**
 * Claims as small objects of a server that makes an object only where there is none (`If-None-Match: *`). Finds out
 * whether the server does. Knows no transport.
 */

import { ok, type Result } from '../../base/result.js';
import type { ActionKey } from '../../model/action.js';
import type { Scope } from '../encoded-entry.js';
import type { RemoteFault } from '../remote-fault.js';
import {
  type ChangedClaims,
  type ChangeOutcome,
  type ClaimChange,
  type ClaimFault,
  type ClaimPlace,
  formatClaim,
  type PlacedClaim,
  parseClaim,
  type ReadClaims,
} from './claim-place.js';

/** An object with its ETag. */
export interface MarkedObject {
  readonly body: Buffer;
  readonly tag: string;
}

/** `moved`: another object is there. `unsupported`: the server takes no such object, or knows no conditions. */
export type Put = { readonly tag: string | undefined } | 'moved' | 'unsupported';

/** Objects that can be told apart from those that others wrote meanwhile. */
export interface ConditionalObjects {
  getMarked(path: string, signal: AbortSignal): Promise<Result<MarkedObject | undefined, RemoteFault>>;
  /** Only over the object with this tag; undefined: only where there is none. */
  putMarked(
    path: string,
    object: { readonly body: Buffer; readonly over: string | undefined },
    signal: AbortSignal,
  ): Promise<Result<Put, RemoteFault>>;
  removeMarked(path: string, tag: string, signal: AbortSignal): Promise<Result<'removed', RemoteFault>>;
}

export class ObjectClaims implements ClaimPlace {
  readonly name: string;
  private readonly objects: ConditionalObjects;
  private readonly scope: Scope;
  /** Whether the server holds two writers apart; undefined until it was asked. */
  private holds: boolean | undefined;

  constructor(name: string, scope: Scope, objects: ConditionalObjects) {
    this.name = name;
    this.scope = scope;
    this.objects = objects;
  }

  async read(keys: readonly ActionKey[], signal: AbortSignal): Promise<ReadClaims> {
    const found = new Map<ActionKey, PlacedClaim>();
    for (const key of keys) {
      const got = await this.objects.getMarked(this.path(key), signal);
      if (!got.ok) return got;
      if (got.value)
        found.set(key, { text: parseClaim(got.value.body.toString('utf8')), revision: got.value.tag });
    }
    return ok(found);
  }

  async change(changes: ReadonlyMap<ActionKey, ClaimChange>, signal: AbortSignal): Promise<ChangedClaims> {
    const outcomes = new Map<ActionKey, ChangeOutcome>();
    for (const [key, change] of changes) {
      const changed = await this.changeOne(this.path(key), change, signal);
      if (!changed.ok) return changed;
      outcomes.set(key, changed.value);
    }
    return ok(outcomes);
  }

  private async changeOne(
    path: string,
    { from, to }: ClaimChange,
    signal: AbortSignal,
  ): Promise<Result<ChangeOutcome, ClaimFault>> {
    const { objects } = this;
    if (this.holds === false) return unsupported();
    if (to === undefined) {
      if (from === undefined) return ok({ revision: undefined });
      const removed = await objects.removeMarked(path, from, signal);
      return removed.ok ? ok({ revision: undefined }) : removed;
    }
    const body = Buffer.from(formatClaim(to));
    const put = await objects.putMarked(path, { body, over: from }, signal);
    if (!put.ok) return put;
    if (put.value === 'unsupported') return this.withoutClaims();
    if (put.value === 'moved') {
      this.holds = true;
      return ok('moved');
    }
    if (this.holds === undefined) {
      // A server that ignores the condition writes the same text again.
      const again = await objects.putMarked(path, { body, over: undefined }, signal);
      if (!again.ok) return again;
      if (again.value !== 'moved') {
        const tag = again.value === 'unsupported' ? undefined : again.value.tag;
        if (tag !== undefined) await objects.removeMarked(path, tag, signal);
        return this.withoutClaims();
      }
      this.holds = true;
    }
    // Servers that name no ETag in their answer are asked for it.
    const tag = put.value.tag || (await this.tagOf(path, signal));
    return tag === undefined ? this.withoutClaims() : ok({ revision: tag });
  }

  private async tagOf(path: string, signal: AbortSignal): Promise<string | undefined> {
    const got = await this.objects.getMarked(path, signal);
    return got.ok && got.value?.tag ? got.value.tag : undefined;
  }

  private withoutClaims(): Result<never, ClaimFault> {
    this.holds = false;
    return unsupported();
  }

  private path(key: ActionKey): string {
    return `${this.scope === 'shared' ? 'claims' : 'pull-request-claims'}/${key}`;
  }
}

function unsupported(): Result<never, ClaimFault> {
  return { ok: false, error: { kind: 'unsupported', detail: 'it does not know `If-None-Match`' } };
}
