/** Goes on from a look at all files that the same process took just before, so that git need not look twice. */

import { fileIdentity, withFileSync } from '../../io/files.js';
import { ObjectDamaged } from '../../io/git/damaged.js';
import { git } from '../../io/git/git-process.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { Repository } from '../../io/git/repository.js';
import { DurableRefs } from '../../io/git/upkeep/durable.js';
import { editedTree, type Trees } from '../../io/git/writing/edited-tree.js';
import { entriesIn } from '../../io/git/writing/index-bytes.js';
import type { ObjectId } from '../../model/tree.js';
import { type IndexRecord, type IndexRules, isRulesFile } from '../index-record.js';
import { largerThan } from '../large-files.js';
import { changedFilesIn, indexCall, isSameKind } from '../private-index.js';

/** What a look at all files found just now: the same process need not look again. */
export interface SeenChanges {
  /** When it began, in milliseconds since 1970. */
  readonly at: number;
  /** The private index then (`fileIdentity`). No other file was new to it, but for those that are known to be too large. */
  readonly index: string;
  /** What git said of the files that do not look as it has them (`changedFilesIn`). */
  readonly listed: string;
}

/** Of an index the files, from the root of the repository, that look different and have the mode of before. */
interface SeenEdits {
  readonly index: string;
  readonly paths: readonly string[];
}

/** So many changed files go on to a snapshot. */
const MOST_PATHS = 100;
/** Of a list of so many characters, nothing is parsed. */
const MOST_LISTED = 1_000_000;

/** Undefined where they are many, or other than edited files. */
export function fewEdits({ index, listed }: SeenChanges): SeenEdits | undefined {
  if (listed.length > MOST_LISTED) return undefined;
  const paths: string[] = [];
  for (const change of changedFilesIn(listed)) {
    if (!isSameKind(change) || paths.length === MOST_PATHS) return undefined;
    paths.push(change.path);
  }
  return paths.length === 0 ? undefined : { index, paths };
}

/** Which rules files the index has that `index` names (`fileIdentity`). */
export type RulesOfIndex = IndexRules & { readonly index: string | undefined };

export interface SeenOptions {
  /** With the files that are left out for their size, and the rules files of an index. Absent: all files are looked at. */
  readonly seen?: SeenEdits & {
    readonly large: readonly string[];
    readonly rules?: RulesOfIndex;
    /** The project's tree of this index; undefined: not known. */
    readonly tree: ObjectId | undefined;
  };
  readonly maxUntracked?: number;
}

/** Puts what was seen to have changed into the index. Undefined where all files have to be looked at; else the files that are left out. */
export async function takeSeen(
  repository: Repository,
  { seen, maxUntracked = Number.POSITIVE_INFINITY }: SeenOptions,
): Promise<readonly string[] | undefined> {
  const call = indexCall(repository);
  if (seen === undefined || fileIdentity(call.indexFile as string) !== seen.index) return undefined;
  if (largerThan(maxUntracked, repository, seen.paths).length > 0) return undefined;
  const input = seen.paths.map((path) => `${path}\0`).join('');
  const exit = await git(['update-index', '--remove', '-z', '--stdin'], { ...call, input });
  return exit.code === 0 ? seen.large : undefined;
}

/**
 * The project's tree of the index into which these changes have just been put: that of before with what the index has of them. `git write-tree`
 * would read all of the index and write it again. Undefined where git has to be asked.
 */
export async function treeAsSeen(
  { prefix, objectFormat }: Repository,
  objects: GitObjects,
  { seen }: SeenOptions,
  index: string,
): Promise<ObjectId | undefined> {
  if (seen?.tree === undefined || !seen.paths.every((path) => path.startsWith(prefix))) return undefined;
  const entries = withFileSync(index, (readAt) => entriesIn(readAt, seen.paths, objectFormat));
  if (!entries) return undefined;
  const changes = new Map([...entries].map(([path, entry]) => [path.slice(prefix.length), entry] as const));
  const written = new Set<ObjectId>();
  const trees: Trees = {
    read: (id) => objects.read(id),
    async write(type, content) {
      const id = await objects.write(type, content);
      written.add(id);
      return id;
    },
  };
  try {
    const tree = (await editedTree(trees, seen.tree, changes)) ?? (await objects.empty());
    // As those are that git writes: a journal names it.
    await new DurableRefs(objects).sync(written);
    return tree;
  } catch (error) {
    // Of a tree that is gone or damaged, the index has all files.
    if (error instanceof ObjectDamaged) return undefined;
    throw error;
  }
}

/** The rules files of the index into which these changes have been put, if none of them is one; undefined: git has to be asked. */
export function rulesAsSeen(
  seen: SeenOptions['seen'],
  record: IndexRecord | undefined,
): IndexRules | undefined {
  if (!seen || seen.paths.some(isRulesFile)) return undefined;
  const recorded = record && { ...record.rules, index: record.index };
  return [recorded, seen.rules].find((rules) => rules?.index === seen.index);
}
