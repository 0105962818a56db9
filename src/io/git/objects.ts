/**
 * Writes objects into conductor's own repository, and reads them and changes refs through git processes that stay open.
 * Knows no work trees.
 */

import { mapBounded } from '../../base/bounded.js';
import { Listing, type ObjectId } from '../../model/tree.js';
import { Coprocess, CoprocessEnded, lineFrame, twoLines } from './coprocess.js';
import { ObjectDamaged } from './damaged.js';
import { type GitCall, gitOk } from './git-process.js';
import { byteName, type Changes, parseListing, type TreeEntry } from './raw-tree.js';
import { type NamedObject, objectFrame, parseObject, unsoundObjects } from './reading/answers.js';
import { listRefs } from './reading/refs.js';
import type { Repository } from './repository.js';
import { requestLine } from './request-lines.js';
import { removeStaleLock } from './upkeep/stale-lock.js';
import { editedTree } from './writing/edited-tree.js';
import { LooseWriter, RecentObjects } from './writing/loose.js';
import {
  commitBytes,
  type GitObject,
  type HashName,
  hashObject,
  type NewCommit,
  type ObjectType,
  treeBytes,
} from './writing/object-bytes.js';
import { ManyObjects } from './writing/pack.js';
import { PassingObjects } from './writing/passing-objects.js';
import { type UnwrittenTrees, unwrittenTrees } from './writing/unwritten-trees.js';

export class GitObjects {
  readonly store: string;
  readonly hash: HashName;
  private readonly call: GitCall;
  private readonly reader: Coprocess;
  private readonly sizes: Coprocess;
  private readonly blobs: Coprocess;
  private readonly refUpdates: Coprocess;
  private readonly loose: LooseWriter;
  /** Ref updates are transactions of several lines: one after the other. */
  private lastUpdate: Promise<unknown> = Promise.resolve();
  private emptyTree: ObjectId | undefined;
  readonly passing = new PassingObjects();
  /** Trees that are only shown: of this process alone until another one needs them. */
  readonly unwritten: UnwrittenTrees;
  readonly many: ManyObjects;
  /** Contents of files that were written lately: what depends on them, or publishes them, asks for them next. */
  private readonly files = new RecentObjects();
  /** Contents that are to be written with what names them. */
  private readonly held = new Map<ObjectId, Buffer>();

  constructor(repository: Pick<Repository, 'store' | 'objectFormat'>) {
    this.store = repository.store;
    this.hash = repository.objectFormat;
    this.loose = new LooseWriter(repository.store, repository.objectFormat);
    this.many = new ManyObjects(repository.store, repository.objectFormat, this.loose);
    this.unwritten = unwrittenTrees(repository.store, repository.objectFormat);
    this.call = { gitDir: repository.store, dir: repository.store };
    this.reader = new Coprocess(['cat-file', '--batch'], this.call);
    this.sizes = new Coprocess(['cat-file', '--batch-check=%(objectsize)'], this.call);
    // What these write is brought to disk in one go, before a ref names it (`durable.ts`): not object by object.
    const writing: GitCall = { ...this.call, settings: ['core.fsync=-loose-object'] };
    this.blobs = new Coprocess(['hash-object', '-w', '--no-filters', '--stdin-paths'], writing);
    this.refUpdates = new Coprocess(['update-ref', '--stdin'], this.call);
  }

  /** An object's content; undefined when there is none, or none that can be read. `name`: an id or `<rev>:<path>`. */
  async read(name: string): Promise<Buffer | undefined> {
    const known = this.held.get(name) ?? this.loose.recent.get(name) ?? this.files.get(name);
    const own = known ?? (this.passing.get(name) ?? this.unwritten.get(name))?.content;
    return own ?? (await this.readNamed(name))?.content;
  }

  /** Contents by id. All have to be there: a hole in the store is never an empty file of a person. */
  async readMany(ids: Iterable<ObjectId>): Promise<Map<ObjectId, Buffer>> {
    const found = new Map<ObjectId, Buffer>();
    await mapBounded(new Set(ids), async (id) => {
      const content = await this.read(id);
      if (!content) throw new ObjectDamaged('object', id);
      found.set(id, content);
    });
    return found;
  }

