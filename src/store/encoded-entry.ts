/** The names of stored and shared entries: results by key, passed gates by their key. Plain data; knows no store. */

import type { ActionKey } from '../model/action.js';
import type { Digest } from '../model/digest.js';

/** `results/<key>` or `gates/<key>`. */
export type EntryName = `results/${string}` | `gates/${string}`;

export const resultName = (key: ActionKey): EntryName => `results/${key}`;
export const gatesName = (key: Digest): EntryName => `gates/${key}`;

export function keyOf(name: EntryName): Digest {
  return name.slice(name.indexOf('/') + 1);
}

export function isResult(name: EntryName): boolean {
  return name.startsWith('results/');
}

/** Where all results stand. */
export const RESULT_REFS = 'refs/conductor/results';

/** Where an entry stands below `refs/conductor/`, in conductor's own repository. */
export function refOf(name: EntryName): string {
  const key = keyOf(name);
  return `refs/conductor/${isResult(name) ? 'results' : 'gates'}/${key.slice(0, 2)}/${key}`;
}

/** The entry that a ref names; undefined for any other ref. */
export function nameOf(ref: string): EntryName | undefined {
  const parts = /^refs\/conductor\/(results|gates)\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(ref);
  return parts ? (`${parts[1]}/${parts[2]}` as EntryName) : undefined;
}

/**
 * What pull requests make is shared among them only, under names of its own: it can neither be taken for reviewed work
 * nor stand in its way.
 */
export type Scope = 'shared' | 'pull-request';
