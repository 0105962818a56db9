/**
 * Brings the project's working tree from one tree to another, or changes nothing. A journal completes it after a
 * kill. Knows no tasks.
 */

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compareBytes } from '../base/order.js';
import { err, ok, type Result } from '../base/result.js';
import { bringToDisk } from '../io/durable.js';
import { throwIfNotNow } from '../io/errors.js';
import { exists, readText, writeAtomic } from '../io/files.js';
import { FATAL, type GitCall, GitError, type GitExit, git, gitOk } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import { isGitName } from '../io/git/raw-tree.js';
import type { Repository } from '../io/git/repository.js';
import { DurableRefs } from '../io/git/upkeep/durable.js';
import { changedFiles, listOrNothing } from '../io/git/walk.js';
import { untilClosed } from '../io/open-files.js';
import type { Failure } from '../model/failure.js';
import { type Entry, type Listing, type ObjectId, sameEntry } from '../model/tree.js';
import { applyFew } from './apply-few.js';
import { blockedPaths, holds, inTheWayOf, type Listings, statOf } from './in-the-way.js';
import { indexCall } from './private-index.js';
import { type Journal, journalText, PUBLISH_JOURNAL, parseJournal } from './publish-journal.js';

export interface PublishOptions {
  /** The snapshot: what the working tree was. Relative to the project, as is `to`. */
  readonly from: ObjectId;
  readonly to: ObjectId;
  /** The files of the snapshot, where they are known. */
  readonly files?: Listing | undefined;
  /** `to` is the tree of an earlier build: what it holds was brought to disk then. */
  readonly isOnDisk?: true;
  /** Files of results that the store names: they were brought to disk with these. Absent: none is known. */
  readonly stored?: ReadonlySet<ObjectId> | undefined;
}