  /** How many bytes an object has, without reading it; undefined when it is missing. What this process wrote as a file's content counts as there. */
  async sizeOf(id: ObjectId): Promise<number | undefined> {
    const { content } = this.passing.get(id) ?? this.unwritten.get(id) ?? {};
    const known = this.held.get(id) ?? this.files.get(id) ?? content;
    if (known) return known.length;
    const answer = (await this.sizes.ask(`${id}\n`, lineFrame)).toString('latin1').trim();
    return /^\d+$/.test(answer) ? Number(answer) : undefined;
  }

  /** The id that a ref or revision names. */
  async resolve(name: string): Promise<ObjectId | undefined> {
    return (await this.readNamed(name))?.id;
  }

  /** Those of the ids whose object is missing, cannot be read, or is not what its id says. */
  async missing(ids: readonly ObjectId[]): Promise<ObjectId[]> {
    const asked = [...new Set(ids)].filter((id) => !this.held.has(id) && !this.passing.get(id));
    await this.unwritten.write(asked);
    const { bad, unknown } = await unsoundObjects(this.reader, asked, this.hash, this.call);
    // git ends at an object that is damaged: which one it is, each alone tells.
    const found = await mapBounded(unknown, (id) => this.readVerified(id));
    return [...bad, ...unknown.filter((_, i) => !found[i])];
  }

  /** An object by its full id, hashed again; undefined when it is missing, unreadable, or not what its id says. */
  async readVerified(id: ObjectId): Promise<{ type: string; content: Buffer } | undefined> {
    const held = this.held.get(id);
    if (held) return { type: 'blob', content: held };
    const passing = this.passing.get(id);
    if (passing) return passing;
    const object = await this.readNamed(id);
    return object && hashObject(object.type, object.content, this.hash) === id ? object : undefined;
  }

  async write(type: ObjectType, content: Buffer): Promise<ObjectId> {
    await this.unwritten.writeBefore(type, content);
    return this.loose.write(type, content);
  }

  /** Writes what only this process has of a commit, so that git finds it, too. */
  async writePassing(commit: ObjectId): Promise<void> {
    await this.many.write(this.passing.of(commit));
  }

  async writeBlob(content: Buffer): Promise<ObjectId> {
    const id = this.loose.write('blob', content);
    this.files.add(id, content);
    return id;
  }

  /** The id of a blob that this process alone knows until it is written or `release`d. */
  hold(content: Buffer): ObjectId {
    const id = hashObject('blob', content, this.hash);
    this.held.set(id, content);
    return id;
  }

  /** Writes those of the ids that only this process knows. */
  async writeHeld(ids: Iterable<ObjectId>): Promise<void> {
    const found = new Map<ObjectId, GitObject>();
    for (const id of ids) {
      const content = this.held.get(id);
      if (content) found.set(id, { type: 'blob', content });
    }
    await this.many.write(found);
    for (const id of found.keys()) this.held.delete(id);
  }

  /** They are in the store. */
  release(ids: Iterable<ObjectId>): void {
    for (const id of ids) {
      const content = this.held.get(id);
      if (content === undefined) continue;
      this.held.delete(id);
      // What depends on it asks for it next.
      this.files.add(id, content);
    }
  }

  /** A blob with a file's content, byte for byte. The path has no line break. */
  async writeBlobFile(file: string): Promise<ObjectId> {
    return (await this.blobs.ask(`${file}\n`, lineFrame)).toString('latin1').trim();
  }

  /** Equal trees, parents and messages give equal ids: author and date are fixed. */
  async writeCommit(commit: NewCommit): Promise<ObjectId> {
    return this.write('commit', commitBytes(commit));
  }

  /** Names are bytes, one character each: a name that is no UTF-8 stays what it is. */
  async writeTree(entries: Iterable<readonly [string, TreeEntry]>): Promise<ObjectId> {
    return this.write('tree', treeBytes(entries));
  }

  /** Every file below a tree (or a commit's tree). Rejects when the tree cannot be read. */
  async list(tree: ObjectId): Promise<Listing> {
    const listed = await gitOk(['ls-tree', '-r', '-z', '--full-tree', tree], this.call);
    return new Listing(parseListing(listed, tree));
  }

  /** Ids of all trees and files below a tree (or a commit's tree), and of the tree itself. */
  async everything(tree: ObjectId): Promise<ObjectId[]> {
    const listed = await gitOk(['ls-tree', '-r', '-t', '--object-only', '--full-tree', tree], this.call);
    const top = await this.resolve(`${tree}^{tree}`);
    return [...(top === undefined ? [] : [top]), ...listed.toString('latin1').split('\n').filter(Boolean)];
  }

