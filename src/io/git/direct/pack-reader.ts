/** Takes a pack apart that is whole in itself: every object with its content. Writes nothing. */

import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import type { ObjectId } from '../../../model/tree.js';
import {
  digestLength,
  type GitObject,
  type HashName,
  hashObject,
  type ObjectType,
} from '../writing/object-bytes.js';

const TYPES: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob' };
/** A difference to the object with an id. The other kind of difference is sent only to those that ask for it. */
const DIFFERENCE = 7;

interface Entry {
  readonly type: number;
  readonly content: Buffer;
  /** Of a difference. */
  readonly base?: ObjectId;
}

/** Undefined where it is no such pack, or one of more bytes than `most`. Ids are those of the contents. */
export function readPack(pack: Buffer, hash: HashName, most: number): Map<ObjectId, GitObject> | undefined {
  try {
    return objectsIn(pack, hash, most);
  } catch (error) {
    // What zlib, or a read behind the end, makes of bytes that are no pack or that say another size than theirs.
    if (error instanceof RangeError || (error as { code?: string }).code?.startsWith('Z_')) return undefined;
    throw error;
  }
}

function objectsIn(pack: Buffer, hash: HashName, most: number): Map<ObjectId, GitObject> | undefined {
  const digest = digestLength(hash);
  const end = pack.length - digest;
  const isPack = end >= 12 && pack.toString('latin1', 0, 4) === 'PACK' && pack.readUInt32BE(4) === 2;
  const sum = createHash(hash)
    .update(pack.subarray(0, Math.max(0, end)))
    .digest();
  if (!isPack || !sum.equals(pack.subarray(end))) return undefined;
  const found = new Map<ObjectId, GitObject>();
  let differences: Entry[] = [];
  // A few bytes of a pack may say how a thousand times as many are made.
  let left = most;
  let at = 12;
  for (let i = pack.readUInt32BE(8); i > 0; i--) {
    const read = entryAt(pack, at, { digest, most: left });
    if (!read) return undefined;
    at = read.next;
    const { entry } = read;
    left -= entry.content.length;
    const type = TYPES[entry.type];
    if (type) found.set(hashObject(type, entry.content, hash), { type, content: entry.content });
    else if (entry.type === DIFFERENCE) differences.push(entry);
    else return undefined;
  }
  // A difference may stand on another one.
  while (differences.length > 0) {
    const waiting: Entry[] = [];
    for (const entry of differences) {
      const base = found.get(entry.base ?? '');
      if (!base) waiting.push(entry);
      else {
        const content = changed(base.content, entry.content, left);
        if (!content) return undefined;
        left -= content.length;
        found.set(hashObject(base.type, content, hash), { type: base.type, content });
      }
    }
    if (waiting.length === differences.length) return undefined;
    differences = waiting;
  }
  return at === end ? found : undefined;
}

function entryAt(
  pack: Buffer,
  start: number,
  { digest, most }: { readonly digest: number; readonly most: number },
): { entry: Entry; next: number } | undefined {
  let at = start;
  let byte = pack.readUInt8(at++);
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let factor = 16; byte & 0x80; factor *= 128) {
    byte = pack.readUInt8(at++);
    size += (byte & 0x7f) * factor;
  }
  if (size > most) return undefined;
  const base = type === DIFFERENCE ? pack.toString('hex', at, at + digest) : undefined;
  if (base !== undefined) at += digest;
  const limits = { info: true, maxOutputLength: Math.max(size, 1) };
  const { buffer, engine } = inflateSync(pack.subarray(at), limits) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  if (buffer.length !== size) return undefined;
  const entry = base === undefined ? { type, content: buffer } : { type, content: buffer, base };
  return { entry, next: at + engine.bytesWritten };
}

/**
 * What a difference makes of its base: parts of the base, and bytes of its own. Undefined where it does not fit, or makes more
 * bytes than `most`.
 */
function changed(base: Buffer, difference: Buffer, most: number): Buffer | undefined {
  let at = 0;
  const length = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = difference.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (!(byte & 0x80)) return value;
    }
  };
  if (length() !== base.length) return undefined;
  const size = length();
  if (size > most) return undefined;
  const parts: Buffer[] = [];
  let made = 0;
  while (at < difference.length) {
    const what = difference.readUInt8(at++);
    if (what === 0) return undefined;
    if (!(what & 0x80)) {
      parts.push(difference.subarray(at, at + what));
      at += what;
      made += what;
      continue;
    }
    const number = (bits: number, bytes: number) => {
      let value = 0;
      for (let i = 0; i < bytes; i++) if (what & (bits << i)) value += difference.readUInt8(at++) * 256 ** i;
      return value;
    };
    const from = number(0x01, 4);
    const count = number(0x10, 3) || 0x10000;
    if (from + count > base.length) return undefined;
    parts.push(base.subarray(from, from + count));
    made += count;
    if (made > size) return undefined;
  }
  return made === size && at === difference.length ? Buffer.concat(parts) : undefined;
}