export interface Published {
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

const JOURNAL = PUBLISH_JOURNAL;
/** How long an orphaned git is waited for: longer than any tree takes to be written. */
const ORPHAN_MS = 60_000;
/** git compares everything before it writes anything; these are the words of the comparison. */
const REFUSED =
  /not uptodate|would be (overwritten|removed)|would lose untracked files|Would (overwrite|lose)/;
const HALF_WRITTEN = /unable to|failed to/i;

/**
 * Writes what differs. When a file in the way changed since the snapshot nothing is written: `publish-refused` names
 * it. Files that do not differ are not looked at. The caller holds the project's lock.
 */
export async function publishTree(
  repository: Repository,
  objects: GitObjects,
  { from, to, files, isOnDisk, stored }: PublishOptions,
): Promise<Result<Published, Failure>> {
  const before = files ?? (await objects.list(from));
  const changes = await changedFiles(objects, from, to);
  const after = { get: (path: string) => (changes.has(path) ? changes.get(path) : before.get(path)) };
  const changed = [...changes.keys()].sort(compareBytes);
  const refused = changed.filter((path) => after.get(path) && path.split('/').some(isGitName));
  if (refused.length > 0)
    return err({ kind: 'publish-refused', paths: refused, detail: 'git writes no files of these names' });
  const inTheWay = await inTheWayOf(repository, objects, changed, { before, after });
  if (inTheWay.length > 0) {
    return err({ kind: 'publish-refused', paths: inTheWay, detail: 'these files are not in the snapshot' });
  }
  // The journal is useful only while the objects that it names can be read.
  if (!isOnDisk) await new DurableRefs(objects).makeTreeDurable(from, to, stored);
  const journal = join(repository.state, JOURNAL);
  await writeAtomic(journal, journalText({ from, to }));
  const applied = await applyFew(repository, objects, changed, { before, after });
  const exit = applied ?? (await readTrees(repository, objects, from, to));
  if (exit.code !== 0) {
    // Anything but a refusal came in the middle of writing: the journal stays, and the next build completes it. `git apply` does not
    // always tell why it cannot write a file; what completes the journal does.
    if (applied && !exit.signal) await completePublish(repository, objects, { from, to });
    if (applied || !REFUSED.test(exit.stderr) || HALF_WRITTEN.test(exit.stderr))
      throw new GitError([applied ? 'apply' : 'read-tree'], exit, indexCall(repository));
    await rm(journal, { force: true });
    const named = [...exit.stderr.matchAll(/'([^'\n]+)'/g)].map((match) => match[1] as string);
    const paths = named.map((path) =>
      path.startsWith(repository.prefix) ? path.slice(repository.prefix.length) : path,
    );
    return err({ kind: 'publish-refused', paths, detail: exit.stderr.trim() });
  }
  await finishRemovals(repository, objects, changed, { before, after });
  // The journal goes only when the published files can no longer be lost.
  await bringToDisk(repository.project, changed);
  await rm(journal, { force: true });
  return ok({
    written: changed.filter((path) => after.get(path)),
    removed: changed.filter((path) => !after.get(path)),
  });
}

async function readTrees(
  repository: Repository,
  objects: GitObjects,
  from: ObjectId,
  to: ObjectId,
): Promise<GitExit> {
  const trees = [await objects.wrap(from, repository.prefix), await objects.wrap(to, repository.prefix)];
  return git(['read-tree', '-m', '-u', ...trees], indexCall(repository));
}

/**
 * git only warns about a file that it cannot remove, and ends well. Such a file would stay without a record of whose it is:
 * it is removed here, or the error is thrown while the journal still stands. A file with other content is a person's.
 */
async function finishRemovals(
  repository: Repository,
  objects: GitObjects,
  changed: readonly string[],
  { before, after }: Listings,
): Promise<void> {
  for (const path of changed) {
    if (!before.get(path) || after.get(path)) continue;
    const file = join(repository.project, path);
    if (!statOf(file)?.isFile()) continue;
    if (await holds(repository, objects, path, before.get(path) as Entry)) await rm(file, { force: true });
  }
}

const without = (paths: readonly string[]) => new Map(paths.map((path) => [path, undefined]));

function changedPaths(before: Listing, after: Listing): string[] {
  const paths = new Set([...before.paths, ...after.paths]);
  return [...paths].filter((path) => !sameEntry(before.get(path), after.get(path)));
}

/**
 * Completes a publish that was killed. Each path that it was to change is written unless a person has changed it since:
 * as it was before, missing, or the beginning of its new content (a write that was torn) means that it is conductor's.
 */
export async function recoverPublish(
  repository: Repository,
  objects: GitObjects,
): Promise<'nothing' | 'completed' | 'damaged'> {
  const lock = join(repository.state, 'index.lock');
  // A git that outlived its conductor may still be writing; it holds this file open until it has ended.
  if (await exists(lock)) await untilClosed(lock, ORPHAN_MS);
  const journal = join(repository.state, JOURNAL);
  const text = await readText(journal);
  if (text === undefined) return 'nothing';
  const plan = parseJournal(text);
  const isComplete = plan !== undefined && (await completePublish(repository, objects, plan));
  await rm(journal, { force: true });
  return isComplete ? 'completed' : 'damaged';
}

/** False: a tree of the journal is gone or damaged, and nothing can be completed. */
async function completePublish(repository: Repository, objects: GitObjects, plan: Journal): Promise<boolean> {
  const { to } = plan;
  const after = await listOrNothing(objects, to);
  if (!after) return false;
  const from = 'gone' in plan ? await objects.editTree(to, without(plan.gone)) : plan.from;
  const before = await listOrNothing(objects, from);
  if (!before) return false;
  const changed = changedPaths(before, after);
  const call: GitCall = { ...indexCall(repository), indexFile: join(repository.state, 'recovery-index') };
  await rm(`${call.indexFile}.lock`, { force: true });
  await gitOk(['read-tree', await objects.wrap(from, repository.prefix)], call);
  const blocked = await blockedPaths(repository, changed, before);
  const listed = (paths: readonly string[]) => paths.map((path) => `${repository.prefix}${path}\0`).join('');
  const update = ['update-index', '--add', '--remove', '--replace', '-z', '--stdin'];
  const free = changed.filter((path) => !blocked.has(path));
  await gitOk(update, { ...call, input: listed(free) });
  // Git refuses to look at a path where a folder stands, or below a file: it is not there as a file.
  const remove = ['update-index', '--force-remove', '-z', '--stdin'];
  if (blocked.size > 0) await gitOk(remove, { ...call, input: listed([...blocked.keys()]) });
  const now = (await gitOk(['write-tree'], call)).toString('latin1').trim();
  const onDisk = await objects.list(
    (await objects.subtree(now, repository.prefix)) ?? (await objects.empty()),
  );
  const changes = new Map<string, Entry | undefined>();
  for (const path of changed) {
    if (sameEntry(onDisk.get(path), after.get(path)) || blocked.get(path) === 'by a person') continue;
    if (await isOurs(repository, objects, path, { before, after, onDisk }))
      changes.set(path, after.get(path));
  }
  const target = await objects.editTree(
    (await objects.subtree(now, repository.prefix)) ?? undefined,
    changes,
  );
  const wrapped = await objects.wrap(target, repository.prefix);
  await gitOk(['read-tree', '-m', '-u', now, wrapped], call);
  const left = await objects.list(target);
  await finishRemovals(repository, objects, onDisk.paths, { before: onDisk, after: left });
  await bringToDisk(repository.project, changed);
  await rm(call.indexFile as string, { force: true });
  return true;
}

async function isOurs(
  repository: Repository,
  objects: GitObjects,
  path: string,
  { before, after, onDisk }: Listings & { readonly onDisk: Listing },
): Promise<boolean> {
  const found = onDisk.get(path);
  if (sameEntry(found, before.get(path))) return true;
  const wanted = after.get(path);
  if (!found) return wanted !== undefined;
  const whole = wanted && (await objects.read(wanted.id));
  if (!whole) return false;
  const bytes = await readFile(join(repository.project, path)).catch(throwIfNotNow);
  if (!bytes) return false;
  const isTorn = (content: Buffer) =>
    bytes.length < content.length && content.subarray(0, bytes.length).equals(bytes);
  if (isTorn(whole)) return true;
  const args = ['cat-file', '--filters', `--path=${repository.prefix}${path}`, wanted.id];
  const written = await git(args, indexCall(repository));
  if (written.code === 0) return isTorn(written.stdout);
  const error = new GitError(args, written);
  throwIfNotNow(error);
  // A filter that does not work here is no reason to stop every build.
  if (written.code !== FATAL) throw error;
  return false;
}
