/**
 * The project's working tree, with uncommitted work, as a git tree: through a private index in conductor's state
 * folder, which is also the cache of file stats. Reads the user's index once and never writes it.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.js';
import { exists, fileIdentity, readText, writeAtomic } from '../io/files.js';
import { throwIfPackIsFolder } from '../io/git/damaged.js';
import { type GitCall, type GitExit, git } from '../io/git/git-process.js';
import { type GitSettings, mayConvert } from '../io/git/git-settings.js';
import type { GitObjects } from '../io/git/objects.js';
import { byteName } from '../io/git/raw-tree.js';
import type { Repository } from '../io/git/repository.js';
import type { Failure } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import { SeenFolders } from './in-the-way.js';
import {
  currentSettings,
  type IndexRecord,
  type IndexRules,
  ignoredInIndex,
  personIdentity,
  readIndexRecord,
  rulesOf,
  takeAsTracked,
  trackedThoughIgnored,
  writeIndexRecord,
} from './index-record.js';
import { seed } from './index-seed.js';
import { leaveOutLarge, leftOut } from './large-files.js';
import {
  addArguments,
  indexCall,
  pathspecs,
  SECRETS_RECORD,
  type TakenIn,
  takenInText,
  updateArguments,
  writeTreeArguments,
} from './private-index.js';
import { rulesAsSeen, type SeenOptions, takeSeen, treeAsSeen } from './reading/seen-changes.js';

export interface SnapshotOptions extends TakenIn, SeenOptions {
  /** Paths that are taken in although git ignores them; those that are not on disk are passed over. */
  readonly force: readonly string[];
  /** Paths that were taken in although git ignores them, and that nothing names any more. */
  readonly release?: readonly string[];
}

export interface Snapshot {
  readonly tree: ObjectId;
  /** Files that were left out for their size, from the repository's root. Absent: none. */
  readonly large?: readonly string[];
}

/**
 * Takes a snapshot; the tree is relative to the project. The caller holds the project's lock. Failures:
 * `snapshot-failed` (a file that cannot be read), `disk-full`.
 */
export async function takeSnapshot(
  repository: Repository,
  objects: GitObjects,
  options: SnapshotOptions,
): Promise<Result<Snapshot, Failure>> {
  const index = join(repository.state, 'index');
  // Left by a killed git; no other process writes here while the lock is held.
  await rm(`${index}.lock`, { force: true });
  // What an index holds depends on what was left out of it.
  const listFile = join(repository.state, SECRETS_RECORD);
  const list = takenInText(options);
  if ((await readText(listFile)) !== list) {
    await rm(index, { force: true });
    await writeAtomic(listFile, list);
  }
  const first = await upToDate(repository, objects, options);
  if (first.ok || first.error.kind !== 'snapshot-failed') return first;
  await throwIfPackIsFolder(repository.store);
  // An index that is damaged, or names missing objects, is built again from the files.
  await rm(index, { force: true });
  return upToDate(repository, objects, options);
}

/**
 * The index and everything that it depends on. git keeps the blob of a file that looks unchanged, whatever its attributes and
 * settings have become: where one of these changed, all files are read again.
 */
async function upToDate(
  repository: Repository,
  objects: GitObjects,
  options: SnapshotOptions,
): Promise<Result<Snapshot, Failure>> {
  const { state } = repository;
  const index = join(state, 'index');
  const call = indexCall(repository);
  const record = readIndexRecord(state);
  const begin = async (how: 'with times' | 'read all') => {
    await rm(index, { force: true });
    await seed(repository, options, how);
  };
  // Without a record no index is believed, whatever the settings are.
  const [settings] = await Promise.all([
    currentSettings(repository, record),
    record ? undefined : begin('with times'),
  ]);
  const isKnown = record?.settings.conversions === settings.conversions;
  let isNew = !isKnown || !(await exists(index));
  if (record && isNew) await begin(isKnown ? 'with times' : 'read all');
  const specs = pathspecs(repository, options.secrets);
  const seen = isNew ? undefined : await takeSeen(repository, options);
  const large = seen
    ? { paths: seen, isOtherNew: false }
    : await leaveOutLarge(repository, specs, options.maxUntracked);
  specs.push(...large.paths.map(leftOut));
  const way = large.isOtherNew ? addArguments : updateArguments;
  let added = seen ? ok(undefined) : await addFiles(repository, specs, way);
  if (!added.ok) return added;
  // `write-tree` changes no entry of the index, so it can run while the rules are read. The tree is used if nothing more is put into
  // the index.
  const mayBeFinal = options.named.length + options.force.length === 0;
  const kept = seen && rulesAsSeen(options.seen, record);
  const known = seen && mayBeFinal ? await treeAsSeen(repository, objects, options, index) : undefined;
  const [exit, current, tracked, held] = await Promise.all([
    mayBeFinal && known === undefined ? writtenTree(repository) : undefined,
    kept ? { ...kept, blobs: [] } : rulesOf(call, record),
    isNew ? trackedThoughIgnored(repository, specs) : undefined,
    isNew ? ignoredInIndex(call) : undefined,
  ]);
  let rules = current;
  const isOther = isNew
    ? settings.converts || (await mayDiffer(objects, rules.blobs))
    : rules.attributes !== record?.rules.attributes;
  if (isOther) {
    await begin('read all');
    isNew = true;
    added = await addFiles(repository, specs, addArguments);
    if (!added.ok) return added;
    rules = await rulesOf(call, undefined);
  }
  let isComplete = !isOther;
  const asked = isOther ? undefined : tracked;
  const person = await personOf(repository, specs, { record, settings, rules, isNew, asked });
  if (person.paths) {
    const had = (isOther ? undefined : held) ?? (await ignoredInIndex(call));
    isComplete &&= had.length + person.paths.length === 0;
    const failed = await takeAsTracked(call, person.paths, had);
    if (failed) return err(failureOf(repository, failed));
  }
  const release = new Set(options.release);
  if (release.size > 0) {
    isComplete = false;
    const { paths } = await trackedThoughIgnored(repository, specs);
    const gone = [...release].map((path) => byteName(`${repository.prefix}${path}`));
    const had = await ignoredInIndex(call);
    const kept = had.filter((path) => !gone.includes(path));
    const failed = await takeAsTracked(call, [...kept, ...paths], had);
    if (failed) return err(failureOf(repository, failed));
  }
  const tree =
    known !== undefined && isComplete
      ? ok({ tree: known, forced: [] })
      : await treeOf(repository, objects, options, isComplete ? exit : undefined);
  if (!tree.ok) return tree;
  const { attributes, ignores } = rules;
  const now: IndexRecord = {
    settings,
    index: fileIdentity(index),
    rules: { attributes, ignores },
    person: { identity: person.identity, digest: person.digest },
    forced: [...new Set([...(isNew ? [] : (record?.forced ?? [])), ...tree.value.forced])].filter(
      (path) => !release.has(path),
    ),
  };
  // Where the last build told which rules files the index had, so will this one: the record need not name the new index.
  const isSame = JSON.stringify(kept ? { ...now, index: record?.index } : now) === JSON.stringify(record);
  if (!isSame) await writeIndexRecord(state, now);
  return large.paths.length === 0 ? tree : ok({ ...tree.value, large: large.paths });
}

