/** The journals in the state folder: if one exists, a build was killed while it published or committed. Reads and writes no file. */

import { areTexts, isObject } from '../io/document/json-object.js';
import type { ObjectId } from '../model/tree.js';

export const PUBLISH_JOURNAL = 'publish.json';
export const COMMIT_JOURNAL = 'commit.json';

/** The tree that a publish makes, and what it starts from: a tree, or the very tree that it makes without some files. */
export type Journal = { readonly to: ObjectId } & (
  | { readonly from: ObjectId }
  | { readonly gone: readonly string[] }
);

export function journalText(journal: Journal): string {
  return JSON.stringify(journal);
}

/** Undefined: it is damaged. */
export function parseJournal(text: string): Journal | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || typeof value.to !== 'string') return undefined;
    const { from, gone, to } = value;
    if (typeof from === 'string') return { from, to };
    return areTexts(gone) ? { gone, to } : undefined;
  } catch {
    return undefined;
  }
}
