/**
 * Trees that only this process has: read as those of the repository, and written as soon as a git process is asked about one, an
 * object that is written names one, or they are many. Most are never needed on disk: what a task sees, while conductor shows it.
 */

import type { ObjectId } from '../../../model/tree.js';
import { type Changes, commitTree, parseRawTree } from '../raw-tree.js';
import type { Trees } from './edited-tree.js';
import { listenToGit } from './git-listeners.js';
import { LooseWriter } from './loose.js';
import type { GitObject, HashName, ObjectType } from './object-bytes.js';
import { ObjectSet } from './object-set.js';
import { ManyObjects } from './pack.js';

const MOST_BYTES = 2 * 1024 * 1024;
/** What one takes beside its bytes. */
const OVERHEAD = 500;
const IDS = /[0-9a-f]{40,64}/g;
/** Input of git that is longer is not searched. */
const LONGEST = 1_000_000;

/** By repository: several parts of a process have it open, and what one makes another may read. */
const all = new Map<string, UnwrittenTrees>();

export function unwrittenTrees(store: string, hash: HashName): UnwrittenTrees {
  const known = all.get(store) ?? new UnwrittenTrees(store, hash);
  all.set(store, known);
  return known;
}

export class UnwrittenTrees {
  private readonly trees = new Map<ObjectId, GitObject>();
  private bytes = 0;
  private readonly many: ManyObjects;
  private readonly store: string;
  private readonly hash: HashName;
  private readonly idLength: number;
  private writing: Promise<unknown> = Promise.resolve();
  private stopListening: (() => void) | undefined;

  constructor(store: string, hash: HashName) {
    this.many = new ManyObjects(store, hash, new LooseWriter(store, hash));
    this.store = store;
    this.hash = hash;
    this.idLength = hash === 'sha1' ? 40 : 64;
  }

  get(id: string): GitObject | undefined {
    return this.trees.get(id);
  }

  /** The tree with changes made; what is not among these is read from the repository, where all else is that it names. */
  async editedTree(
    repository: Pick<Trees, 'read'>,
    base: ObjectId | undefined,
    changes: Changes,
  ): Promise<ObjectId> {
    if (base !== undefined && changes.size === 0) return base;
    const set = new ObjectSet(this.hash);
    const tree = await set.editedTree(repository, base, changes);
    await this.add(set.objects);
    return tree;
  }

  private async add(objects: ReadonlyMap<ObjectId, GitObject>): Promise<void> {
    for (const [id, object] of objects) {
      if (this.trees.has(id)) continue;
      this.trees.set(id, object);
      this.bytes += object.content.length + OVERHEAD;
    }
    this.stopListening ??= listenToGit(this.store, (words, input) => this.writeNamed(words, input));
    if (this.bytes > MOST_BYTES) await this.write(this.trees.keys());
  }

  /** A tree and what of these is below it. */
  below(tree: ObjectId, found = new Map<ObjectId, GitObject>()): Map<ObjectId, GitObject> {
    const object = this.trees.get(tree);
    if (object === undefined || found.has(tree)) return found;
    found.set(tree, object);
    for (const { mode, id } of parseRawTree(object.content, this.idLength / 2).values())
      if (mode === '40000') this.below(id, found);
    return found;
  }

  /** Those of the ids that are trees of these, with what is below them. They are in the repository when it resolves. */
  async write(ids: Iterable<ObjectId>): Promise<void> {
    if (this.trees.size === 0) return;
    const objects = new Map<ObjectId, GitObject>();
    for (const id of ids) this.below(id, objects);
    if (objects.size === 0) return;
    const written = this.writing.then(() => this.writeNow(objects));
    this.writing = written.catch(() => undefined);
    await written;
  }

  /** What an object names that is to be written. */
  async writeBefore(type: ObjectType, content: Buffer): Promise<void> {
    if (this.trees.size === 0 || type === 'blob') return;
    if (type === 'commit') return this.write([commitTree(content) ?? []].flat());
    const entries = [...parseRawTree(content, this.idLength / 2).values()];
    await this.write(entries.map(({ id }) => id));
  }

  /** What texts for git name. */
  async writeNamed(words: readonly string[], input: Buffer | string = ''): Promise<void> {
    if (this.trees.size === 0) return;
    if (input.length > LONGEST) return this.write(this.trees.keys());
    const texts = [...words, typeof input === 'string' ? input : input.toString('latin1')];
    await this.write(texts.flatMap((text) => text.match(IDS) ?? []));
  }

  private async writeNow(objects: ReadonlyMap<ObjectId, GitObject>): Promise<void> {
    const left = new Map([...objects].filter(([id]) => this.trees.has(id)));
    await this.many.write(left);
    for (const [id, { content }] of left) {
      this.trees.delete(id);
      this.bytes -= content.length + OVERHEAD;
    }
    if (this.trees.size > 0) return;
    this.stopListening?.();
    this.stopListening = undefined;
  }
}
