/**
 * Finds single entries of git's tree objects, and those in which two differ: of a folder with thousands of entries, most are never made to
 * texts. Knows no repository.
 */

import { parseRawTree, type TreeEntry } from '../raw-tree.js';

/** An entry with the bytes that it has in its tree. */
export interface PlacedEntry extends TreeEntry {
  readonly from: number;
  readonly to: number;
}

/** The entries with these names (bytes, one character each); undefined for a tree with modes that today's git does not write. */
export function findEntries(
  raw: Buffer,
  idBytes: number,
  names: ReadonlySet<string>,
): Map<string, PlacedEntry> | undefined {
  const found = new Map<string, PlacedEntry>();
  const lengths = new Set<number>();
  for (const { length } of names) lengths.add(length);
  for (let at = 0; at < raw.length; ) {
    const mode = plainMode(raw, at);
    if (mode === undefined) return undefined;
    const nul = endOfName(raw, at);
    const begin = at + mode.length + 1;
    const to = nul + 1 + idBytes;
    const name = lengths.has(nul - begin) ? raw.toString('latin1', begin, nul) : '';
    if (name !== '' && names.has(name))
      found.set(name, { mode, id: raw.toString('hex', nul + 1, to), from: at, to });
    at = to;
  }
  return found;
}

/** Entries of two trees with at least all those that are not the same in both. */
export function differingEntries(
  a: Buffer,
  b: Buffer,
  idBytes: number,
): readonly [Map<string, TreeEntry>, Map<string, TreeEntry>] {
  const both = (one: Buffer, other: Buffer) =>
    [parseRawTree(one, idBytes), parseRawTree(other, idBytes)] as const;
  const same = commonStart(a, b);
  let from = 0;
  for (let to = 0; to <= same; ) {
    from = to;
    if (from >= a.length || from >= b.length) break;
    to = endOfName(a, from) + 1 + idBytes;
  }
  const [restA, restB] = [a.subarray(from), b.subarray(from)];
  const end = commonEnd(restA, restB);
  const [toA, toB] = [restA, restB].map((rest) => firstEntryFrom(rest, rest.length - end, idBytes)) as [
    number,
    number,
  ];
  // Bytes that are the same need not begin an entry in both.
  if (restA.length - toA !== restB.length - toB) return both(restA, restB);
  return both(restA.subarray(0, toA), restB.subarray(0, toB));
}

/** Where the first entry begins that does not begin before `least`. */
function firstEntryFrom(raw: Buffer, least: number, idBytes: number): number {
  let at = 0;
  while (at < least) at = endOfName(raw, at) + 1 + idBytes;
  return at;
}

function endOfName(raw: Buffer, at: number): number {
  const nul = raw.indexOf(0, at);
  if (nul < 0) throw new Error('BUG: an object that is no tree was read as one');
  return nul;
}

/** How many bytes at the beginning are the same. */
function commonStart(a: Buffer, b: Buffer): number {
  return longest(Math.min(a.length, b.length), (n) => a.compare(b, 0, n, 0, n) === 0);
}

function commonEnd(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  return longest(most, (n) => a.compare(b, b.length - n, b.length, a.length - n, a.length) === 0);
}

/** The largest number up to `most` that is so, where all smaller ones are. */
function longest(most: number, isSo: (n: number) => boolean): number {
  let [yes, no] = [0, most + 1];
  while (no - yes > 1) {
    const middle = (yes + no) >>> 1;
    if (isSo(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

/** The first six bytes of an entry say it, as one number. */
function plainMode(raw: Buffer, at: number): TreeEntry['mode'] | undefined {
  return at + MODE_BYTES < raw.length ? MODES.get(raw.readUIntBE(at, MODE_BYTES)) : undefined;
}

const MODE_BYTES = 6;
const MODES: ReadonlyMap<number, TreeEntry['mode']> = new Map(
  (['40000', '100644', '100755', '120000', '160000'] as const).map((mode) => [
    Buffer.from(mode.padEnd(MODE_BYTES)).readUIntBE(0, MODE_BYTES),
    mode,
  ]),
);
