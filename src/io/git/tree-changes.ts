/** Changes of a tree, grouped by the folders that they touch. Plain data; knows no repository. */

import type { Entry } from '../../model/tree.js';

/** Changes of a tree: path to entry, `undefined` for a file that is to go. */
export type Changes = ReadonlyMap<string, Entry | undefined>;

/** Branch of a change set: the changes below one folder by name. */
export interface FolderChanges {
  readonly files: Map<string, Entry | undefined>;
  readonly folders: Map<string, FolderChanges>;
}

/** A path as git keeps it: its bytes, one character each. */
export function byteName(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

export function groupChanges(changes: Changes): FolderChanges {
  const root: FolderChanges = { files: new Map(), folders: new Map() };
  for (const [path, entry] of changes) {
    const parts = byteName(path).split('/');
    let folder = root;
    for (const part of parts.slice(0, -1)) {
      let next = folder.folders.get(part);
      if (!next) {
        next = { files: new Map(), folders: new Map() };
        folder.folders.set(part, next);
      }
      folder = next;
    }
    folder.files.set(parts.at(-1) as string, entry);
  }
  return root;
}
