/**
 * Writes many objects into a repository in one go: a pack and its index cost less than a file for each object. They are on disk and
 * read back before anything names what is in them. Knows nothing of refs.
 */

import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFile, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import type { ObjectId } from '../../../model/tree.js';
import { syncFolder, syncOpen } from '../../durable.js';
import { codeOf } from '../../errors.js';
import { makeDir } from '../../files.js';
import { compressed } from './compressed.js';
import type { LooseWriter } from './loose.js';
import { digestLength, type GitObject, type HashName, type ObjectType } from './object-bytes.js';

const TYPES: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3 };

interface Placed {
  readonly id: ObjectId;
  readonly crc: number;
  readonly offset: number;
}

/** The name of the pack without its end. */
export async function writePack(
  store: string,
  objects: ReadonlyMap<ObjectId, GitObject>,
  hash: HashName,
): Promise<string> {
  const { pack, index } = packWithIndex(objects, hash);
  const folder = join(store, 'objects', 'pack');
  const name = `pack-${pack.subarray(-digestLength(hash)).toString('hex')}`;
  const files = [
    new NewFile(folder, `${name}.pack`, pack),
    new NewFile(folder, `${name}.idx`, index),
  ] as const;
  try {
    for (const file of files) await file.write();
    await Promise.all([files[0].sync(), files[1].sync()]);
    for (const file of files) await file.check();
    // The index last: git takes a pack for there when it finds its index.
    for (const file of files) file.place();
  } finally {
    for (const file of files) file.remove();
  }
  await syncFolder(folder);
  return name;
}

/** Objects from which on a pack with its index, synced and read back, is cheaper than a file for each. */
const MANY = 24;

/** Writes objects that come together: few as files of their own, many as one pack. */
export class ManyObjects {
  private readonly store: string;
  private readonly hash: HashName;
  private readonly loose: LooseWriter;

  constructor(store: string, hash: HashName, loose: LooseWriter) {
    this.store = store;
    this.hash = hash;
    this.loose = loose;
  }

  /** Ids have to be those of the contents. */
  async write(objects: ReadonlyMap<ObjectId, GitObject>): Promise<void> {
    if (objects.size < MANY) {
      for (const { type, content } of objects.values()) this.loose.write(type, content);
      return;
    }
    await writePack(this.store, objects, this.hash);
    for (const [id, { type, content }] of objects) if (type === 'tree') this.loose.recent.add(id, content);
  }
}

/** Longer files are written and read while others go on. For shorter ones, a turn through the pool of threads costs more than the disk. */
const LONG = 1_000_000;
const writeLong = promisify(writeFile);

/** A file that gets its name when it is on disk with the very bytes. */
class NewFile {
  private readonly folder: string;
  private readonly name: string;
  private readonly bytes: Buffer;
  /** Half-written ones are swept as those of git are. */
  private readonly temporary: string;
  private handle: number | undefined;
  private isThere = false;

  constructor(folder: string, name: string, bytes: Buffer) {
    this.folder = folder;
    this.name = name;
    this.bytes = bytes;
    this.temporary = join(folder, `tmp_${name}_${process.pid}`);
  }

  async write(): Promise<void> {
    this.isThere = true;
    try {
      this.handle = openSync(this.temporary, 'wx', 0o444);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      await makeDir(this.folder);
      this.handle = openSync(this.temporary, 'wx', 0o444);
    }
    if (this.bytes.length > LONG) await writeLong(this.handle, this.bytes);
    else writeFileSync(this.handle, this.bytes);
  }

  async sync(): Promise<void> {
    if (this.handle !== undefined) await syncOpen(this.handle);
  }

  /** Throws where the disk gives back something else. */
  async check(): Promise<void> {
    const isLong = this.bytes.length > LONG;
    const found = isLong ? await readFile(this.temporary) : readFileSync(this.temporary);
    if (!found.equals(this.bytes)) throw differs(this.temporary);
  }

  place(): void {
    renameSync(this.temporary, join(this.folder, this.name));
    this.isThere = false;
  }

  /** What is left of it, if it did not get its name. */
  remove(): void {
    if (this.handle !== undefined) closeSync(this.handle);
    this.handle = undefined;
    if (this.isThere) rmSync(this.temporary, { force: true });
  }
}

/** What a disk does that takes a write and gives something else back: an error of the system, as Node would say it. */
function differs(path: string): Error {
  const error = new Error('EIO: the disk gives back other bytes than were written, read');
  return Object.assign(error, { code: 'EIO', syscall: 'read', path });
}

export function packWithIndex(
  objects: ReadonlyMap<ObjectId, GitObject>,
  hash: HashName,
): { pack: Buffer; index: Buffer } {
  const { pack, placed } = packBytes(objects, hash);
  return { pack, index: indexBytes(placed, pack.subarray(-digestLength(hash)), hash) };
}

export function packBytes(
  objects: ReadonlyMap<ObjectId, GitObject>,
  hash: HashName,
): { pack: Buffer; placed: Placed[] } {
  const head = Buffer.alloc(12);
  head.write('PACK', 'latin1');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(objects.size, 8);
  const parts: Buffer[] = [head];
  const placed: Placed[] = [];
  let offset = head.length;
  for (const [id, { type, content }] of objects) {
    const bytes = Buffer.concat([entryHead(TYPES[type], content.length), compressed(content)]);
    placed.push({ id, crc: crc32(bytes), offset });
    parts.push(bytes);
    offset += bytes.length;
  }
  const body = Buffer.concat(parts);
  return { pack: Buffer.concat([body, createHash(hash).update(body).digest()]), placed };
}

/** Type and size: four bits of the size beside the type, then seven a byte. */
function entryHead(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let first = (type << 4) | (size & 15);
  for (let rest = Math.floor(size / 16); ; rest = Math.floor(rest / 128)) {
    if (rest === 0) {
      bytes.push(first);
      return Buffer.from(bytes);
    }
    bytes.push(first | 0x80);
    first = rest & 0x7f;
  }
}

/** Version 2: a table by first byte, ids in order, checksums, places. */
function indexBytes(placed: readonly Placed[], packDigest: Buffer, hash: HashName): Buffer {
  const sorted = [...placed].sort((a, b) => (a.id < b.id ? -1 : 1));
  const head = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2]);
  const fanout = Buffer.alloc(256 * 4);
  let at = 0;
  for (let byte = 0; byte < 256; byte++) {
    while (at < sorted.length && Number.parseInt((sorted[at] as Placed).id.slice(0, 2), 16) <= byte) at++;
    fanout.writeUInt32BE(at, byte * 4);
  }
  const ids = Buffer.concat(sorted.map(({ id }) => Buffer.from(id, 'hex')));
  const [sums, places] = [Buffer.alloc(sorted.length * 4), Buffer.alloc(sorted.length * 4)];
  for (const [i, { crc, offset }] of sorted.entries()) {
    sums.writeUInt32BE(crc, i * 4);
    places.writeUInt32BE(offset, i * 4);
  }
  const body = Buffer.concat([head, fanout, ids, sums, places, packDigest]);
  return Buffer.concat([body, createHash(hash).update(body).digest()]);
}
