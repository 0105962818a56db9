/** Git objects as bytes: their ids, and trees in the order in which git wants them. Writes nothing. */

import { createHash, hash as hashAtOnce } from 'node:crypto';
import type { ObjectId } from '../../../model/tree.js';
import type { TreeEntry } from '../raw-tree.js';

export type ObjectType = 'blob' | 'tree' | 'commit';

export interface GitObject {
  readonly type: ObjectType;
  readonly content: Buffer;
}

export type HashName = 'sha1' | 'sha256';

/** Bytes of a digest. */
export function digestLength(hash: HashName): number {
  return hash === 'sha1' ? 20 : 32;
}

/** Bytes of an object that is copied to be hashed. */
const SHORT = 4096;

export function hashObject(type: string, content: Buffer, hash: HashName): ObjectId {
  const head = `${type} ${content.length}\0`;
  // One call is quicker than three, as long as copying costs nothing.
  if (content.length <= SHORT) return hashAtOnce(hash, Buffer.concat([Buffer.from(head), content]), 'hex');
  return createHash(hash).update(head).update(content).digest('hex');
}

export interface NewCommit {
  readonly tree: ObjectId;
  readonly message: string;
  readonly parents?: readonly ObjectId[];
}

/** Equal trees, parents and messages give equal commits: author and date are fixed. */
export function commitBytes(commit: NewCommit): Buffer {
  const lines = [
    `tree ${commit.tree}`,
    ...(commit.parents ?? []).map((parent) => `parent ${parent}`),
    'author conductor <conductor@localhost> 0 +0000',
    'committer conductor <conductor@localhost> 0 +0000',
    '',
    commit.message,
  ];
  return Buffer.from(lines.join('\n'));
}

/** Names are bytes, one character each: a name that is no UTF-8 stays what it is. */
export function treeBytes(entries: Iterable<readonly [string, TreeEntry]>): Buffer {
  const sorted = [...entries]
    .map(([name, entry]) => ({ name, entry, place: entry.mode === '40000' ? `${name}/` : name }))
    .sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0));
  const parts: Buffer[] = [];
  for (const { name, entry } of sorted) {
    if (name === '' || /[/\0]/.test(name)) throw new Error(`BUG: \`${name}\` is no name of a tree's entry`);
    parts.push(Buffer.from(`${entry.mode} ${name}\0`, 'latin1'), Buffer.from(entry.id, 'hex'));
  }
  return Buffer.concat(parts);
}
