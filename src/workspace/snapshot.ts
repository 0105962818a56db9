/**
 * The project's working tree, with uncommitted work, as a git tree: through a private index in conductor's state
 * folder, which is also the cache of file stats. Reads the user's index once and never writes it.
 */

import { copyFile, lstat, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { err, ok, type Result } from '../base/result.js';
import { readText, writeAtomic } from '../io/files.js';
import { type GitCall, type GitExit, git } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Failure } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import { addArguments, indexCall, pathspecs, secretsText } from './private-index.js';

export interface SnapshotOptions {
  /** Patterns of files that are left out. */
  readonly secrets: readonly string[];
  /** Paths that are taken in although they look secret. */
  readonly named: readonly string[];
  /** Paths that are taken in although git ignores them; those that are not on disk are passed over. */
  readonly force: readonly string[];
}

/**
 * Copies the private index of one state folder to another: both are of the same working tree, and what one has read the
 * other need not read again.
 */
export async function copyIndex(from: string, to: string): Promise<void> {
  for (const name of ['index-secrets.json', 'index']) {
    const source = join(from, name);
    const { mtimeMs } = await stat(source);
    const copy = join(to, `${name}.copy`);
    await copyFile(source, copy);
    // git reads again what was changed at the time of an index or later: the copy must not look younger.
    const time = (Math.floor(mtimeMs) - 1) / 1000;
    await utimes(copy, time, time);
    await rename(copy, join(to, name));
  }
}

/**
 * Takes a snapshot; the tree is relative to the project. The caller holds the project's lock. Failures:
 * `snapshot-failed` (a file that cannot be read), `disk-full`.
 */
export async function takeSnapshot(
  repository: Repository,
  objects: GitObjects,
  options: SnapshotOptions,
): Promise<Result<{ tree: ObjectId }, Failure>> {
  const index = join(repository.state, 'index');
  // Left by a killed git; no other process writes here while the lock is held.
  await rm(`${index}.lock`, { force: true });
  // What an index holds depends on what was left out of it: another list of secrets needs another index.
  const listFile = join(repository.state, 'index-secrets.json');
  const list = secretsText(options.secrets, options.named);
  if ((await readText(listFile)) !== list) {
    await rm(index, { force: true });
    await writeAtomic(listFile, list);
  }
  if (!(await exists(index))) await seed(repository, options);
  const first = await snapshot(repository, objects, options);
  if (first.ok || first.error.kind !== 'snapshot-failed') return first;
  // An index that is damaged, or names missing objects, is built again from the files.
  await rm(index, { force: true });
  return snapshot(repository, objects, options);
}

async function snapshot(
  repository: Repository,
  objects: GitObjects,
  options: SnapshotOptions,
): Promise<Result<{ tree: ObjectId }, Failure>> {
  const call = indexCall(repository);
  const specs = pathspecs(repository, options.secrets);
  const add = () => addAll(specs, call);
  let added = await add();
  for (let bare = bareRepository(added); bare !== undefined; bare = bareRepository(added)) {
    const exclude = `:(top,exclude,literal)${bare}`;
    if (specs.includes(exclude)) break;
    specs.push(exclude);
    added = await add();
  }
  if (added.code !== 0 && !isHarmless(added)) return err(failureOf(repository, added));
  const forced = [...new Set([...options.named, ...options.force])];
  if (forced.length > 0) {
    const there = await filesOnDisk(repository, forced);
    // Outputs that are gone from disk leave the index by `add --all`, ones that look secret only by name.
    const list = [...there, ...options.named].map((path) => `${repository.prefix}${path}\0`).join('');
    const updated = await git(['update-index', '--add', '--remove', '-z', '--stdin'], {
      ...call,
      input: list,
    });
    if (updated.code !== 0) return err(failureOf(repository, updated));
  }
  const prefix = repository.prefix === '' ? [] : [`--prefix=${repository.prefix}`];
  const written = await git(['write-tree', ...prefix], call);
  if (written.code === 0) return ok({ tree: written.stdout.toString('latin1').trim() });
  if (written.stderr.includes('prefix')) return ok({ tree: await objects.empty() });
  return err(failureOf(repository, written));
}

