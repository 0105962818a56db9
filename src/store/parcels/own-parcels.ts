/** Parcels of the worker that serves the store itself: the store's objects are its own, and nothing is sent. */

import { err, ok, type Result } from '../../base/result.js';
import { asFailure } from '../../io/files.js';
import type { GitObjects } from '../../io/git/objects.js';
import { isObjectId, type ObjectId } from '../../model/tree.js';
import { forgetRefs } from './object-frames.js';
import { isParcelName, type ParcelFault, type Parcels, STORE_REFS } from './parcels.js';

const NOT_THERE: ParcelFault = {
  failure: { kind: 'git-failed', command: 'fetch from the own store', detail: 'it is not there' },
  isAway: false,
};

export class OwnParcels implements Parcels {
  private readonly objects: GitObjects;

  constructor(objects: GitObjects) {
    this.objects = objects;
  }

  async send(commit: ObjectId, as?: string): Promise<Result<void, ParcelFault>> {
    const { objects } = this;
    try {
      await objects.writePassing(commit);
      for (const name of as === undefined ? [commit] : [commit, as])
        await objects.createRef(STORE_REFS + name, commit);
      return ok(undefined);
    } catch (error) {
      // Other clients of a store that cannot write see it as away, too.
      const failure = asFailure(error);
      if (!failure) throw error;
      return err({ failure, isAway: true });
    }
  }

  async fetch(commit: ObjectId): Promise<Result<void, ParcelFault>> {
    const found = isObjectId(commit) ? await this.objects.resolve(STORE_REFS + commit) : undefined;
    return found === commit ? ok(undefined) : err(NOT_THERE);
  }

  async find(name: string): Promise<Result<ObjectId | undefined, ParcelFault>> {
    return ok(isParcelName(name) ? await this.objects.resolve(STORE_REFS + name) : undefined);
  }

  async remove(names: readonly (ObjectId | string)[]): Promise<void> {
    await forgetRefs(this.objects, STORE_REFS, names.filter(isParcelName));
    await this.forget(names);
  }

  async hold(): Promise<void> {}

  async forget(names: readonly (ObjectId | string)[]): Promise<void> {
    this.objects.passing.drop(names);
  }

  /** Builds still ask the store for them, which reads them from memory. */
  drop(): void {}

  end(): void {}
}
