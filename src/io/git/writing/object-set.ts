/** Objects that are made together and written together: ids are known before anything is written. */

import type { ObjectId } from '../../../model/tree.js';
import type { TreeEntry } from '../raw-tree.js';
import { type Changes, type FolderChanges, groupChanges } from '../raw-tree.js';
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
