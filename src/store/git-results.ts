/**
 * Results in git: for each one a commit without parents under `refs/conductor/results/<aa>/<key>`. Its tree holds
 * `result.json`, `outputs/…` and patched files before and after. Knows no tasks.
 */

import { err, ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import { DurableRefs } from '../io/git/upkeep/durable.js';
import { removeBrokenObjects } from '../io/git/upkeep/repair.js';
import { ObjectSet } from '../io/git/writing/object-set.js';
import type { ActionKey, Origin, Provenance, StoredResult } from '../model/action.js';
import { canonicalJson, type Digest } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import type { Entry, Files, ObjectId } from '../model/tree.js';
import { type EntryName, gatesName, isResult, keyOf, nameOf, refOf, resultName } from './encoded-entry.js';
import { gatesMessage, resultMessage } from './entry-message.js';
import type { EntrySigner } from './entry-signer.js';
import { RESULT_FILE } from './provenance-record.js';
import { EarlyResults, type LoadedResult, OUTPUTS, readResult } from './read-result.js';
import type { KeptResult, NewResult, ResultStore } from './result-store.js';
import { ResultWriter } from './result-writer.js';
import { SIGNATURE_FILE } from './signature.js';

export const GATES_FILE = 'gates.json';
/** Bytes of one result's files up to which they are written again together with it. */
const MOST_BYTES = 8_000_000;
/** As many as there are tasks under way. Each takes 2 kB. */
const MOST_SEEN = 1000;
const SIDES = ['base', 'before', 'after'] as const;

/** Who keeps results here, and whose are passed over. */
export interface Keeper {
  /** Recorded in everything that is kept. */
  readonly origin?: Origin;
  readonly signer?: EntrySigner;
  /** Milliseconds since 1970, UTC: when gates passed. */
  now?(): number;
  /** Whether what this maker made may be used; a result that may not is as good as none, but for a recorded one. */
  accepts?(origin: Origin | undefined): boolean;
  /** Recorded results, until another one is made for their key: nothing else is found under it. */
  readonly pins?: PinnedResults;
  /** Keys that will probably be asked for, in about this order. */
  readonly likely?: readonly ActionKey[];
}

export type PinnedResults = Pick<Map<ActionKey, PinnedResult>, 'get' | 'has' | 'delete'>;

export interface PinnedResult {
  /** The commits that are recorded; one that is here is found, whatever the key's ref names. */
  readonly commits: readonly ObjectId[];
  /** Whether a result holds the recorded files; its author does not count. */
  holds(result: StoredResult): boolean;
}

interface NewEntry {
  readonly commit: ObjectId;
  readonly set: ObjectSet;
  readonly mayWait?: NewResult['mayWait'];
}

export class GitResults implements ResultStore {
  private readonly objects: GitObjects;
  private readonly keeper: Keeper;
  private readonly durable: DurableRefs;
  private isRepaired = false;
  private readonly writer: ResultWriter;
  /** Results that were made or asked for lately: a task asks for its own more than once. The newest last. */
  private readonly seen = new Map<ActionKey, StoredResult>();
  private readonly early: EarlyResults;

  constructor(objects: GitObjects, keeper: Keeper = {}) {
    this.objects = objects;
    this.keeper = keeper;
    this.durable = new DurableRefs(objects);
    this.writer = new ResultWriter(objects, this.durable);
    this.early = new EarlyResults(objects, keeper.likely ?? []);
  }

  async find(key: ActionKey): Promise<Result<StoredResult | undefined, Failure>> {
    const seen = this.seen.get(key);
    if (seen) return ok(seen);
    const early = await this.early.take(key);
    const found = early ? ok(early) : await this.read(key);
    if (!found.ok || !found.value) return found;
    const result = await this.pinned(key, found.value);
    const isRecorded = this.keeper.pins?.has(key);
    if (!result || (!isRecorded && this.keeper.accepts?.(result.provenance.origin) === false))
      return ok(undefined);
    this.remember(result, key);
    return ok(result);
  }

  private async read(key: ActionKey): Promise<Result<StoredResult | undefined, Failure>> {
    const named = await this.objects.readNamed(refOf(resultName(key)));
    if (named === undefined) return ok(undefined);
    let loaded = await readResult(this.objects, key, named.id, named.content);
    if (!loaded.ok && !this.isRepaired) {
      // Git would never write again what a broken file claims to hold; and a pack may be whole but for its index.
      this.isRepaired = true;
      await removeBrokenObjects(this.objects.store);
      loaded = await this.load(key, named.id);
    }
    return loaded.ok ? ok(loaded.value.result) : loaded;
  }

  /** The result that is recorded for the key, which takes the ref; undefined when it is not here. */
  private async pinned(key: ActionKey, found: StoredResult): Promise<StoredResult | undefined> {
    const pin = this.keeper.pins?.get(key);
    if (!pin || pin.holds(found)) return found;
    for (const commit of pin.commits) {
      const recorded = await this.load(key, commit);
      if (!recorded.ok || !pin.holds(recorded.value.result)) continue;
      await this.point(resultName(key), commit);
      return recorded.value.result;
    }
    return undefined;
  }

  async keep(result: NewResult): Promise<Result<KeptResult, Failure>> {
    const files = new Map<string, Entry>();
    for (const [path, entry] of result.outputs) files.set(OUTPUTS + path, entry);
    for (const edit of result.edits) {
      for (const side of SIDES) {
        const entry = edit[side];
        if (entry) files.set(`edits/${side}/${edit.path}`, entry);
      }
    }
    const { origin } = this.keeper;
    const provenance: Provenance = { ...(origin ? { origin } : {}), ...result.provenance };
    const record = { ...provenance, edited: result.edits.map((edit) => edit.path) };
    const message = resultMessage(result.provenance.label);
    const made = await this.write(resultName(result.key), record, files, message);
    const { commit } = made;
    const created = await this.createNew(resultName(result.key), { ...made, mayWait: result.mayWait }, files);
    if (!created.ok) return created;
    if (created.value === 'exists') {
      const standing = await this.find(result.key);
      if (!standing.ok) return standing;
      if (standing.value)
        return ok({ ...standing.value, adopted: standing.value.commit !== commit, stood: true });
      // The existing one may not be used here: ours replaces it.
      await this.point(resultName(result.key), commit);
    }
    const { key, outputs, edits } = result;
    const stored: StoredResult = { key, outputs, edits, commit, provenance };
    // What is made where the recorded one is in no store counts from now on.
    this.keeper.pins?.delete(result.key);
    this.remember(stored, result.key);
    return ok(stored);
  }

  private remember(result: StoredResult, key: ActionKey): void {
    this.seen.set(key, result);
    if (this.seen.size <= MOST_SEEN) return;
    for (const [oldest] of this.seen) {
      this.seen.delete(oldest);
      return;
    }
  }

  async forget(key: ActionKey): Promise<void> {
    await this.drop(resultName(key));
  }

  async drop(name: EntryName): Promise<void> {
    this.forgetSeen(name);
    // Both write all packed refs.
    await this.writer.repacked();
    await this.objects.deleteRef(refOf(name));
  }

  private forgetSeen(name: EntryName): void {
    const key = keyOf(name);
    this.seen.delete(key);
    this.early.withdraw(key);
  }

  async gatesPassed(key: Digest): Promise<boolean> {
    return (await this.commitOf(gatesName(key))) !== undefined;
  }

  async recordGates(key: Digest): Promise<void> {
    const { origin, now } = this.keeper;
    const at = now && new Date(now()).toISOString();
    const record = { schema: 1, key, at, ...(origin ? { origin } : {}) };
    const files = new Map<string, Entry>();
    const made = await this.write(gatesName(key), record, files, gatesMessage(key));
    const created = await this.createNew(gatesName(key), made, files);
    // A ref whose object was damaged is as good as none; otherwise its gates would run each time.
    const isStale = created.ok && created.value === 'exists' && !(await this.gatesPassed(key));
    if (isStale) await this.point(gatesName(key), made.commit);
  }

  /** Every entry with its commit. */
  async entries(): Promise<Map<EntryName, ObjectId>> {
    const all = new Map<EntryName, ObjectId>();
    for (const [ref, commit] of await this.objects.refs('refs/conductor')) {
      const name = nameOf(ref);
      if (name !== undefined) all.set(name, commit);
    }
    return all;
  }

  /** The commit that an entry's ref names; its content is not looked at. */
  async commitOf(name: EntryName): Promise<ObjectId | undefined> {
    return this.objects.resolve(refOf(name));
  }

  /** The commit of an entry to be sent: with a signature where this machine signs; undefined while it cannot. */
  async commitToSend(name: EntryName): Promise<ObjectId | undefined> {
    const commit = await this.commitOf(name);
    if (commit === undefined || !this.keeper.signer) return commit;
    return this.keeper.signer.signed(this.objects, name, commit, (made) => this.point(name, made));
  }

  /** Lets an entry's ref name this commit, whatever it named before. */
  async point(name: EntryName, commit: ObjectId): Promise<void> {
    this.forgetSeen(name);
    const created = await this.create(name, commit);
    if (!created.ok || created.value === 'created') return;
    if ((await this.commitOf(name)) === commit) return;
    // In one step: a process killed between a removal and a creation would lose the entry.
    await this.objects.setRef(refOf(name), commit);
    await this.durable.refWritten(refOf(name));
  }

  /** One that was made just now, together with others that are. Contents that are large stay where they are. */
  private async createNew(
    name: EntryName,
    { commit, set, mayWait }: NewEntry,
    files: Files,
  ): Promise<Result<'created' | 'exists', Failure>> {
    const bad: ObjectId[] = [];
    let bytes = 0;
    for (const { mode, id } of files.values()) {
      if (mode === '160000' || set.objects.has(id)) continue;
      const object = await this.objects.readVerified(id);
      if (object?.type !== 'blob') bad.push(id);
      else set.add('blob', object.content);
      bytes += object?.content.length ?? 0;
      if (bytes > MOST_BYTES) {
        for (const { type, content } of set.objects.values()) await this.objects.write(type, content);
        this.objects.release(set.objects.keys());
        // Also the files after this one: a ref must not name what only this process knows.
        await this.objects.writeHeld([...files.values()].map(({ id: file }) => file));
        return this.create(name, commit);
      }
    }
    if (bad.length > 0) return this.cannotBeRead(name, bad);
    const whole = { ref: refOf(name), commit, objects: set.objects };
    const created = await this.writer.write(mayWait ? { ...whole, mayWait } : whole);
    this.objects.release(set.objects.keys());
    return ok(created);
  }

  private cannotBeRead(name: EntryName, bad: readonly ObjectId[]): Result<never, Failure> {
    const detail = `${bad.length} of its objects cannot be read back: ${bad[0]}`;
    return err({ kind: 'result-damaged', key: keyOf(name), detail });
  }

  /** The objects are on disk before the ref, and the ref before anything is reported. */
  private async create(name: EntryName, commit: ObjectId): Promise<Result<'created' | 'exists', Failure>> {
    const bad = await this.durable.makeDurable(commit);
    if (bad.length > 0) return this.cannotBeRead(name, bad);
    const created = await this.objects.createRef(refOf(name), commit);
    if (created === 'created') await this.durable.refWritten(refOf(name));
    return ok(created);
  }

  repack(): Promise<void> {
    return this.writer.repack();
  }

  close(): Promise<void> {
    return this.writer.repacked();
  }

  /** A commit as the result of a key; no ref needs to name it. */
  load(key: ActionKey, commit: ObjectId): Promise<Result<LoadedResult, Failure>> {
    return readResult(this.objects, key, commit);
  }

  private async write(
    name: EntryName,
    record: object,
    files: Map<string, Entry>,
    message: string,
  ): Promise<{ commit: ObjectId; set: ObjectSet }> {
    const set = new ObjectSet(this.objects.hash);
    const add = (path: string, value: object) => {
      const id = set.add('blob', Buffer.from(`${canonicalJson(value)}\n`));
      files.set(path, { mode: '100644', id });
    };
    add(isResult(name) ? RESULT_FILE : GATES_FILE, record);
    const reader = { read: async (id: ObjectId) => set.objects.get(id)?.content ?? this.objects.read(id) };
    const signature = await this.keeper.signer?.signature(reader, name, files);
    if (signature) add(SIGNATURE_FILE, signature);
    return { commit: set.commit(set.tree(files), message), set };
  }
}
