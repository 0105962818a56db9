/** An index of git as bytes (version 2), with what its files look like on disk. Reads and writes no file. */

import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { compareBytes } from '../../../base/order.js';
import type { Entry, FileMode } from '../../../model/tree.js';
import { digestLength, type HashName } from './object-bytes.js';

export interface IndexEntry {
  readonly path: string;
  readonly entry: Entry;
  readonly stat: BigIntStats;
}

const VERSION = 2;
const HEAD = 12;
/** Times, device, number, mode, owner and size: ten numbers of 32 bits. */
const NUMBERS = 40;
/** Where the mode is among them. */
const MODE = 24;
const LONGEST_NAME = 0xfff;

/** Entries in any order. */
export function indexBytes(entries: readonly IndexEntry[], hash: HashName): Buffer {
  const named = entries.map((one) => ({ ...one, name: Buffer.from(one.path) }));
  named.sort((a, b) => Buffer.compare(a.name, b.name));
  return wholeIndex(named.length, named.map(entryBytes), hash);
}

export interface IndexChanges {
  /** By path; undefined takes a file out. */
  readonly changes: ReadonlyMap<string, Omit<IndexEntry, 'path'> | undefined>;
  /** If a file changed in this second or later, it may change again and look the same as in the index. */
  readonly second: number;
  readonly hash: HashName;
}

/**
 * An index with some entries changed, without its extensions. Entries of files that changed in `second` or later get a time that no
 * file has: git then compares their content. Undefined for an index of another form, or with a merge in it.
 */
export function changedIndex(index: Buffer, { changes, second, hash }: IndexChanges): Buffer | undefined {
  const idBytes = digestLength(hash);
  const fixed = NUMBERS + idBytes + 2;
  if (index.length < HEAD + idBytes || index.readUInt32BE(4) !== VERSION) return undefined;
  const count = index.readUInt32BE(8);
  const sorted = [...changes].sort(([a], [b]) => compareBytes(a, b));
  const news = sorted.map(([path, to]) => ({ name: Buffer.from(path), to, path }));
  const parts: Buffer[] = [];
  let left = count;
  let next = 0;
  let from = HEAD;
  let at = HEAD;
  const add = (one: (typeof news)[number]) => {
    if (!one.to) return;
    const bytes = entryBytes({ ...one.to, path: one.path, name: one.name });
    distrust(bytes, 0, second);
    parts.push(bytes);
    left++;
  };
  for (let i = 0; i < count; i++) {
    const length = nameLength(index, at, fixed);
    const end = at + entryBytesOf(fixed, length);
    if (length < 0 || end > index.length - idBytes) return undefined;
    distrust(index, at, second);
    for (let one = news[next]; one !== undefined; one = news[next]) {
      const order = one.name.compare(index, at + fixed, at + fixed + length);
      if (order > 0) break;
      parts.push(index.subarray(from, at));
      from = order === 0 ? end : at;
      if (order === 0) left--;
      add(one);
      next++;
    }
    at = end;
  }
  parts.push(index.subarray(from, at));
  for (const one of news.slice(next)) add(one);
  return wholeIndex(left, parts, hash);
}

/** As much of an index is in memory at a time: V8 counts buffers, and collects garbage for one of many megabytes. */
const CHUNK = 1 << 18;
/** More than an entry has, but for names that no file system has. */
const LONGEST_ENTRY = 1 << 13;

/**
 * What an index has at some paths; undefined at one: no file. Undefined for an index of another form, or with a merge in it. `readAt`
 * fills a buffer from a place of the index on, and says with how many bytes.
 */
export function entriesIn(
  readAt: (from: number, into: Buffer) => number,
  paths: Iterable<string>,
  hash: HashName,
): ReadonlyMap<string, Entry | undefined> | undefined {
  const idBytes = digestLength(hash);
  const fixed = NUMBERS + idBytes + 2;
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  let index = buffer.subarray(0, readAt(0, buffer));
  if (index.length < HEAD || index.readUInt32BE(4) !== VERSION) return undefined;
  const found = new Map<string, Entry | undefined>();
  const names = [...paths].map((path) => ({ path, name: Buffer.from(path) }));
  // Most names have another length than those that are looked for, and are not looked at.
  const lengths = new Set(names.map(({ name }) => name.length));
  for (const { path } of names) found.set(path, undefined);
  let from = 0;
  let at = HEAD;
  for (let left = index.readUInt32BE(8); left > 0; left--) {
    if (at + LONGEST_ENTRY > index.length && index.length === CHUNK) {
      from += at;
      at = 0;
      index = buffer.subarray(0, readAt(from, buffer));
    }
    const length = nameLength(index, at, fixed);
    const end = at + entryBytesOf(fixed, length);
    if (length < 0 || end > index.length) return undefined;
    if (lengths.has(length)) {
      const one = names.find(({ name }) => name.compare(index, at + fixed, at + fixed + length) === 0);
      const mode = index.readUInt32BE(at + MODE).toString(8) as FileMode;
      if (one) found.set(one.path, { mode, id: index.toString('hex', at + NUMBERS, at + NUMBERS + idBytes) });
    }
    at = end;
  }
  return found;
}

/** Negative for a stage of a merge, an entry with more flags, and the end of the index. Bytes are read one by one: there are very many entries. */
function nameLength(index: Buffer, at: number, fixed: number): number {
  const high = index[at + fixed - 2] ?? 0xff;
  if ((high & 0xf0) !== 0) return -1;
  const short = (high << 8) | (index[at + fixed - 1] ?? 0);
  return short < LONGEST_NAME ? short : index.indexOf(0, at + fixed) - at - fixed;
}

/** At least one NUL ends the name, and entries begin at multiples of eight. */
const entryBytesOf = (fixed: number, length: number) => (fixed + length + 8) & ~7;

/** An entry begins with the second in which the state of its file changed last. */
function distrust(bytes: Buffer, at: number, second: number): void {
  if (bytes.readUInt32BE(at) >= second) bytes.writeUInt32BE(0, at);
}

function wholeIndex(count: number, entries: readonly Buffer[], hash: HashName): Buffer {
  const head = Buffer.alloc(HEAD);
  head.write('DIRC', 'latin1');
  head.writeUInt32BE(VERSION, 4);
  head.writeUInt32BE(count, 8);
  const content = Buffer.concat([head, ...entries]);
  return Buffer.concat([content, createHash(hash).update(content).digest()]);
}

function entryBytes({ name, entry, stat }: IndexEntry & { readonly name: Buffer }): Buffer {
  const id = Buffer.from(entry.id, 'hex');
  const fixed = NUMBERS + id.length + 2;
  const bytes = Buffer.alloc(entryBytesOf(fixed, name.length));
  const numbers = [
    ...secondsOf(stat.ctimeNs),
    ...secondsOf(stat.mtimeNs),
    ...[stat.dev, stat.ino],
    BigInt(Number.parseInt(entry.mode, 8)),
    ...[stat.uid, stat.gid, stat.size],
  ];
  for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(Number(BigInt.asUintN(32, number)), i * 4);
  id.copy(bytes, NUMBERS);
  bytes.writeUInt16BE(Math.min(name.length, LONGEST_NAME), NUMBERS + id.length);
  name.copy(bytes, fixed);
  return bytes;
}

function secondsOf(nanoseconds: bigint): [bigint, bigint] {
  return [nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n];
}
