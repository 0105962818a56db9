/**
 * Puts a workspace from the tree that its record names to another tree: writes only what differs, and keeps the record. Does
 * nothing where git has to judge.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { compareBytes } from '../../base/order.js';
import { ownValue } from '../../base/records/own-value.js';
import type { GitObjects } from '../../io/git/objects.js';
import { NameNotText } from '../../io/git/raw-tree.js';
import { TreeLook } from '../../io/git/reading/tree-look.js';
import { changedFiles } from '../../io/git/walk.js';
import { changedIndex, type IndexChanges, type IndexEntry } from '../../io/git/writing/index-bytes.js';
import { conversions } from '../../model/git-rules/git-rules.js';
import type { Entry, Files, ObjectId } from '../../model/tree.js';
import { changeFiles, countedTurns, foldersOf, isSame } from '../small-trees/put-tree.js';
import { ATTRIBUTES, plainName } from '../small-trees/small-tree.js';
import type { Workspace } from '../workspace.js';
import { clockOf, dropRecord, folderLooks, indexLook, lookAt, readRecord, writeRecord } from './record.js';
import { surveyWorkspace } from './survey.js';
import type { Survey, TreeRecord } from './tree-record.js';

/** With more changes, git does the work: it writes many files faster. */
const MOST_CHANGES = 5000;
const MOST_BYTES = 64 * 1024 * 1024;

/** `left`: what an earlier survey found, if no program has run since. False where git has to do it. */
export async function putLarge(
  objects: GitObjects,
  workspace: Workspace,
  tree: ObjectId,
  left: Survey | undefined,
): Promise<boolean> {
  const record = process.platform === 'linux' ? await readRecord(workspace) : undefined;
  if (!record) return false;
  const survey = isStill(left, record, workspace) ? left : await surveyWorkspace(objects, workspace, record);
  return !survey.hasStrangeName && (await putSurveyed(objects, workspace, survey, tree));
}

/** Whether a new survey would find the same. */
function isStill(left: Survey | undefined, record: TreeRecord, { kept }: Workspace): left is Survey {
  return left?.record.index === record.index && left.kept.every((path) => kept.includes(path));
}

async function putSurveyed(
  objects: GitObjects,
  workspace: Workspace,
  survey: Survey,
  tree: ObjectId,
): Promise<boolean> {
  const { record, differing, look, folders, time } = survey;
  const { dir, kept } = workspace;
  const changes =
    tree === record.tree
      ? new Map<string, Entry | undefined>()
      : await changedFiles(objects, record.tree, tree);
  if (changes.size > MOST_CHANGES) return false;
  const paths = [...new Set([...differing.keys(), ...changes.keys()])].sort(compareBytes);
  const after = new TreeLook(objects, tree);
  const wanted = new Map<string, Entry>();
  for (const path of paths) {
    const entry = await after.get(path);
    if (entry) wanted.set(path, entry);
  }
  if (!(await isPlain(objects, workspace, wanted)) || !(await isFree(after, kept))) return false;
  const removed: string[] = [];
  const missing = new Map<string, Entry>();
  const isTurn = countedTurns();
  for (const path of paths) {
    if (isTurn()) await setImmediate();
    const entry = wanted.get(path);
    const found = differing.get(path);
    // Just after git wrote a tree, every file of it may look changed.
    if (found && entry && isSame(objects, dir, found, entry)) continue;
    if (entry) missing.set(path, entry);
    if (found || (!differing.has(path) && (await look.get(path)))) removed.push(path);
  }
  if (Math.max(removed.length, missing.size) > MOST_CHANGES) return false;
  const ids = new Set([...missing.values()].map(({ id }) => id));
  if (await isMore(objects, ids)) return false;
  const contents = await objects.readMany(ids);
  const gone = paths.filter((path) => !wanted.has(path));
  const emptied = await emptiedFolders(survey, { after, kept, gone });
  dropRecord(workspace);
  workspace.shown.large = undefined;
  const there = await changeFiles(dir, { removed, emptied, folders, missing, contents });
  const entries = new Map<string, Omit<IndexEntry, 'path'> | undefined>();
  for (const path of paths) {
    const entry = wanted.get(path);
    const stat = entry && lookAt(join(dir, path));
    entries.set(path, entry && stat && { entry, stat });
    if (isTurn()) await setImmediate();
  }
  if (paths.length > 0 && !changeIndex(objects, workspace, entries, time)) return false;
  keepRecord(workspace, { tree, folders: there, time });
  return true;
}

