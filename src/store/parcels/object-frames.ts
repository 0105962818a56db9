/** Git objects one behind the other, as a parcel store sends and takes them, and which ones a commit needs. */

import type { GitObjects } from '../../io/git/objects.js';
import { parseRawTree } from '../../io/git/raw-tree.js';
import { deleteRefs } from '../../io/git/transfer.js';
import { hashObject, type ObjectType } from '../../io/git/writing/object-bytes.js';
import type { ObjectId } from '../../model/tree.js';

/** Ids of all objects that a commit needs and that are not `known`, those that others name before them. */
export async function reachable(
  objects: GitObjects,
  commit: ObjectId,
  known: ReadonlySet<ObjectId>,
): Promise<Set<ObjectId>> {
  const found = new Set<ObjectId>();
  const walk = async (id: ObjectId, kind: 'commit' | 'tree' | 'blob'): Promise<void> => {
    if (known.has(id) || found.has(id)) return;
    found.add(id);
    if (kind === 'blob') return;
    const content = await objects.read(id);
    if (!content) throw new Error(`the object ${id} of a parcel is missing`);
    if (kind === 'commit') {
      for (const [, what, named] of content.toString('utf8').matchAll(/^(tree|parent) ([0-9a-f]+)$/gm))
        await walk(named as string, what === 'tree' ? 'tree' : 'commit');
      return;
    }
    // A submodule's commit is in another repository.
    for (const entry of parseRawTree(content, id.length / 2).values())
      if (entry.mode !== '160000') await walk(entry.id, entry.mode === '40000' ? 'tree' : 'blob');
  };
  await walk(commit, 'commit');
  return found;
}

export async function framesOf(objects: GitObjects, ids: Iterable<ObjectId>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const id of ids) {
    const object = await objects.readVerified(id);
    if (!object) throw new Error(`the object ${id} of a parcel is missing`);
    parts.push(Buffer.from(`${object.type} ${id} ${object.content.length}\n`), object.content);
  }
  return Buffer.concat(parts);
}

/** Writes every object, hashed again; the ids, or what is wrong with them. */
export async function takeFrames(objects: GitObjects, frames: Buffer): Promise<ObjectId[] | string> {
  const ids: ObjectId[] = [];
  for (let at = 0; at < frames.length; ) {
    const end = frames.indexOf(0x0a, at);
    const head = /^(blob|tree|commit) ([0-9a-f]{40,64}) (\d+)$/.exec(frames.toString('latin1', at, end));
    if (end < 0 || !head) return 'it is no list of objects';
    const [, type, id, size] = head as unknown as [string, ObjectType, string, string];
    const content = frames.subarray(end + 1, end + 1 + Number(size));
    if (hashObject(type, content, objects.hash) !== id) return `${id} is not what its id says`;
    await objects.write(type, content);
    ids.push(id);
    at = end + 1 + Number(size);
  }
  return ids;
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
