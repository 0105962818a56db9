/**
 * Brings results into the store, all that wait at the same time together: their objects as one pack, then their refs.
 * What a ref names is on disk before it, and the ref is before anybody hears of it. Knows nothing of keys.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { GitObjects } from '../io/git/objects.js';
import type { DurableRefs } from '../io/git/upkeep/durable.js';
import { noteWholeRefs, repackRefs } from '../io/git/upkeep/repack.js';
import type { GitObject } from '../io/git/writing/object-bytes.js';
import { writePack } from '../io/git/writing/pack.js';
import { createPackedRefs } from '../io/git/writing/packed-refs.js';
import type { ObjectId } from '../model/tree.js';

/** Git rewrites all packed refs for each new one: so many bytes of them are worth one ref less as a file of its own. */
const PACKED_BYTES = 65_536;
/** Files of so many objects are removed one by one; for more, git looks for what is in packs. */
const FEW = 1000;
/** Bytes of results that are written together, so that no group needs much memory. */
const MOST_BYTES = 64_000_000;
/** Milliseconds that a result may wait for others: as long as the last group took to write, within these limits. */
const GATHER_MS = { least: 30, most: 250 };
/** Results that need not wait for more. */
const ENOUGH = 100;
/** A result waits only if about so many others come meanwhile. */
const WORTH = 2;
/** The part that the latest one has in the mean time between two results. */
const LATEST = 0.2;

export type Created = 'created' | 'exists';

/** A commit with all that it reaches. */
export interface WholeCommit {
  readonly ref: string;
  readonly commit: ObjectId;
  readonly objects: ReadonlyMap<ObjectId, GitObject>;
  /** Whether it may wait for others now, to be written together with them. Absent: it is written as soon as can be. */
  mayWait?(): boolean;
}

interface Waiting extends WholeCommit {
  readonly cameAt: number;
  resolve(created: Created): void;
  reject(error: unknown): void;
}

export class ResultWriter {
  private readonly objects: GitObjects;
  private readonly durable: DurableRefs;
  private waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;
  /** Mean milliseconds between two results. */
  private pause = 0;
  private lastCameAt: number | undefined;
  private onArrival = () => {};
  /** Results that do not wait, because a wait was in vain: after each such wait twice as many. */
  private hasty = { left: 0, next: 1 };
  private gatherMs = GATHER_MS.least;
  /** The objects that were put into packs since the last `repack`. */
  private packed: ObjectId[] | 'many' = [];
  private repacking: Promise<void> = Promise.resolve();

  constructor(objects: GitObjects, durable: DurableRefs) {
    this.objects = objects;
    this.durable = durable;
  }

  /** Resolves when it is on disk, or when there was something of that name already, which stays. */
  write(whole: WholeCommit): Promise<Created> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...whole, cameAt: this.noteArrival(), resolve, reject });
      this.onArrival();
      this.writing ??= this.drain();
    });
  }

  /** Keeps the store small (`repackRefs`). Only who waits for it hears that it failed: then it is done again next time. */
  repack(): Promise<void> {
    const work = () => {
      const { packed } = this;
      this.packed = [];
      return repackRefs(this.objects.store, packed);
    };
    const done = this.repacking.then(work);
    this.repacking = done.catch(() => {});
    return done;
  }

  /** Resolves when the last `repack` has ended, well or not. */
  repacked(): Promise<void> {
    return this.repacking;
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      await this.gather();
      const group = this.nextGroup();
      const startedAt = performance.now();
      try {
        const created = await this.writeGroup(group);
        for (const one of group) one.resolve(created.get(one.ref) ?? 'exists');
      } catch (error) {
        for (const one of group) one.reject(error);
      }
      const { least, most } = GATHER_MS;
      this.gatherMs = Math.min(most, Math.max(least, performance.now() - startedAt));
    }
    this.writing = undefined;
  }

  private noteArrival(): number {
    const now = performance.now();
    const pause = Math.min(now - (this.lastCameAt ?? now), GATHER_MS.most);
    this.lastCameAt = now;
    this.pause += LATEST * (pause - this.pause);
    return now;
  }

  /** Waits a short time for others that are about to come. Each group costs the same syncs, whatever is in it. */
  private async gather(): Promise<void> {
    const [first] = this.waiting;
    if (!first?.mayWait || this.hasty.left-- > 0) return;
    for (;;) {
      // A worker that has just become free begins with its next task first.
      await setImmediate();
      const left = first.cameAt + this.gatherMs - performance.now();
      const isWorth = this.pause * WORTH <= this.gatherMs && this.waiting.length < ENOUGH;
      if (left <= 0) return this.learn();
      if (!isWorth || !this.waiting.every(({ mayWait }) => mayWait?.())) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.onArrival = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** A chain of short tasks beside a long one has to wait rarely: nothing comes while it waits. */
  private learn(): void {
    const { next } = this.hasty;
    if (this.waiting.length > 1) this.hasty = { left: 0, next: 1 };
    else this.hasty = { left: next, next: Math.min(ENOUGH, 2 * next + 1) };
  }

  private nextGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.waiting.length && (count === 0 || bytes < MOST_BYTES)) {
      for (const { content } of (this.waiting[count] as Waiting).objects.values()) bytes += content.length;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private async writeGroup(group: readonly Waiting[]): Promise<ReadonlyMap<string, Created>> {
    const objects = new Map<ObjectId, GitObject>();
    for (const one of group) for (const [id, object] of one.objects) objects.set(id, object);
    await writePack(this.objects.store, objects, this.objects.hash);
    const isMany = this.packed === 'many' || this.packed.length + objects.size > FEW;
    this.packed = isMany ? 'many' : [...this.packed, ...objects.keys()];
    // Of two with one name the first counts.
    const refs = new Map([...group].reverse().map(({ ref, commit }) => [ref, commit]));
    const packed = statSync(join(this.objects.store, 'packed-refs'), { throwIfNoEntry: false })?.size ?? 0;
    const together = packed <= refs.size * PACKED_BYTES;
    return (
      (together ? await createPackedRefs(this.objects.store, refs) : undefined) ?? this.createSingly(refs)
    );
  }

  private async createSingly(refs: ReadonlyMap<string, ObjectId>): Promise<Map<string, Created>> {
    const outcomes = new Map<string, Created>();
    for (const [ref, commit] of refs) {
      const created = await this.objects.createRef(ref, commit);
      if (created === 'created') await this.durable.refWritten(ref);
      outcomes.set(ref, created);
    }
    noteWholeRefs(this.objects.store, refs);
    return outcomes;
  }
}
