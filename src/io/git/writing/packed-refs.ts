/**
 * The file in which git keeps packed refs: creates many at once, under the lock that git itself takes for it, and looks for
 * many at once. Knows nothing of what they name.
 */

import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectId } from '../../../model/tree.js';
import { syncFolder, syncOpen } from '../../durable.js';
import { codeOf, isMissing } from '../../errors.js';
import { readTextSync } from '../../files.js';

const HEAD = '# pack-refs with: peeled fully-peeled sorted ';
const [LINE_END, SPACE, PEELED] = [10, 32, 94];
/** Of sha1, in hexadecimal digits. */
const SHORTEST_ID = 40;
/** As long as git waits for it. */
const PATIENCE_MS = 1000;
const PAUSE_MS = 5;

/**
 * Names to ids, created where there is none of that name; those that exist stay as they are. On disk when it resolves.
 * Undefined, with nothing done, where the file is locked for too long or is not as git writes it today.
 */
export async function createPackedRefs(
  store: string,
  refs: ReadonlyMap<string, ObjectId>,
): Promise<Map<string, 'created' | 'exists'> | undefined> {
  const file = join(store, 'packed-refs');
  const lock = `${file}.lock`;
  const handle = await openLock(lock);
  if (handle === undefined) return undefined;
  let isDone = false;
  try {
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.from(`${HEAD}\n`);
    const outcomes = new Map<string, 'created' | 'exists'>();
    const merged = withRefs(bytes, refs, (name, isPacked) => {
      const isThere = isPacked || existsSync(join(store, name));
      outcomes.set(name, isThere ? 'exists' : 'created');
      return !isThere;
    });
    if (!merged) return undefined;
    writeFileSync(handle, merged);
    await syncOpen(handle);
    // Open until it has its name: a lock that no process has open counts as that of a dead one, and is removed.
    renameSync(lock, file);
    isDone = true;
    await syncFolder(store);
    // Git may have created one as a file of its own meanwhile: that one is found first.
    for (const [name, outcome] of outcomes)
      if (outcome === 'created' && existsSync(join(store, name))) outcomes.set(name, 'exists');
    return outcomes;
  } finally {
    closeSync(handle);
    if (!isDone) rmSync(lock, { force: true });
  }
}

/**
 * Whether each key is the last part of the name of a ref to this id, below one folder (`refs/x`). Of the refs that are files of their own,
 * usually few, only those below it are looked at; no name is made of a key.
 */
export function hasRefs(store: string, folder: string, ids: ReadonlyMap<string, ObjectId>): boolean {
  // A file of its own counts, whatever the packed ones say.
  const own = new Set<string>();
  for (const name of filesBelow(store, folder)) {
    const key = name.slice(name.lastIndexOf('/') + 1);
    const wanted = ids.get(key);
    if (wanted === undefined) continue;
    if (readTextSync(join(store, name))?.trim() !== wanted) return false;
    own.add(key);
  }
  const text = readTextSync(join(store, 'packed-refs')) ?? '';
  if (!isHead(text.slice(0, text.indexOf('\n') + 1)) || !text.endsWith('\n')) return own.size === ids.size;
  let found = own.size;
  // The names are sorted, so those below the folder stand together. Each of them is one ref, also where tags have a line more.
  const start = `${folder}/`;
  let at = text.indexOf(` ${start}`) + 1;
  while (at > 0 && text.startsWith(start, at)) {
    const end = text.indexOf('\n', at);
    const key = text.slice(text.lastIndexOf('/', end) + 1, end);
    const wanted = ids.get(key);
    if (wanted !== undefined && !own.has(key)) {
      const line = at - wanted.length - 1;
      if (!text.startsWith(wanted, line) || text[line - 1] !== '\n') return false;
      found++;
    }
    at = text.indexOf(' ', end) + 1;
  }
  return found === ids.size;
}

/** Paths of files, from the store. None below a folder that is gone meanwhile: a git that packs refs removes those that are empty then. */
function filesBelow(store: string, folder: string): string[] {
  const place = join(store, folder);
  try {
    if (!existsSync(place)) return [];
    return readdirSync(place, { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(store, path) : [path];
    });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * The file with more refs; undefined where it is not as git writes it. The file is sorted, so a binary search finds the place of a
 * name: to parse a hundred thousand refs for each group of results would need several times the memory of the file.
 */
function withRefs(
  bytes: Buffer,
  refs: ReadonlyMap<string, ObjectId>,
  isWanted: (name: string, isPacked: boolean) => boolean,
): Buffer | undefined {
  const first = bytes.indexOf(LINE_END) + 1;
  const head = bytes.toString('latin1', 0, first);
  if (!isHead(head) || bytes.at(-1) !== LINE_END) return undefined;
  const parts: Buffer[] = [];
  let taken = 0;
  // Names have no character outside of ASCII: this is the order of bytes.
  for (const [name, id] of [...refs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const place = placeOf(bytes, first, Buffer.from(name, 'latin1'));
    if (!place) return undefined;
    if (!isWanted(name, place.isThere)) continue;
    parts.push(bytes.subarray(taken, place.at), Buffer.from(`${id} ${name}\n`, 'latin1'));
    taken = place.at;
  }
  return Buffer.concat([...parts, bytes.subarray(taken)]);
}

/** Where the line of a ref begins, or where it belongs; undefined where a line is none of git's. */
function placeOf(
  bytes: Buffer,
  first: number,
  name: Buffer,
): { readonly at: number; readonly isThere: boolean } | undefined {
  let low = first;
  let high = bytes.length;
  while (low < high) {
    let line = lineStart(bytes, Math.floor((low + high) / 2));
    // Below the line of a tag stands what it names.
    if (bytes[line] === PEELED) line = lineStart(bytes, line - 1);
    const space = bytes.indexOf(SPACE, line);
    const end = bytes.indexOf(LINE_END, line);
    if (line < low || space < line + SHORTEST_ID || space > end) return undefined;
    const order = bytes.compare(name, 0, name.length, space + 1, end);
    if (order === 0) return { at: line, isThere: true };
    if (order > 0) high = line;
    else low = bytes[end + 1] === PEELED ? bytes.indexOf(LINE_END, end + 1) + 1 : end + 1;
  }
  return { at: low, isThere: false };
}

/** The start of the line that a byte is in. */
function lineStart(bytes: Buffer, at: number): number {
  return bytes.lastIndexOf(LINE_END, at - 1) + 1;
}

function isHead(line: string): boolean {
  return line.startsWith('# pack-refs with:') && line.includes(' sorted');
}

async function openLock(lock: string): Promise<number | undefined> {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    try {
      return openSync(lock, 'wx', 0o644);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      if (performance.now() > end) return undefined;
      await delay(PAUSE_MS);
    }
  }
}
