/**
 * What conductor knows of a workspace that it has put to a large tree: git's index says what each file looked like, and the
 * record beside it says what each folder looked like. Compares nothing.
 */

import { type BigIntStats, lstatSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newRecord } from '../../base/records/own-value.js';
import { isMissing } from '../../io/errors.js';
import { readText } from '../../io/files.js';
import { beside } from '../tools/copies.js';
import type { Workspace } from '../workspace.js';
import type { TreeRecord } from './tree-record.js';

/** The longest time between two ticks of the clock with which a kernel stamps files. */
const TICK_NS = 20_000_000n;

/** Undefined where there is none that holds for the workspace. */
export async function readRecord(workspace: Workspace): Promise<TreeRecord | undefined> {
  const text = await readText(placeOf(workspace));
  if (text === undefined) return undefined;
  let record: TreeRecord;
  try {
    record = JSON.parse(text) as TreeRecord;
  } catch {
    return undefined;
  }
  const isKnown = record.rules === workspace.canonical.key && record.index === indexLook(workspace);
  return isKnown && Array.isArray(record.kept) && typeof record.folders === 'object' ? record : undefined;
}

/** Not synced to disk: conductor removes a workspace in which a build was killed. */
export function writeRecord(workspace: Workspace, record: TreeRecord): void {
  writeFileSync(placeOf(workspace), JSON.stringify(record));
}

export function dropRecord(workspace: Pick<Workspace, 'index'>): void {
  rmSync(placeOf(workspace), { force: true });
}

function placeOf(workspace: Pick<Workspace, 'index'>): string {
  return beside(workspace, 'record');
}

/** What the index of a workspace looks like now; empty where there is none. */
export function indexLook({ index }: Pick<Workspace, 'index'>): string {
  const stat = lookAt(index);
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}` : '';
}

/** The time by the clock that stamps the files of a workspace: what changes from now on has this time or a later one. */
export function clockOf(workspace: Pick<Workspace, 'index'>): bigint {
  const place = beside(workspace, 'clock');
  rmSync(place, { force: true });
  writeFileSync(place, '', { flag: 'wx' });
  const { ctimeNs } = lstatSync(place, { bigint: true });
  rmSync(place, { force: true });
  return ctimeNs - TICK_NS;
}

/** What a folder looks like: this changes as soon as a name in it is added, removed or given to another file. */
export function folderLook({ ino, dev, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${ctimeNs}`;
}

/** ext, XFS, Btrfs, tmpfs, overlayfs, F2FS, bcachefs and ZFS: with them a folder shows each change of its names at once. */
const TRUSTED = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0xca451a4e, 0x2fc12fc1,
]);

/**
 * What the folders of a workspace look like. A folder that changed at `time` or later may change again and look the same, and so may
 * every folder in a file system of another kind (over a network, in a program): these folders are read each time.
 */
export function folderLooks(dir: string, folders: Iterable<string>, time: bigint): Record<string, string> {
  const looks = newRecord<string>();
  const isTrusted = TRUSTED.has(statfsSync(dir).type);
  for (const folder of ['', ...folders]) {
    const stat = lookAt(join(dir, folder));
    if (stat?.isDirectory()) looks[folder] = isTrusted && stat.ctimeNs < time ? folderLook(stat) : '';
  }
  return looks;
}

/** What is at a path, with its exact times; undefined where nothing is. */
export function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
