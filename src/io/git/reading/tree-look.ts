/** Reads parts of a tree without listing all of it: the entries at single paths, and the files that match a set of patterns. */

import { compareBytes } from '../../../base/order.js';
import type { PatternSet } from '../../../model/paths/pattern-set.js';
import type { Entry, ObjectId } from '../../../model/tree.js';
import { ObjectDamaged } from '../damaged.js';
import type { GitObjects } from '../objects.js';
import { byteName, parseRawTree, type TreeEntry } from '../raw-tree.js';
import { listTree } from '../walk.js';

/** The entries of a folder by the bytes of their names, one character each. */
type FolderEntries = ReadonlyMap<string, TreeEntry>;

export class TreeLook {
  private readonly objects: Pick<GitObjects, 'read' | 'list'>;
  private readonly tree: ObjectId;
  /** By path, as bytes: each folder is read once. */
  private readonly folders = new Map<string, Promise<FolderEntries | undefined>>();

  constructor(objects: Pick<GitObjects, 'read' | 'list'>, tree: ObjectId) {
    this.objects = objects;
    this.tree = tree;
  }

  /** The file, link or gitlink at a path. */
  async get(path: string): Promise<Entry | undefined> {
    const found = await this.at(path);
    return found && found.mode !== '40000' ? { mode: found.mode, id: found.id } : undefined;
  }

  /** The entry at a path, which may be a folder. */
  async at(path: string): Promise<TreeEntry | undefined> {
    const bytes = byteName(path);
    const slash = bytes.lastIndexOf('/');
    const folder = await this.folder(slash < 0 ? '' : bytes.slice(0, slash));
    return folder?.get(bytes.slice(slash + 1));
  }

  /** Whether a file or link stands where a path needs a folder: then nothing can be at the path. */
  async isBelowFile(path: string): Promise<boolean> {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = await this.at(path.slice(0, end));
      if (above) return above.mode !== '40000';
    }
    return false;
  }

  private folder(bytes: string): Promise<FolderEntries | undefined> {
    let found = this.folders.get(bytes);
    if (found === undefined) {
      found = this.readFolder(bytes);
      this.folders.set(bytes, found);
    }
    return found;
  }

  private async readFolder(bytes: string): Promise<FolderEntries | undefined> {
    let id: ObjectId | undefined = this.tree;
    if (bytes !== '') {
      const slash = bytes.lastIndexOf('/');
      const entry = (await this.folder(slash < 0 ? '' : bytes.slice(0, slash)))?.get(bytes.slice(slash + 1));
      id = entry?.mode === '40000' ? entry.id : undefined;
    }
    if (id === undefined) return undefined;
    const raw = await this.objects.read(id);
    if (!raw) throw new ObjectDamaged('tree', id);
    return parseRawTree(raw, id.length / 2);
  }

  /** The files that a set of patterns matches, in byte order. Lists only folders that may hold some. */
  async select(set: PatternSet): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>();
    for (const include of set.includes) {
      if (!include.isGlob) {
        const entry = set.keeps(include.prefix) ? await this.get(include.prefix) : undefined;
        if (entry) found.set(include.prefix, entry);
        continue;
      }
      for (const [path, entry] of await this.below(include.prefix))
        if (include.matches(path) && set.keeps(path)) found.set(path, entry);
    }
    return new Map([...found].sort(([a], [b]) => compareBytes(a, b)));
  }

  /** All files below a folder, whose prefix ends with `/`; the empty one is the whole tree. */
  async below(prefix: string): Promise<[string, Entry][]> {
    const folder = prefix === '' ? { mode: '40000', id: this.tree } : await this.at(prefix.slice(0, -1));
    if (folder?.mode !== '40000') return [];
    const { files } = await listTree(this.objects, folder.id);
    return [...files].map(([path, entry]) => [prefix + path, entry]);
  }
}
