/** Writes single objects into a repository as git does it: each a file of its own, there whole or not at all. */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import type { ObjectId } from '../../../model/tree.js';
import { codeOf } from '../../errors.js';
import { lookSync } from '../../files.js';
import { compressed } from './compressed.js';
import { type HashName, hashObject, type ObjectType } from './object-bytes.js';

const MAX_BYTES = 4 * 1024 * 1024;
/** Long ones are read again: they are few. */
const LONGEST = 64 * 1024;
/** What one takes beside its bytes: a buffer of its own, its id, its place in the map. */
const OVERHEAD = 500;

/** Contents of short objects that this process has written or read lately: what is built on them need not read them again. */
export class RecentObjects {
  private readonly contents = new Map<ObjectId, Buffer>();
  private bytes = 0;

  get(id: ObjectId): Buffer | undefined {
    return this.contents.get(id);
  }

  add(id: ObjectId, content: Buffer): void {
    if (content.length > LONGEST || this.contents.has(id)) return;
    // The content may be a small part of a long answer, which would stay with it.
    const own = Buffer.allocUnsafeSlow(content.length);
    content.copy(own);
    this.contents.set(id, own);
    this.bytes += content.length + OVERHEAD;
    for (const [oldest, { length }] of this.contents) {
      if (this.bytes <= MAX_BYTES) break;
      this.contents.delete(oldest);
      this.bytes -= length + OVERHEAD;
    }
  }
}

export class LooseWriter {
  readonly recent = new RecentObjects();
  private readonly objects: string;
  private readonly hash: HashName;
  private readonly folders = new Set<string>();
  private count = 0;

  constructor(store: string, hash: HashName) {
    this.objects = join(store, 'objects');
    this.hash = hash;
  }

  /** Not yet brought to disk. Throws when it cannot be written. */
  write(type: ObjectType, content: Buffer): ObjectId {
    const id = hashObject(type, content, this.hash);
    const folder = join(this.objects, id.slice(0, 2));
    const file = join(folder, id.slice(2));
    try {
      const whole = Buffer.concat([head(type, content), content]);
      // What a power cut or a fault of the disk left of an object is written again.
      if (!isThere(file, whole)) this.place(folder, file, compressed(whole));
    } catch (error) {
      const code = codeOf(error);
      const message = `${type} ${id} is missing after it was written: ${(error as Error).message}`;
      const facts = code === undefined ? {} : { code, path: file, syscall: 'write' };
      throw Object.assign(new Error(message), facts);
    }
    if (type === 'tree') this.recent.add(id, content);
    return id;
  }

  private place(folder: string, file: string, bytes: Buffer, tries = 3): void {
    const isKnown = this.folders.has(folder);
    this.folders.add(folder);
    try {
      if (!isKnown) makeFolder(folder);
      this.placeIn(folder, file, bytes);
    } catch (error) {
      this.folders.delete(folder);
      // git removes a folder in which it leaves no object: when this process or another one has packed what was there.
      if (tries === 1 || codeOf(error) !== 'ENOENT') throw error;
      this.place(folder, file, bytes, tries - 1);
    }
  }

  private placeIn(folder: string, file: string, bytes: Buffer): void {
    // git removes files of this name after a while.
    const temporary = join(folder, `tmp_obj_${process.pid}_${this.count++}`);
    try {
      writeFileSync(temporary, bytes, { mode: 0o444, flag: 'wx' });
      renameSync(temporary, file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }
}

function makeFolder(folder: string): void {
  try {
    // Not recursive: that one calls a read-only disk a missing folder.
    mkdirSync(folder);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function isThere(file: string, whole: Buffer): boolean {
  if (!lookSync(file)) return false;
  try {
    return inflateSync(readFileSync(file)).equals(whole);
  } catch {
    return false;
  }
}

function head(type: ObjectType, content: Buffer): Buffer {
  return Buffer.from(`${type} ${content.length}\0`);
}