/** Folders that are there, and that the tree does not have; each before those that it is in. */
async function emptiedFolders(
  { record, folders }: Survey,
  {
    after,
    kept,
    gone,
  }: { readonly after: TreeLook; readonly kept: readonly string[]; readonly gone: readonly string[] },
): Promise<string[]> {
  const stay = foldersOf(kept);
  // The tree has every other folder: no file in it has gone, neither by a program nor now.
  const may = new Set([...foldersOf(gone), ...foldersOf(record.kept)]);
  const found: string[] = [];
  for (const folder of folders) {
    if (stay.has(folder) || (ownValue(record.folders, folder) !== undefined && !may.has(folder))) continue;
    if ((await after.at(folder))?.mode !== '40000') found.push(folder);
  }
  return found.sort((a, b) => b.length - a.length);
}

/** False if git's index has a form that only git can change: then git has to compare all files. */
function changeIndex(
  { hash }: GitObjects,
  { index }: Workspace,
  changes: IndexChanges['changes'],
  time: bigint,
): boolean {
  const second = Number(time / 1_000_000_000n);
  const bytes = changedIndex(readFileSync(index), { changes, second, hash });
  if (bytes) writeFileSync(index, bytes);
  return bytes !== undefined;
}

function keepRecord(
  workspace: Workspace,
  {
    tree,
    folders,
    time,
  }: { readonly tree: ObjectId; readonly folders: Iterable<string>; readonly time: bigint },
): void {
  const { dir, canonical, kept } = workspace;
  const record: TreeRecord = {
    ...{ tree, rules: canonical.key, kept },
    index: indexLook(workspace),
    folders: folderLooks(dir, folders, time),
  };
  writeRecord(workspace, record);
  workspace.shown.large = record;
}

/** Makes the record of a workspace that git has just put to a tree, where conductor can go on from it without git. */
export async function learnTree(objects: GitObjects, workspace: Workspace, tree: ObjectId): Promise<void> {
  if (process.platform !== 'linux') return;
  let files: Files;
  try {
    ({ files } = await objects.list(tree));
  } catch (error) {
    if (error instanceof NameNotText) return;
    throw error;
  }
  if (!(await isPlain(objects, workspace, files))) return;
  const time = clockOf(workspace);
  if (!changeIndex(objects, workspace, new Map(), time)) return;
  keepRecord(workspace, { tree, folders: foldersOf([...files.keys(), ...workspace.kept]), time });
}

/** Whether git would write all of these files as they are. */
async function isPlain(objects: GitObjects, workspace: Workspace, files: Files): Promise<boolean> {
  const hasPlainName = plainName(workspace);
  for (const [path, { mode, id }] of files) {
    if (mode === '160000' || !hasPlainName(path)) return false;
    if (basename(path) !== ATTRIBUTES) continue;
    const attributes = mode === '120000' ? undefined : (await objects.read(id))?.toString('utf8');
    if (attributes === undefined || conversions({ attributes, ignores: '' })) return false;
  }
  return true;
}

/** Whether a tree has nothing where a workspace keeps something. */
async function isFree(tree: TreeLook, kept: readonly string[]): Promise<boolean> {
  for (const path of kept) {
    const root = path.replace(/\/+$/, '');
    if ((await tree.at(root)) || (await tree.isBelowFile(root))) return false;
  }
  return true;
}

async function isMore(objects: GitObjects, ids: ReadonlySet<ObjectId>): Promise<boolean> {
  let bytes = 0;
  for (const id of ids) bytes += (await objects.sizeOf(id)) ?? 0;
  return bytes > MOST_BYTES;
}
