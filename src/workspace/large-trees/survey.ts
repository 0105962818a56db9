/**
 * Finds the files and folders of a workspace that are not as its record says, in one walk over the folders and one over the files.
 * Compares also the time of the last change of state, which no program can set: with size and modification time alone, a changed
 * file could look unchanged.
 */

import type { BigIntStats } from 'node:fs';
import { join, posix } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ownValue } from '../../base/records/own-value.js';
import { lookSync } from '../../io/files.js';
import { gitOk } from '../../io/git/git-process.js';
import type { GitObjects } from '../../io/git/objects.js';
import { TreeLook } from '../../io/git/reading/tree-look.js';
import { type FoundEntry, type KnownFolders, restoreFolder, type Seen, withPlainMode } from '../restore.js';
import { countedTurns } from '../small-trees/put-tree.js';
import { type Workspace, workspaceCall } from '../workspace.js';
import { clockOf, folderLook } from './record.js';
import type { Survey, TreeRecord } from './tree-record.js';

/** Puts modes right as `restoreFolder` does. */
export async function surveyWorkspace(
  objects: GitObjects,
  workspace: Workspace,
  record: TreeRecord,
): Promise<Survey> {
  const time = clockOf(workspace);
  const seen: Seen = { files: new Map(), folders: [], hasStrangeName: false };
  const { dir, kept } = workspace;
  const state = await restoreFolder(dir, kept, seen, new RecordedFolders(record, kept));
  const folders = new Set(seen.folders);
  const look = new TreeLook(objects, record.tree);
  const differing = new Map<string, FoundEntry | undefined>();
  for (const [path, found] of seen.files) {
    const before = await look.at(path);
    if (before && before.mode !== '40000') continue;
    differing.set(path, found);
    // git does not list the files of a folder whose place a link to itself has taken.
    if (before) for (const [gone] of await look.below(`${path}/`)) differing.set(gone, undefined);
  }
  const isTurn = countedTurns();
  for (const path of await changedFiles(workspace)) {
    if (isTurn()) await setImmediate();
    const isInFolder = !path.includes('/') || folders.has(posix.dirname(path));
    differing.set(path, isInFolder ? found(dir, path) : undefined);
  }
  return { record, kept, time, state, folders, hasStrangeName: seen.hasStrangeName, differing, look };
}

/** The files that do not look as git's index says. git looks, because it is much faster at many files than Node. */
async function changedFiles(workspace: Workspace): Promise<string[]> {
  const listed = await gitOk(['diff-files', '--name-only', '-z'], workspaceCall(workspace));
  return listed
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}

function found(dir: string, path: string): FoundEntry | undefined {
  const place = join(dir, path);
  const stat = lookSync(place);
  if (stat?.isSymbolicLink()) return { path };
  return stat?.isFile() ? { path, stat: withPlainMode(place) } : undefined;
}

class RecordedFolders implements KnownFolders {
  private readonly looks: TreeRecord['folders'];
  private readonly names = new Map<string, string[]>();
  /** Folders that have to be read: something in them was kept for the last record, and is not kept any more. */
  private readonly opened = new Set<string>();

  constructor({ folders, kept }: TreeRecord, keptNow: readonly string[]) {
    this.looks = folders;
    for (const path of Object.keys(folders)) {
      if (path === '') continue;
      const above = folderOf(path);
      const names = this.names.get(above);
      const name = posix.basename(path);
      if (names) names.push(name);
      else this.names.set(above, [name]);
    }
    for (const path of kept) {
      if (keptNow.includes(path)) continue;
      let above = folderOf(path.replace(/\/+$/, ''));
      while (ownValue(folders, above) === undefined && above !== '') above = folderOf(above);
      this.opened.add(above);
    }
  }

  inside(path: string, stat: BigIntStats): readonly string[] | undefined {
    const look = ownValue(this.looks, path);
    if (!look || this.opened.has(path) || folderLook(stat) !== look) return undefined;
    return this.names.get(path) ?? [];
  }
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === '.' ? '' : folder;
}
