/** An index of git as bytes (version 2), with what its files look like on disk. Writes nothing. */

import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { Entry } from '../../../model/tree.js';
import type { HashName } from './object-bytes.js';

export interface IndexEntry {
  readonly path: string;
  readonly entry: Entry;
  readonly stat: BigIntStats;
}

const VERSION = 2;
/** Times, device, number, mode, owner and size: ten numbers of 32 bits. */
const NUMBERS = 40;
const LONGEST_NAME = 0xfff;

/** Entries in any order. */
export function indexBytes(entries: readonly IndexEntry[], hash: HashName): Buffer {
  const named = entries.map((one) => ({ ...one, name: Buffer.from(one.path) }));
  named.sort((a, b) => Buffer.compare(a.name, b.name));
  const head = Buffer.alloc(12);
  head.write('DIRC', 'latin1');
  head.writeUInt32BE(VERSION, 4);
  head.writeUInt32BE(named.length, 8);
  const content = Buffer.concat([head, ...named.map(entryBytes)]);
  return Buffer.concat([content, createHash(hash).update(content).digest()]);
}

function entryBytes({ name, entry, stat }: IndexEntry & { readonly name: Buffer }): Buffer {
  const id = Buffer.from(entry.id, 'hex');
  const fixed = NUMBERS + id.length + 2;
  // At least one NUL ends the name, and entries begin at multiples of eight.
  const bytes = Buffer.alloc((fixed + name.length + 8) & ~7);
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
