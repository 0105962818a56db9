/**
 * The short way of parcels to a git repository on a disk of this machine: objects go from memory to its programs and come
 * from them into memory. Does not know who waits for a parcel.
 */

import { LocalRemote, MOST_BYTES } from '../../io/git/direct/local-remote.js';
import type { GitObjects } from '../../io/git/objects.js';
import { treeProblem } from '../../io/git/raw-tree.js';
import type { Away, PushedRef, TransferFault } from '../../io/git/transfer.js';
import type { GitObject, ObjectType } from '../../io/git/writing/object-bytes.js';
import type { ObjectId } from '../../model/tree.js';
import { keepArrived, MissingObject, MOST_IDS, reachable } from './object-frames.js';

export interface Pushed {
  readonly pushed: ReadonlyMap<string, PushedRef>;
  readonly fault?: TransferFault;
}

class DirectParcels {
  private readonly objects: GitObjects;
  private readonly remote: LocalRemote;
  /** Ids of objects that the other side has, as far as this process knows. */
  private readonly there = new Set<ObjectId>();
  private readonly listed = new Set<ObjectId>();

  constructor(objects: GitObjects, remote: LocalRemote) {
    this.objects = objects;
    this.remote = remote;
  }

  /** Undefined: they are to be sent in another way. `bases`: commits that the other side has. */
  async push(
    away: Away,
    commits: readonly ObjectId[],
    { refs, bases }: { readonly refs: ReadonlyMap<string, ObjectId>; readonly bases: ReadonlySet<ObjectId> },
  ): Promise<Pushed | undefined> {
    if (this.there.size > MOST_IDS) this.forget();
    const sent = await this.content(commits, bases);
    if (!sent) return undefined;
    const told = await this.remote.push(away, refs, sent);
    const refused = [...told.pushed.values()];
    // It has lost something that it had: git finds out what.
    if (refused.some(isIncomplete)) {
      this.forget();
      return undefined;
    }
    if (!told.fault && refused.every(({ outcome }) => outcome === 'stored'))
      for (const id of sent.keys()) this.there.add(id);
    return told;
  }

  /** Undefined when they are here. */
  async fetch(
    away: Away,
    commits: readonly ObjectId[],
    have: readonly ObjectId[],
  ): Promise<TransferFault | 'missing' | 'other' | undefined> {
    const got = await this.remote.fetch(away, commits, have);
    if (!(got instanceof Map)) return got;
    const found = [...got].map(([id, { type, content }]) => ({ id, type, content }));
    for (const { id, type, content } of found) {
      const problem = type === 'tree' ? treeProblem(content, id.length / 2) : undefined;
      if (problem !== undefined)
        return { kind: 'failed', detail: `object ${id}: ${problem}`, refused: 'content' };
    }
    await keepArrived(this.objects, found, commits);
    for (const { id } of found) this.there.add(id);
    return undefined;
  }

  end(): void {
    this.remote.end();
  }

  private forget(): void {
    this.there.clear();
    this.listed.clear();
  }

  private async content(
    commits: readonly ObjectId[],
    bases: ReadonlySet<ObjectId>,
  ): Promise<Map<ObjectId, GitObject> | undefined> {
    const { objects, there } = this;
    for (const base of bases) await this.list(base);
    const found = new Map<ObjectId, GitObject>();
    let bytes = 0;
    try {
      for (const commit of commits) {
        for (const id of await reachable(objects, commit, there)) {
          const object = await objects.readVerified(id);
          bytes += object?.content.length ?? 0;
          if (!object || bytes > MOST_BYTES) return undefined;
          found.set(id, { type: object.type as ObjectType, content: object.content });
        }
      }
    } catch (error) {
      if (error instanceof MissingObject) return undefined;
      throw error;
    }
    return found;
  }

  private async list(base: ObjectId): Promise<void> {
    if (this.listed.has(base)) return;
    this.listed.add(base);
    this.there.add(base);
    for (const id of await this.objects.everything(base)) this.there.add(id);
  }
}

/** Its checks of contents say `unpacker error`, too, and then name what they found. */
function isIncomplete({ outcome, detail, refused }: PushedRef): boolean {
  const isLost = /missing necessary objects|unpacker error/.test(detail);
  return outcome !== 'stored' && refused === undefined && isLost;
}

/** The short way, as long as the address is that of such a repository. */
export class DirectWay {
  private readonly objects: GitObjects;
  private last: { readonly url: string; readonly parcels: DirectParcels } | undefined;

  constructor(objects: GitObjects) {
    this.objects = objects;
  }

  to(away: Away): DirectParcels | undefined {
    if (this.last?.url === away.url) return this.last.parcels;
    const remote = LocalRemote.at(away, this.objects.hash);
    if (!remote) return undefined;
    this.end();
    const parcels = new DirectParcels(this.objects, remote);
    this.last = { url: away.url, parcels };
    return parcels;
  }

  end(): void {
    this.last?.parcels.end();
    this.last = undefined;
  }
}
