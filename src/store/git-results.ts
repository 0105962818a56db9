/**
 * Results in git: a parentless commit for each, under `refs/conductor/results/<aa>/<key>`, its tree holding
 * `result.json`, `outputs/…` and the patches as whole files before and after. Knows nothing of tasks or freshness.
 */

import { err, ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import { settleRefs } from '../io/git/settle.js';
import { walkTree } from '../io/git/walk.js';
import type { ActionKey, EditPatch, Provenance, StoredResult } from '../model/action.js';
import { canonicalJson, type Digest } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { type Entry, Listing, type ObjectId } from '../model/tree.js';
import type { NewResult, ResultStore } from './result-store.js';

const RESULT_FILE = 'result.json';
const OUTPUTS = 'outputs/';
const SIDES = ['base', 'before', 'after'] as const;

export class GitResults implements ResultStore {
  private readonly objects: GitObjects;
  /** Results seen in this build: most are asked for by several dependents. */
  private readonly seen = new Map<ActionKey, StoredResult>();

  constructor(objects: GitObjects) {
    this.objects = objects;
  }

  async find(key: ActionKey): Promise<Result<StoredResult | undefined, Failure>> {
    const seen = this.seen.get(key);
    if (seen) return ok(seen);
    const ref = resultRef(key);
    const commit = await this.objects.resolve(ref);
    if (commit === undefined) return ok(undefined);
    const loaded = await this.load(key, commit);
    if (loaded.ok) this.seen.set(key, loaded.value);
    return loaded;
  }

  async keep(result: NewResult): Promise<Result<StoredResult, Failure>> {
    const files = new Map<string, Entry>();
    for (const [path, entry] of result.outputs) files.set(OUTPUTS + path, entry);
    for (const edit of result.edits) {
      for (const side of SIDES) {
        const entry = edit[side];
        if (entry) files.set(`edits/${side}/${edit.path}`, entry);
      }
    }
    const record = { ...result.provenance, edited: result.edits.map((edit) => edit.path) };
    const blob = await this.objects.writeBlob(Buffer.from(`${canonicalJson(record)}\n`));
    files.set(RESULT_FILE, { mode: '100644', id: blob });
    const tree = await this.objects.editTree(undefined, files);
    const commit = await this.objects.writeCommit({
      tree,
      message: `result of ${result.provenance.label}\n`,
    });
    const created = await this.objects.createRef(resultRef(result.key), commit);
    if (created === 'exists') {
      const standing = await this.find(result.key);
      if (standing.ok && standing.value) return ok(standing.value);
      if (!standing.ok) return standing;
    }
    const stored: StoredResult = { commit, ...result };
    this.seen.set(result.key, stored);
    return ok(stored);
  }

  async forget(key: ActionKey): Promise<void> {
    this.seen.delete(key);
    await this.objects.deleteRef(resultRef(key));
  }

  async gatesPassed(key: Digest): Promise<boolean> {
    return (await this.objects.resolve(gatesRef(key))) !== undefined;
  }

  async recordGates(key: Digest): Promise<void> {
    const tree = await this.objects.editTree(undefined, new Map());
    const commit = await this.objects.writeCommit({ tree, message: `gates passed ${key}\n` });
    await this.objects.createRef(gatesRef(key), commit);
  }

  async settle(): Promise<void> {
    await settleRefs(this.objects.store);
  }

  private async load(key: ActionKey, commit: ObjectId): Promise<Result<StoredResult, Failure>> {
    const damaged = (detail: string) => err<Failure>({ kind: 'result-damaged', key, detail });
    let listing: Listing;
    try {
      const tree = await this.objects.resolve(`${commit}^{tree}`);
      if (tree === undefined) return damaged('its tree is missing');
      listing = new Listing(await walkTree(this.objects, tree));
    } catch (error) {
      return damaged(error instanceof Error ? error.message : String(error));
    }
    const recordEntry = listing.get(RESULT_FILE);
    const text = recordEntry && (await this.objects.read(recordEntry.id));
    if (!text) return damaged(`${RESULT_FILE} is missing`);
    const record = parseRecord(text.toString('utf8'));
    if (!record || record.key !== key) return damaged(`${RESULT_FILE} is not that of this key`);
    const missing = await this.objects.missing([...listing.files.values()].map((entry) => entry.id));
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
    return ok({ commit, key, outputs, edits, provenance: record });
  }
}

function resultRef(key: ActionKey): string {
  return `refs/conductor/results/${key.slice(0, 2)}/${key}`;
}

function gatesRef(key: Digest): string {
  return `refs/conductor/gates/${key.slice(0, 2)}/${key}`;
}

/** A record of our own making, or undefined: what stands in the store is not trusted to have the right shape. */
function parseRecord(text: string): (Provenance & { edited: string[] }) | undefined {
  try {
    const value = JSON.parse(text) as Partial<Provenance & { edited: string[] }>;
    const sound =
      value.schema === 1 &&
      typeof value.key === 'string' &&
      typeof value.label === 'string' &&
      typeof value.attempts === 'number' &&
      Array.isArray(value.manifest) &&
      Array.isArray(value.edited) &&
      typeof value.usage === 'object';
    return sound ? (value as Provenance & { edited: string[] }) : undefined;
  } catch {
    return undefined;
  }
}