/** Looks again where a file was there when git listed its folder and is gone or another one when it is read. */
async function addAll(specs: readonly string[], call: GitCall): Promise<GitExit> {
  for (let looks = 1; ; looks++) {
    const added = await git(addArguments(specs), call);
    if (added.code === 0 || looks === MAX_LOOKS || !VANISHED.test(added.stderr)) return added;
  }
}

const MAX_LOOKS = 3;
const VANISHED = /No such file or directory|short read while indexing|changed while|unable to stat/;

/**
 * git takes an exclude pattern as a request to add what it matches, and complains when that is ignored
 * anyway; everything else has been added. And a folder without a file matches nothing.
 */
function isHarmless(exit: GitExit): boolean {
  if (/^(error|fatal):/m.test(exit.stderr)) return exit.stderr.includes('did not match any files');
  return exit.stderr.startsWith('The following paths are ignored by one of your .gitignore files:');
}

/** The embedded repository without a commit at which `add` stopped: git has no entry for such a one. */
function bareRepository(exit: GitExit): string | undefined {
  if (exit.code === 0) return undefined;
  return /^error: '(.+)\/' does not have a commit checked out$/m.exec(exit.stderr)?.[1];
}

/** Those of the paths at which there is something that is no folder. */
export async function filesOnDisk(repository: Repository, paths: readonly string[]): Promise<string[]> {
  const found = await mapBounded(paths, async (path) => {
    const entry = await lstat(join(repository.project, path)).catch(() => undefined);
    return entry && !entry.isDirectory() ? [path] : [];
  });
  return found.flat();
}

/**
 * The person's own index knows the sizes and times of all tracked files: with a copy of it the first snapshot reads
 * only what changed. It is only a cache, so where its form is unusual it is left aside.
 */
async function seed(repository: Repository, options: SnapshotOptions): Promise<void> {
  const theirs = join(repository.gitDir, 'index');
  if (repository.prefix !== '' || !(await exists(theirs))) return;
  const isSplit = (await readdir(repository.gitDir)).some((name) => name.startsWith('sharedindex.'));
  if (isSplit) return;
  const times = await stat(theirs);
  await copyFile(theirs, join(repository.state, 'index'));
  // git reads again what was changed in the second in which an index was written: the copy must not look younger.
  const second = Math.floor(times.mtimeMs / 1000);
  await utimes(join(repository.state, 'index'), second, second);
  const call = indexCall(repository);
  // Files marked as "assume unchanged" or "skip" would hide their changes from every snapshot.
  const listed = await git(['ls-files', '-v', '-z'], call);
  const hidden = listed.stdout
    .toString('utf8')
    .split('\0')
    .filter((line) => /^[a-zS] /.test(line))
    .map((line) => `${line.slice(2)}\0`);
  if (hidden.length > 0) {
    for (const flag of ['--no-assume-unchanged', '--no-skip-worktree']) {
      await git(['update-index', flag, '-z', '--stdin'], { ...call, input: hidden.join('') });
    }
  }
  const secrets = options.secrets.map((pattern) => `:(top,glob)${pattern}`);
  if (secrets.length > 0) {
    const removed = await git(
      ['rm', '--cached', '-r', '-f', '-q', '--ignore-unmatch', '--', ...secrets],
      call,
    );
    if (removed.code !== 0) await rm(join(repository.state, 'index'), { force: true });
  }
}

function failureOf(repository: Repository, exit: GitExit): Failure {
  if (exit.stderr.includes('No space left on device')) return { kind: 'disk-full', path: repository.home };
  const lines = exit.stderr
    .split('\n')
    .filter((line) => !line.startsWith('hint:') && !line.startsWith('warning:'));
  return { kind: 'snapshot-failed', detail: lines.join('\n').trim() };
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
