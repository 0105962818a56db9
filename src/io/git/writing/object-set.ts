/** Objects that are made together and written together: ids are known before anything is written. */

import type { ObjectId } from '../../../model/tree.js';
import type { TreeEntry } from '../raw-tree.js';
import { type Changes, type FolderChanges, groupChanges } from '../raw-tree.js';
import { editedTree, type Trees } from './edited-tree.js';
import {
  commitBytes,
  type GitObject,
  type HashName,
  hashObject,
  type ObjectType,
  treeBytes,
} from './object-bytes.js';

export class ObjectSet {
  readonly objects = new Map<ObjectId, GitObject>();
  private readonly hash: HashName;

  constructor(hash: HashName) {
    this.hash = hash;
  }

  add(type: ObjectType, content: Buffer): ObjectId {
    const id = hashObject(type, content, this.hash);
    this.objects.set(id, { type, content });
    return id;
  }

  /** The tree with these files and nothing else. */
  tree(files: Changes): ObjectId {
    return this.folder(groupChanges(files));
  }

  /** The tree with changes made; what is not among these objects is read from the store. */
  async editedTree(
    store: Pick<Trees, 'read'>,
    base: ObjectId | undefined,
    changes: Changes,
  ): Promise<ObjectId> {
    const trees: Trees = {
      read: async (id) => this.objects.get(id)?.content ?? store.read(id),
      write: async (type, content) => this.add(type, content),
    };
    return (await editedTree(trees, base, changes)) ?? this.add('tree', treeBytes([]));
  }

  /** A commit without parents. */
  commit(tree: ObjectId, message: string): ObjectId {
    return this.add('commit', commitBytes({ tree, message }));
  }

  private folder({ files, folders }: FolderChanges): ObjectId {
    const entries = new Map<string, TreeEntry>();
    for (const [name, entry] of files) if (entry) entries.set(name, entry);
    for (const [name, inner] of folders) entries.set(name, { mode: '40000', id: this.folder(inner) });
    return this.add('tree', treeBytes(entries));
  }
}
