/** Git objects one behind the other, as a parcel store sends and takes them, and which ones a commit needs. */

import { mapBounded } from '../../base/bounded.js';
import type { GitObjects } from '../../io/git/objects.js';
import { commitTree, parseRawTree, treeProblem } from '../../io/git/raw-tree.js';
import { deleteRefs } from '../../io/git/transfer.js';
import { type GitObject, hashObject, type ObjectType } from '../../io/git/writing/object-bytes.js';
import type { ObjectId } from '../../model/tree.js';

/** A parcel that is not whole stays so, however often it is asked for. */
export class MissingObject extends Error {
  constructor(id: ObjectId) {
    super(`the object ${id} of a parcel is missing`);
  }
}

/** The objects that one names, without which it is not whole. */
function namedBy(type: string, content: Buffer, idBytes: number): [ObjectId, ObjectType][] {
  if (type === 'blob') return [];
  if (type === 'commit') {
    // A line of the message may look like one of the head.
    const [head = ''] = content.toString('utf8').split('\n\n', 1);
    return [...head.matchAll(/^(tree|parent) ([0-9a-f]+)$/gm)].map(([, what, named]) => [
      named as string,
      what === 'tree' ? 'tree' : 'commit',
    ]);
  }
  // A submodule's commit is in another repository.
  const entries = [...parseRawTree(content, idBytes).values()].filter(({ mode }) => mode !== '160000');
  return entries.map(({ mode, id }) => [id, mode === '40000' ? 'tree' : 'blob']);
}

/** Ids that are kept of what the other side has, in a process that may run for weeks: what is not known to be there is sent again. */
export const MOST_IDS = 1_000_000;

/** Ids of all objects that a commit needs and that are not `known`, those that others name before them. */
export async function reachable(
  objects: GitObjects,
  commit: ObjectId,
  known: ReadonlySet<ObjectId>,
): Promise<Set<ObjectId>> {
  const found = new Set<ObjectId>();
  const walk = async (id: ObjectId, type: ObjectType): Promise<void> => {
    if (known.has(id) || found.has(id)) return;
    found.add(id);
    if (type === 'blob') return;
    const content = await objects.read(id);
    if (!content) throw new MissingObject(id);
    for (const [named, of] of namedBy(type, content, id.length / 2)) await walk(named, of);
  };
  await walk(commit, 'commit');
  return found;
}

export async function framesOf(objects: GitObjects, ids: Iterable<ObjectId>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const id of ids) {
    const object = await objects.readVerified(id);
    if (!object) throw new MissingObject(id);
    parts.push(Buffer.from(`${object.type} ${id} ${object.content.length}\n`), object.content);
  }
  return Buffer.concat(parts);
}

export interface Framed {
  readonly type: ObjectType;
  readonly id: ObjectId;
  readonly content: Buffer;
}

/** Every object, hashed again, where git would take all of them in a fetch; or what is wrong with one. */
function readFrames({ hash }: GitObjects, frames: Buffer): Framed[] | string {
  const found: Framed[] = [];
  for (let at = 0; at < frames.length; ) {
    const end = frames.indexOf(0x0a, at);
    const head = /^(blob|tree|commit) ([0-9a-f]{40,64}) (\d+)$/.exec(frames.toString('latin1', at, end));
    if (end < 0 || !head) return 'it is no list of objects';
    const [, type, id, size] = head as unknown as [string, ObjectType, string, string];
    const content = frames.subarray(end + 1, end + 1 + Number(size));
    if (hashObject(type, content, hash) !== id) return `${id} is not what its id says`;
    const problem = type === 'tree' ? treeProblem(content, id.length / 2) : undefined;
    if (problem !== undefined) return `${id} ${problem}`;
    found.push({ type, id, content });
    at = end + 1 + Number(size);
  }
  return found;
}

interface Taken {
  /** The commit whose objects they are. */
  readonly commit: ObjectId;
  /**
   * This process reads the commit and sends it nowhere: what belongs to it alone stays in memory. Absent: the commit is kept on
   * disk for others, and all objects that it names must be here.
   */
  readonly isPassing?: true;
}

/** Writes the objects and returns their ids, or says what is wrong with one: then it writes none. `objects.passing` has the commit, too. */
export async function takeFrames(
  objects: GitObjects,
  frames: Buffer,
  { commit, isPassing }: Taken,
): Promise<ObjectId[] | string> {
  const found = readFrames(objects, frames);
  if (typeof found === 'string') return found;
  const ids = found.map(({ id }) => id);
  if (isPassing) {
    await keepArrived(objects, found, [commit]);
    return ids;
  }
  const named = found.flatMap((one) => namedBy(one.type, one.content, one.id.length / 2));
  const others = new Set(named.map(([id]) => id));
  for (const id of ids) others.delete(id);
  const missing = await mapBounded(others, async (id) =>
    (await objects.sizeOf(id)) === undefined ? [id] : [],
  );
  const [first] = missing.flat();
  if (first !== undefined) return `${first} is missing`;
  await objects.many.write(new Map(found.map((one) => [one.id, one])));
  objects.passing.add(commit, wholeOf(found));
  return ids;
}

/** Writes what arrived with commits; what belongs to each of them alone stays in memory until it is dropped. */
export async function keepArrived(
  objects: GitObjects,
  found: readonly Framed[],
  commits: readonly ObjectId[],
): Promise<void> {
  const own = new Map(commits.map((commit) => [commit, ownOf(commit, found)]));
  const passing = new Set([...own.values()].flatMap((ids) => [...ids]));
  const others = found.filter(({ id }) => !passing.has(id));
  await objects.many.write(new Map(others.map((one) => [one.id, one])));
  for (const [commit, ids] of own) {
    const kept = found.filter(({ id }) => ids.has(id));
    objects.passing.add(commit, wholeOf(kept));
  }
}

/** The content is a part of a long answer, which would stay with it. */
function wholeOf(found: readonly Framed[]): Map<ObjectId, GitObject> {
  return new Map(found.map(({ id, type, content }) => [id, { type, content: Buffer.from(content) }]));
}

/** The commit, its tree and what this names: data, and lists of trees and files, which are not its own. */
function ownOf(commit: ObjectId, found: readonly Framed[]): ReadonlySet<ObjectId> {
  const byId = new Map(found.map((one) => [one.id, one]));
  const head = byId.get(commit);
  const tree = head?.type === 'commit' ? commitTree(head.content) : undefined;
  const top = tree === undefined ? undefined : byId.get(tree);
  if (tree === undefined || top?.type !== 'tree') return new Set([commit]);
  return new Set([commit, tree, ...namedBy('tree', top.content, tree.length / 2).map(([id]) => id)]);
}

/** Removes those of the names that have a ref, in one step. */
export async function forgetRefs(
  objects: GitObjects,
  prefix: string,
  names: readonly string[],
): Promise<void> {
  const refs = await objects.refs(prefix);
  await deleteRefs(
    objects.store,
    names.map((name) => prefix + name).filter((ref) => refs.has(ref)),
  );
}
