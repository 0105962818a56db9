/** The owner of each file of a snapshot: a task, a person, or nobody any more. Knows no edits. */

import type { Ownership } from '../model/paths/ownership.js';
import type { Label } from '../model/task.js';
import { type Entry, encodeEntry, type Files, Listing, sameEntry } from '../model/tree.js';
import type { RecordedOutputs } from './outputs/recorded-outputs.js';

/** What decides it. */
export interface SharedFiles {
  readonly listing: Listing;
  readonly ownership: Ownership;
  readonly recorded: RecordedOutputs;
  /** The part of it that a recipe built. */
  readonly built: RecordedOutputs;
  /** With `/` at its end. */
  readonly specsFolder: string;
}

export interface FileShares {
  readonly of: SharedFiles;
  /** Files that people wrote, with patches that may be on them. */
  readonly hand: Listing;
  /** Files that each task owns. */
  readonly owned: ReadonlyMap<Label, Files>;
}

/** With the shares of a former snapshot only what differs from it is looked at, where the same rules hold. */
export function shareFiles(of: SharedFiles, before?: FileShares): FileShares {
  const was = before?.of;
  const isSame =
    was?.listing.paths === of.listing.paths &&
    was.ownership === of.ownership &&
    was.recorded === of.recorded &&
    was.built === of.built &&
    was.specsFolder === of.specsFolder;
  return before && isSame ? shareAgain(of, before) : shareAll(of);
}

function shareAll(of: SharedFiles): FileShares {
  const hand = new Map<string, Entry>();
  const owned = new Map<Label, Map<string, Entry>>();
  for (const [path, entry] of of.listing.files) {
    const owner = of.ownership.ownerOf(path);
    if (owner !== undefined) {
      const files = owned.get(owner) ?? new Map<string, Entry>();
      owned.set(owner, files.set(path, entry));
    }
    if (isHandWritten(path, entry, owner, of)) hand.set(path, entry);
  }
  return { of, hand: new Listing(hand), owned };
}

function shareAgain(of: SharedFiles, before: FileShares): FileShares {
  const changed: [string, Entry][] = [];
  for (const [path, entry] of of.listing.files) {
    if (!sameEntry(before.of.listing.get(path), entry)) changed.push([path, entry]);
  }
  // Of these the content decides whose they are.
  const isLeft = ([path]: [string, Entry]) =>
    of.recorded.has(path) && of.ownership.ownerOf(path) === undefined;
  if (changed.some(isLeft)) return shareAll(of);
  const hand = new Map<string, Entry>();
  const owned = new Map(before.owned);
  for (const [path, entry] of changed) {
    const owner = of.ownership.ownerOf(path);
    if (owner !== undefined) owned.set(owner, new Map(owned.get(owner)).set(path, entry));
    if (isHandWritten(path, entry, owner, of)) hand.set(path, entry);
  }
  return { of, hand: hand.size === 0 ? before.hand : before.hand.with(hand), owned };
}

function isHandWritten(path: string, entry: Entry, owner: Label | undefined, of: SharedFiles): boolean {
  if (owner !== undefined || path.startsWith(of.specsFolder)) return false;
  // An output that no task owns any more is on its way out: no task may come to depend on it. One that a person wrote stays.
  return !of.recorded.has(path) || of.built.get(path)?.has(encodeEntry(entry)) !== true;
}