/** `paths`: what is tracked although it is ignored, where the index may not have exactly that. */
async function personOf(
  repository: Repository,
  specs: readonly string[],
  seen: {
    readonly record: IndexRecord | undefined;
    readonly settings: GitSettings;
    readonly rules: IndexRules;
    readonly isNew: boolean;
    /** Absent: git has not been asked. */
    readonly asked: Awaited<ReturnType<typeof trackedThoughIgnored>> | undefined;
  },
): Promise<IndexRecord['person'] & { readonly paths?: readonly string[] }> {
  const { record, settings, rules, isNew, asked } = seen;
  const isSame =
    !isNew &&
    record !== undefined &&
    record.settings.ignores === settings.ignores &&
    record.rules.ignores === rules.ignores;
  if (isSame && personIdentity(repository) === record.person.identity) return record.person;
  const { paths, ...person } = asked ?? (await trackedThoughIgnored(repository, specs));
  return isSame && person.digest === record.person.digest ? person : { ...person, paths };
}

async function mayDiffer(objects: GitObjects, blobs: readonly string[]): Promise<boolean> {
  const texts = await objects.readMany(blobs);
  return [...texts.values()].some((text) => mayConvert(text.toString('utf8')));
}

/** Brings the index up to date with the files. `specs` gets more entries: repositories without a commit are left out. */
async function addFiles(
  repository: Repository,
  specs: string[],
  argumentsFor: (specs: readonly string[]) => string[],
): Promise<Result<undefined, Failure>> {
  const call = indexCall(repository);
  const add = () => addAll(argumentsFor(specs), call);
  let added = await add();
  for (let bare = bareRepository(added); bare !== undefined; bare = bareRepository(added)) {
    const exclude = `:(top,exclude,literal)${bare}`;
    if (specs.includes(exclude)) break;
    specs.push(exclude);
    added = await add();
  }
  return added.code !== 0 && !isHarmless(added) ? err(failureOf(repository, added)) : ok(undefined);
}

function writtenTree(repository: Repository): Promise<GitExit> {
  return git(writeTreeArguments(repository), indexCall(repository));
}

/** The tree of the index, with the files that are taken in by name; `forced`: those that are there. `early`: of an index without such files. */
async function treeOf(
  repository: Repository,
  objects: GitObjects,
  options: SnapshotOptions,
  early: GitExit | undefined,
): Promise<Result<{ tree: ObjectId; forced: readonly string[] }, Failure>> {
  const call = indexCall(repository);
  let there: readonly string[] = [];
  const forced = [...new Set([...options.named, ...options.force])];
  if (forced.length > 0) {
    there = filesOnDisk(repository, forced);
    // Outputs that are gone from disk leave the index by `add --all`, ones that look secret only by name.
    const list = [...there, ...options.named].map((path) => `${repository.prefix}${path}\0`).join('');
    const updated = await git(['update-index', '--add', '--remove', '-z', '--stdin'], {
      ...call,
      input: list,
    });
    if (updated.code !== 0) return err(failureOf(repository, updated));
  }
  const written = early ?? (await writtenTree(repository));
  if (written.code === 0) return ok({ tree: written.stdout.toString('latin1').trim(), forced: there });
  if (written.stderr.includes('prefix')) return ok({ tree: await objects.empty(), forced: there });
  return err(failureOf(repository, written));
}

/** Looks again where a file was there when git listed its folder and is gone or another one when it is read. */
async function addAll(args: readonly string[], call: GitCall): Promise<GitExit> {
  for (let looks = 1; ; looks++) {
    const added = await git(args, call);
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
export function filesOnDisk(repository: Repository, paths: readonly string[]): string[] {
  const seen = new SeenFolders(repository.project);
  return paths.filter((path) => seen.look(path)?.isDirectory() === false);
}

function failureOf(repository: Repository, exit: GitExit): Failure {
  if (exit.stderr.includes('No space left on device')) return { kind: 'disk-full', path: repository.home };
  const lines = exit.stderr
    .split('\n')
    .filter((line) => !line.startsWith('hint:') && !line.startsWith('warning:'));
  return { kind: 'snapshot-failed', detail: lines.join('\n').trim() };
}
