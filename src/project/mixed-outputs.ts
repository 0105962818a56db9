/**
 * Outputs on disk that git put together from recorded ones when branches were merged, with conflict markers or without.
 * Nobody wrote them, so that they are no hand edits. Decides nothing.
 */

import { mapBounded } from '../base/bounded.js';
import { conflictSides } from '../base/conflict-markers.js';
import { ownValue } from '../base/records/own-value.js';
import { mergeFile } from '../io/git/merge-file.js';
import type { GitObjects } from '../io/git/objects.js';
import { type FeatureLock, recordsOf, type TaskRecord } from '../model/feature-lock.js';
import { decodeEntry, encodeEntry, type Listing } from '../model/tree.js';
import type { OutputRecords, RecordedOutputs } from './outputs/recorded-outputs.js';

/** Path to the encoded entry on disk. */
export type Mixtures = ReadonlyMap<string, string>;

/** Looks only at tasks that merged branches have both built. */
export async function mixedOutputs(
  objects: GitObjects,
  listing: Listing,
  locks: readonly FeatureLock[],
): Promise<Mixtures> {
  const mixed = new Map<string, string>();
  for (const task of locks.flatMap((lock) => Object.values(lock.tasks))) {
    if (!task.unmerged) continue;
    const records = recordsOf(task);
    for (const path of new Set(records.flatMap((record) => Object.keys(record.outputs)))) {
      const onDisk = listing.get(path);
      const word = onDisk && encodeEntry(onDisk);
      if (!word || records.some((record) => ownValue(record.outputs, path) === word)) continue;
      const text = (await objects.read(onDisk.id))?.toString('latin1');
      if (text !== undefined && (await isMerge(objects, text, path, records))) mixed.set(path, word);
    }
  }
  return mixed;
}

/** Whether git merges two of the records to this text, from any third one or from nothing. */
async function isMerge(
  objects: GitObjects,
  text: string,
  path: string,
  records: readonly TaskRecord[],
): Promise<boolean> {
  const words = [...new Set(records.flatMap((record) => ownValue(record.outputs, path) ?? []))];
  const texts = await mapBounded(words, (word) => objects.read(decodeEntry(word).id));
  const known = texts.filter((one) => one !== undefined);
  const wanted = sides(text);
  for (const ours of known) {
    for (const theirs of known) {
      if (ours === theirs) continue;
      for (const base of [...known, Buffer.alloc(0)]) {
        if (base === ours || base === theirs) continue;
        const marks = { labels: ['ours', 'base', 'theirs'], size: 7 } as const;
        const merged = (await mergeFile(ours, base, theirs, marks)).text.toString('latin1');
        if (sides(merged) === wanted) return true;
      }
    }
  }
  return false;
}

/** The same for every style of markers and every name in them. */
function sides(text: string): string {
  const found = conflictSides(text);
  return found ? JSON.stringify([found.ours, found.theirs]) : JSON.stringify([text]);
}

/** The records with the mixtures among what conductor built. */
export function withMixtures(
  records: OutputRecords,
  mixtures: Mixtures,
): Pick<OutputRecords, 'recorded' | 'built'> {
  const add = (known: RecordedOutputs): RecordedOutputs => {
    const all = new Map(known);
    for (const [path, word] of mixtures) all.set(path, new Set([...(known.get(path) ?? []), word]));
    return all;
  };
  return mixtures.size === 0 ? records : { recorded: add(records.recorded), built: add(records.built) };
}
