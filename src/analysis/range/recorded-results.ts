/**
 * What lock files say of results, as lines that need no check and no parsing of JSON: of 10,000 tasks, that takes most of the time of
 * writing missing outputs again. Only of features whose tasks are all plain: the lock files of others are read.
 */

import { compareBytes } from '../../base/order.js';
import type { ActionKey } from '../../model/action.js';
import { type FeatureLock, type LockedTask, resultKeyOf } from '../../model/feature-lock.js';
import type { ObjectId } from '../../model/tree.js';
import type { IndexHead } from './index-file.js';
import { readParts } from './index-parts.js';

/** A task as its lock file records it. */
export interface RecordedResult {
  readonly id: string;
  readonly key: ActionKey;
  readonly result: ObjectId;
  /** Its outputs: each path with its entry word behind it. */
  readonly outputs: readonly string[];
}

export interface RecordedFeature {
  readonly feature: string;
  /** In the order of the lock file. */
  readonly tasks: Iterable<RecordedResult>;
}

/** A line for each task, with a tab behind each field; undefined where a record says more than these lines can. */
export function resultLines({ tasks, hasMarkers }: FeatureLock): string | undefined {
  const records = inOrder(tasks);
  if (hasMarkers || records.length === 0) return undefined;
  let text = '';
  for (const [id, task] of records) {
    if (!isPlain(task)) return undefined;
    text += `${id}\t${resultKeyOf(task)}\t${task.result}\t`;
    for (const [path, word] of inOrder(task.outputs)) {
      if (UNWRITABLE.test(path)) return undefined;
      text += `${path}\t${word}\t`;
    }
    text += '\n';
  }
  return text;
}

/** As they are in the lock file, where names that are numbers come first: events are in this order. */
function inOrder<T>(record: Readonly<Record<string, T>>): [string, T][] {
  const sorted = Object.entries(record).sort(([a], [b]) => compareBytes(a, b));
  return sorted.some(([name]) => NUMBER.test(name)) ? Object.entries(Object.fromEntries(sorted)) : sorted;
}

/** Objects have such names in the order of numbers. */
const NUMBER = /^\d+$/;

const UNWRITABLE = /[\t\n]/;

/** Whether its files are its own, and it was neither seen to read files nor did a person take part in it. */
function isPlain({ recipe, adopted, edits, observed, unmerged }: LockedTask): boolean {
  const isBuilt = recipe !== 'accepted' && recipe !== 'agent' && !adopted;
  return isBuilt && edits === undefined && observed === undefined && unmerged === undefined;
}

function* parsedLines(text: string): Iterable<RecordedResult> {
  let at = 0;
  const field = () => {
    const end = text.indexOf('\t', at);
    const value = text.slice(at, end);
    at = end + 1;
    return value;
  };
  while (at < text.length) {
    const id = field();
    const key = field();
    const result = field();
    const outputs: string[] = [];
    while (!text.startsWith('\n', at)) outputs.push(field());
    at++;
    yield { id, key, result, outputs };
  }
}

/** What the index has of these lock files, by lock file. Of others it has nothing; a damaged one, or one of another tree, neither. */
export function recordedResults(
  state: string,
  head: IndexHead | undefined,
  { tree, lockFiles }: { readonly tree: ObjectId; readonly lockFiles: ReadonlySet<string> },
): ReadonlyMap<string, RecordedFeature> {
  const found = new Map<string, RecordedFeature>();
  if (head?.tree !== tree) return found;
  const rows = Object.entries(head.features).flatMap(([feature, { lock, results }]) =>
    results && lockFiles.has(lock) ? [{ feature, lock, results }] : [],
  );
  const texts = readParts(
    state,
    rows.map(({ results }) => results),
  );
  for (const [i, { feature, lock }] of rows.entries()) {
    const text = texts?.[i];
    if (text !== undefined) found.set(lock, { feature, tasks: parsedLines(text) });
  }
  return found;
}
