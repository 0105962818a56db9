/**
 * Brings results into the store, all that wait at the same time together: their objects as one pack, then their refs.
 * What a ref names is on disk before it, and the ref is before anybody hears of it. Knows nothing of keys.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { GitObjects } from '../io/git/objects.js';
import type { DurableRefs } from '../io/git/upkeep/durable.js';
import { mergePacks } from '../io/git/upkeep/repack.js';
import type { GitObject } from '../io/git/writing/object-bytes.js';
import { writePack } from '../io/git/writing/pack.js';
import { createPackedRefs } from '../io/git/writing/packed-refs.js';
import type { ObjectId } from '../model/tree.js';

/** Git rewrites all packed refs for each new one: so many bytes of them are worth one ref less as a file of its own. */
const PACKED_BYTES = 65_536;
/** Packs with fewer objects are made one at the end. */
const SMALL = 10_000;
/** Bytes of results that are written together, so that no group needs much memory. */
const MOST_BYTES = 64_000_000;

export type Created = 'created' | 'exists';

/** A commit with all that it reaches. */
export interface WholeCommit {
  readonly ref: string;
  readonly commit: ObjectId;
  readonly objects: ReadonlyMap<ObjectId, GitObject>;
}

interface Waiting extends WholeCommit {
  resolve(created: Created): void;
  reject(error: unknown): void;
}

export class ResultWriter {
  private readonly objects: GitObjects;
  private readonly durable: DurableRefs;
  private waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;
  private hasWritten = false;
  private small: { readonly name: string; readonly commits: readonly ObjectId[] }[] = [];

  constructor(objects: GitObjects, durable: DurableRefs) {
    this.objects = objects;
    this.durable = durable;
  }

  /** Resolves when it is on disk, or when there was something of that name already, which stays. */
  write(whole: WholeCommit): Promise<Created> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...whole, resolve, reject });
      this.writing ??= this.drain();
    });
  }

  /** Makes the many small packs of a build one. Says whether there are new packs since it was called last. */
  async mergePacks(): Promise<boolean> {
    const { small, hasWritten } = this;
    this.small = [];
    this.hasWritten = false;
    if (small.length < 2) return hasWritten;
    await mergePacks(
      this.objects.store,
      small.map(({ name }) => name),
      small.flatMap(({ commits }) => commits),
    );
    return hasWritten;
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.nextGroup();
      try {
        const created = await this.writeGroup(group);
        for (const one of group) one.resolve(created.get(one.ref) ?? 'exists');
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    this.writing = undefined;
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
    const name = await writePack(this.objects.store, objects, this.objects.hash);
    this.hasWritten = true;
    if (objects.size < SMALL) this.small.push({ name, commits: group.map(({ commit }) => commit) });
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
    return outcomes;
  }
}
