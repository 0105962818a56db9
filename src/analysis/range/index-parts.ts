/** The file of parts of the analysis index: texts at known places, each with its digest. Knows nothing of what they say. */

import { append, lookSync, readPartsSync, writeAtomic } from '../../io/files.js';
import { type Digest, digestFields } from '../../model/digest.js';

/** A place in the file of parts, with the digest of its text. */
export type Place = readonly [from: number, bytes: number, digest: Digest];

export const PARTS_FILE = 'analysis-parts.json';

/** Texts that are put together into the file, or behind what it has. */
export class Parts {
  private readonly state: string;
  private readonly from: number;
  private readonly texts: string[] = [];
  end: number;

  private constructor(state: string, from: number) {
    this.state = state;
    this.from = from;
    this.end = from;
  }

  /** Replaces the file. */
  static whole(state: string): Parts {
    return new Parts(state, 0);
  }

  /** Goes behind what the file has, and changes no byte before. */
  static behind(state: string): Parts {
    return new Parts(state, lookSync(`${state}/${PARTS_FILE}`)?.size ?? 0);
  }

  add(text: string): Place {
    const from = this.end;
    const bytes = Buffer.byteLength(text);
    this.texts.push(text);
    this.end += bytes;
    return [from, bytes, partDigest(text)];
  }

  async write(): Promise<void> {
    const file = `${this.state}/${PARTS_FILE}`;
    const text = this.texts.join('');
    if (this.from === 0) await writeAtomic(file, text);
    else await append(file, text);
  }
}

/** Undefined where one of them has another digest. */
export function readParts(state: string, places: readonly Place[]): string[] | undefined {
  if (places.length === 0) return [];
  const ranges = places.map(([from, bytes]) => [from, bytes] as const);
  const texts = readPartsSync(`${state}/${PARTS_FILE}`, ranges);
  return texts?.every((text, i) => partDigest(text) === places[i]?.[2]) ? texts : undefined;
}

function partDigest(text: string): Digest {
  return digestFields('conductor.analysis-part.1', [text]);
}

export function isPlace(value: unknown): value is Place {
  if (!Array.isArray(value) || value.length !== 3) return false;
  return value.slice(0, 2).every(isCount) && typeof value[2] === 'string';
}

export function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
