/**
 * Which objects files of a store hold, seen without git: git says that an object is missing also when it could not open a file (too
 * many are open, no memory, no permission).
 */

import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../../base/bounded.js';
import type { ObjectId } from '../../../model/tree.js';
import { throwIfNotSeen } from '../../errors.js';
import { exists } from '../../files.js';
import { objectFolders } from '../reading/object-folders.js';
import { unindexedPacks } from './broken-objects.js';

/**
 * Those of them that no file holds, in the store or where it borrows; none while a pack of the store has no index. Throws if the system does
 * not let this process look.
 */
export async function notInFiles(store: string, ids: ReadonlySet<ObjectId>): Promise<Set<ObjectId>> {
  // Another process saves what is whole in it.
  if ((await unindexedPacks(store)).length > 0) return new Set();
  const left = new Set(ids);
  for (const folder of objectFolders(join(store, 'objects'))) {
    const loose = await mapBounded([...left], (id) => exists(join(folder, id.slice(0, 2), id.slice(2))));
    for (const [at, id] of [...left].entries()) if (loose[at]) left.delete(id);
    const packs = join(folder, 'pack');
    for (const name of (await readdir(packs).catch(throwIfNotSeen)) ?? []) {
      if (left.size === 0) return left;
      if (!name.endsWith('.idx')) continue;
      for (const id of await inIndex(join(packs, name), left)) left.delete(id);
    }
  }
  return left;
}

/** Those of them that the index of a pack names; all of them if it is gone or cut off, because nobody knows what its pack holds. */
async function inIndex(path: string, ids: ReadonlySet<ObjectId>): Promise<ObjectId[]> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    throwIfNotSeen(error);
    return [...ids];
  }
  try {
    const isSecondForm = (await bytes(file, 0, 4))?.equals(SECOND_FORM) === true;
    const start = isSecondForm ? 8 : 0;
    const fanOut = await bytes(file, start, FAN_OUT);
    if (fanOut === undefined) return [...ids];
    const found: ObjectId[] = [];
    for (const id of ids) {
      const first = Number.parseInt(id.slice(0, 2), 16);
      const from = first === 0 ? 0 : fanOut.readUInt32BE(4 * (first - 1));
      const count = fanOut.readUInt32BE(4 * first) - from;
      const wanted = Buffer.from(id, 'hex');
      // In the first form, the place of each object stands in front of its name.
      const before = isSecondForm ? 0 : 4;
      const size = before + wanted.length;
      const names = await bytes(file, start + FAN_OUT + from * size, count * size);
      const isHere = (at: number) => names?.subarray(at + before, at + size).equals(wanted);
      if (names === undefined || Array.from({ length: count }, (_, n) => n * size).some(isHere))
        found.push(id);
    }
    return found;
  } finally {
    await file.close();
  }
}

/** How an index begins; one of the first form begins with its table. */
const SECOND_FORM = Buffer.from('ff744f63', 'hex');
/** Bytes of the table that says how many names begin with at most each byte. */
const FAN_OUT = 1024;

/** Undefined where the file has fewer. */
async function bytes(file: FileHandle, from: number, count: number): Promise<Buffer | undefined> {
  if (count < 0 || from + count > (await file.stat()).size) return undefined;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, from);
  return bytesRead === count ? buffer : undefined;
}
