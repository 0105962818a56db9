/** Git trees as plain data: paths to modes and object ids. Does not know how git stores them. */

import { compareBytes } from '../base/order.js';
import { type Digest, digestFields } from './digest.js';

/** A git object id: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits. */
export type ObjectId = string;

/** For ids that come from elsewhere. */
export function isObjectId(id: unknown): id is ObjectId {
  return typeof id === 'string' && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(id);
}

export type FileMode = '100644' | '100755' | '120000' | '160000';

export interface Entry {
  readonly mode: FileMode;
  readonly id: ObjectId;
}

/** Paths (with `/`, relative to the project, never `..`) to entries. */
export type Files = ReadonlyMap<string, Entry>;

/**
 * As `files`, in little memory where there is one file: a build keeps the outputs of each task until its end. A path
 * that is among the known ones is theirs, so that it is in memory once.
 */
export function compactFiles(files: Files, known: readonly string[] = []): Files {
  if (files.size !== 1 || files instanceof OneFile) return files;
  const [first] = files;
  if (!first) return files;
  const [path, entry] = first;
  return new OneFile(known.find((one) => one === path) ?? path, entry);
}

/** A quarter of the memory of a `Map`. */
class OneFile implements Files {
  private readonly path: string;
  private readonly entry: Entry;

  constructor(path: string, entry: Entry) {
    this.path = path;
    this.entry = entry;
  }

  get size(): number {
    return 1;
  }

  has(path: string): boolean {
    return path === this.path;
  }

  get(path: string): Entry | undefined {
    return path === this.path ? this.entry : undefined;
  }

  forEach(visit: (entry: Entry, path: string, files: Files) => void): void {
    visit(this.entry, this.path, this);
  }

  entries(): MapIterator<[string, Entry]> {
    return [[this.path, this.entry] as [string, Entry]].values();
  }

  keys(): MapIterator<string> {
    return [this.path].values();
  }

  values(): MapIterator<Entry> {
    return [this.entry].values();
  }

  [Symbol.iterator](): MapIterator<[string, Entry]> {
    return this.entries();
  }
}

/** An entry as one word, the form in which lock files and digests keep it. */
export function encodeEntry(entry: Entry): string {
  return entry.mode === '100644' ? entry.id : `${entry.mode}:${entry.id}`;
}

export function decodeEntry(word: string): Entry {
  const colon = word.indexOf(':');
  if (colon < 0) return { mode: '100644', id: word };
  return { mode: word.slice(0, colon) as FileMode, id: word.slice(colon + 1) };
}

export function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.id === b.id && a.mode === b.mode);
}

/** One digest for a set of files: their paths, modes and contents. */
export function digestFiles(files: Iterable<readonly [string, Entry]>): Digest {
  const sorted = [...files].sort(([a], [b]) => compareBytes(a, b));
  return digestFields(
    'files',
    sorted.flatMap(([path, entry]) => [path, encodeEntry(entry)]),
  );
}

/**
 * A whole tree, listed: the entries by path, and the paths in byte order so that everything below a folder is a
 * range found by binary search.
 */
export class Listing {
  readonly files: Files;
  readonly paths: readonly string[];

  constructor(files: Files, paths: readonly string[] = [...files.keys()].sort(compareBytes)) {
    this.files = files;
    this.paths = paths;
  }

  /** The listing with changes made; undefined takes a file out. With the same paths it has the very same array of them. */
  with(changes: ReadonlyMap<string, Entry | undefined>): Listing {
    const files = new Map(this.files);
    const added: string[] = [];
    for (const [path, entry] of changes) {
      if (!entry) files.delete(path);
      else {
        if (!this.files.has(path)) added.push(path);
        files.set(path, entry);
      }
    }
    if (added.length === 0 && files.size === this.files.size) return new Listing(files, this.paths);
    const paths = [...this.paths.filter((path) => files.has(path)), ...added];
    return new Listing(files, paths.sort(compareBytes));
  }

  get(path: string): Entry | undefined {
    return this.files.get(path);
  }

  /** The paths that start with `prefix` (a folder's prefix ends with `/`; the empty one is everything). */
  under(prefix: string): readonly string[] {
    if (prefix === '') return this.paths;
    const from = this.lowerBound(prefix);
    let to = from;
    while (to < this.paths.length && (this.paths[to] as string).startsWith(prefix)) to++;
    return this.paths.slice(from, to);
  }

  private lowerBound(path: string): number {
    let low = 0;
    let high = this.paths.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (compareBytes(this.paths[mid] as string, path) < 0) low = mid + 1;
      else high = mid;
    }
    return low;
  }
}

const ANY: Entry = { mode: '100644', id: '' };

/** Paths without their content: a list of patterns finds what it matches among them without looking at every path. */
export function listingOfPaths(paths: Iterable<string>): Listing {
  return new Listing(new Map([...paths].map((path) => [path, ANY])));
}
