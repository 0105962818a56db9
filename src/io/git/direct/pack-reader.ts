/** Takes a pack apart that is whole in itself: every object with its content. Writes nothing. */

import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import type { ObjectId } from '../../../model/tree.js';
import { type GitObject, type HashName, hashObject, type ObjectType } from '../writing/object-bytes.js';

const TYPES: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob' };
/** A difference to the object with an id. The other kind of difference is sent only to those that ask for it. */
const DIFFERENCE = 7;

interface Entry {
  readonly type: number;
  readonly content: Buffer;
  /** Of a difference. */
  readonly base?: ObjectId;
}

/** Undefined where it is no such pack. Ids are those of the contents. */
export function readPack(pack: Buffer, hash: HashName): Map<ObjectId, GitObject> | undefined {
  try {
    return objectsIn(pack, hash);
  } catch (error) {
    // What zlib, or a read behind the end, makes of bytes that are no pack.
    if (error instanceof RangeError || (error as { code?: string }).code?.startsWith('Z_')) return undefined;
    throw error;
  }
}

function objectsIn(pack: Buffer, hash: HashName): Map<ObjectId, GitObject> | undefined {
  const digest = hash === 'sha1' ? 20 : 32;
  const end = pack.length - digest;
  const isPack = end >= 12 && pack.toString('latin1', 0, 4) === 'PACK' && pack.readUInt32BE(4) === 2;
  const sum = createHash(hash)
    .update(pack.subarray(0, Math.max(0, end)))
    .digest();
  if (!isPack || !sum.equals(pack.subarray(end))) return undefined;
  const found = new Map<ObjectId, GitObject>();
  let left: Entry[] = [];
  let at = 12;
  for (let i = pack.readUInt32BE(8); i > 0; i--) {
    const read = entryAt(pack, at, digest);
    if (!read) return undefined;
    at = read.next;
    const { entry } = read;
    const type = TYPES[entry.type];
    if (type) found.set(hashObject(type, entry.content, hash), { type, content: entry.content });
    else if (entry.type === DIFFERENCE) left.push(entry);
    else return undefined;
  }
  // A difference may stand on another one.
  while (left.length > 0) {
    const waiting: Entry[] = [];
    for (const entry of left) {
      const base = found.get(entry.base ?? '');
      if (!base) waiting.push(entry);
      else {
        const content = changed(base.content, entry.content);
        if (!content) return undefined;
        found.set(hashObject(base.type, content, hash), { type: base.type, content });
      }
    }
    if (waiting.length === left.length) return undefined;
    left = waiting;
  }
  return at === end ? found : undefined;
}

function entryAt(pack: Buffer, start: number, digest: number): { entry: Entry; next: number } | undefined {
  let at = start;
  let byte = pack.readUInt8(at++);
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let factor = 16; byte & 0x80; factor *= 128) {
    byte = pack.readUInt8(at++);
    size += (byte & 0x7f) * factor;
  }
  const base = type === DIFFERENCE ? pack.toString('hex', at, at + digest) : undefined;
  if (base !== undefined) at += digest;
  const { buffer, engine } = inflateSync(pack.subarray(at), { info: true }) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  if (buffer.length !== size) return undefined;
  const entry = base === undefined ? { type, content: buffer } : { type, content: buffer, base };
  return { entry, next: at + engine.bytesWritten };
}

/** What a difference makes of its base: parts of the base, and bytes of its own. Undefined where it does not fit. */
function changed(base: Buffer, difference: Buffer): Buffer | undefined {
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
  }
  return made === size ? Buffer.concat(parts) : undefined;
}
