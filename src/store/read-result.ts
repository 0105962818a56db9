/** From a commit to the result that it holds, every byte hashed again; one at a time, or many that will be asked for. */

import { err, ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import { commitTree } from '../io/git/raw-tree.js';
import { walkTree } from '../io/git/walk.js';
import type { ActionKey, EditPatch, StoredResult } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { type Entry, type Files, Listing, type ObjectId } from '../model/tree.js';
import { refOf, resultName } from './encoded-entry.js';
import { parseRecord, RESULT_FILE } from './provenance-record.js';

export const OUTPUTS = 'outputs/';

/** A result and every file of its commit. */
export interface LoadedResult {
  readonly result: StoredResult;
  readonly files: Files;
}

/** `text`: the commit's, where it has been read. */
export async function readResult(
  objects: GitObjects,
  key: ActionKey,
  commit: ObjectId,
  text?: Buffer,
): Promise<Result<LoadedResult, Failure>> {
  const damaged = (detail: string) => err<Failure>({ kind: 'result-damaged', key, detail });
  let listing: Listing;
  try {
    const tree = commitTree(text ?? (await objects.read(commit)) ?? Buffer.alloc(0));
    if (tree === undefined) return damaged('its tree is missing');
    listing = new Listing(await walkTree(objects, tree));
  } catch (error) {
    return damaged(error instanceof Error ? error.message : String(error));
  }
  const recordId = listing.get(RESULT_FILE)?.id;
  if (recordId === undefined) return damaged(`${RESULT_FILE} is missing`);
  const others = [...listing.files.values()].map(({ id }) => id).filter((id) => id !== recordId);
  const [found, missing] = await Promise.all([objects.readVerified(recordId), objects.missing(others)]);
  if (!found) return damaged(`${RESULT_FILE} is missing`);
  const record = parseRecord(found.content.toString('utf8'));
  if (!record || record.key !== key) return damaged(`${RESULT_FILE} is not of this key`);
  if (missing.length > 0) return damaged(`${missing.length} of its objects are missing`);
  const outputs = new Map<string, Entry>();
  for (const path of listing.under(OUTPUTS))
    outputs.set(path.slice(OUTPUTS.length), listing.get(path) as Entry);
  const edits: EditPatch[] = record.edited.map((path) => ({
    path,
    base: listing.get(`edits/base/${path}`),
    before: listing.get(`edits/before/${path}`),
    after: listing.get(`edits/after/${path}`),
  }));
  return ok({ result: { commit, key, outputs, edits, provenance: record }, files: listing.files });
}

/** As many are read at the same time: they wait for git together, step by step. */
const GROUP = 256;

/** Reads results before they are asked for, many at the same time: one by one each step of each would wait for git. */
export class EarlyResults {
  private readonly objects: GitObjects;
  private readonly keys: readonly ActionKey[];
  private readonly places: ReadonlyMap<ActionKey, number>;
  private readonly started = new Set<number>();
  private readonly running = new Map<ActionKey, Promise<StoredResult | undefined>>();
  private readonly withdrawn = new Set<ActionKey>();

  constructor(objects: GitObjects, keys: readonly ActionKey[]) {
    this.objects = objects;
    this.keys = keys;
    this.places = new Map(keys.map((key, place) => [key, place]));
  }

  /** The result of a key, once; undefined where it has to be looked for in the usual way. */
  async take(key: ActionKey): Promise<StoredResult | undefined> {
    const place = this.places.get(key);
    if (place === undefined || this.withdrawn.has(key)) return undefined;
    const group = Math.floor(place / GROUP) * GROUP;
    if (!this.started.has(group)) {
      this.started.add(group);
      for (const one of this.keys.slice(group, group + GROUP)) this.running.set(one, this.read(one));
    }
    const result = await this.running.get(key);
    this.running.delete(key);
    const isGone = this.withdrawn.has(key);
    this.withdrawn.add(key);
    return isGone ? undefined : result;
  }

  /** Something else may be found under the key from now on. */
  withdraw(key: ActionKey): void {
    if (this.places.has(key)) this.withdrawn.add(key);
  }

  private async read(key: ActionKey): Promise<StoredResult | undefined> {
    try {
      const named = await this.objects.readNamed(refOf(resultName(key)));
      if (named?.type !== 'commit') return undefined;
      const loaded = await readResult(this.objects, key, named.id, named.content);
      return loaded.ok ? loaded.value.result : undefined;
    } catch {
      return undefined;
    }
  }
}