  /**
   * The tree with changes made; only folders on the way to a change are read and written. A file that stands where a
   * folder is needed gives way, and a folder gives way to a file of its name. Empty folders vanish.
   */
  async editTree(base: ObjectId | undefined, changes: Changes): Promise<ObjectId> {
    if (base !== undefined && changes.size === 0) return base;
    return (await editedTree(this, base, changes)) ?? this.empty();
  }

  /** The tree below a folder (`sub/folder/`); undefined when there is none. */
  async subtree(tree: ObjectId, prefix: string): Promise<ObjectId | undefined> {
    if (prefix === '') return tree;
    return this.resolve(`${tree}:${prefix.slice(0, -1)}`);
  }

  /** The tree put at a folder of an otherwise empty one. */
  async wrap(tree: ObjectId, prefix: string): Promise<ObjectId> {
    let wrapped = tree;
    for (const name of prefix.split('/').filter(Boolean).reverse()) {
      wrapped = await this.writeTree([[byteName(name), { mode: '40000', id: wrapped }]]);
    }
    return wrapped;
  }

  async empty(): Promise<ObjectId> {
    this.emptyTree ??= await this.writeTree([]);
    return this.emptyTree;
  }

  /** A readable difference of two trees. */
  async diff(from: ObjectId, to: ObjectId): Promise<string> {
    const output = await gitOk(
      ['diff', '--no-color', '--no-ext-diff', '--no-textconv', from, to, '--'],
      this.call,
    );
    return output.toString('utf8');
  }

  /** Creates a ref that does not exist yet; one that exists stays as it is. */
  async createRef(name: string, id: ObjectId): Promise<'created' | 'exists'> {
    const request = requestLine('create', name, id);
    try {
      await this.inTurn(() => this.refUpdates.ask(`start\n${request}commit\n`, twoLines));
      return 'created';
    } catch (error) {
      if (!(error instanceof CoprocessEnded)) throw error;
      // Git waits a second for the lock of a ref, which is held for an instant: then its holder was killed.
      const left = /Unable to create '(.+\.lock)': File exists/.exec(error.message)?.[1];
      if (left?.startsWith(this.store) && (await removeStaleLock(left, this.store))) {
        return this.createRef(name, id);
      }
      // Out of turn: reading a damaged object takes a turn of its own.
      if ((await this.resolve(name)) !== undefined) return 'exists';
      if (!error.message.includes('reference already exists')) throw error;
      // A ref to an object that is damaged is as good as none.
      await this.setRef(name, id);
      return 'created';
    }
  }

  /** In one step, whatever the ref named before: at each moment it names one of the two. */
  async setRef(name: string, id: ObjectId): Promise<void> {
    await this.inTurn(() => gitOk(['update-ref', name, id], this.call));
  }

  async deleteRef(name: string): Promise<void> {
    await this.inTurn(() => gitOk(['update-ref', '-d', name], this.call));
  }

  async refs(prefix: string): Promise<Map<string, ObjectId>> {
    return new Map(await listRefs(this.call, prefix));
  }

  async close(): Promise<void> {
    const { reader, sizes, blobs, refUpdates } = this;
    await Promise.all([reader, sizes, blobs, refUpdates].map((process) => process.close()));
  }

  /** The object that an id, a ref or a revision names; what only this process knows is not found. */
  async readNamed(name: string): Promise<NamedObject | undefined> {
    if (name.includes('\n')) return undefined;
    await this.unwritten.writeNamed([name]);
    let answer: Buffer;
    try {
      answer = await this.reader.ask(`${name}\n`, objectFrame);
    } catch (error) {
      // git ends at an object that is damaged. Requests behind it are asked again; the damaged one ends alone.
      if (!(error instanceof CoprocessEnded)) throw error;
      try {
        answer = await this.inTurn(() => this.reader.ask(`${name}\n`, objectFrame));
      } catch (again) {
        if (again instanceof CoprocessEnded) return undefined;
        throw again;
      }
    }
    const object = parseObject(answer);
    return object && { ...object, content: Buffer.from(object.content) };
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.lastUpdate.then(work, work);
    this.lastUpdate = turn.catch(() => undefined);
    return turn;
  }
}
