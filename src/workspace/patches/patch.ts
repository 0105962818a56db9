/**
 * Three-way merges of single files: applies a task's patch to a file that other people and tasks change too. Knows no
 * tasks.
 */

import { err, ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import { type Entry, encodeEntry, sameEntry } from '../../model/tree.js';
import { formatOf, mergeByFormat } from './formats.js';
import type { Sides } from './line-merge.js';

/** Where contents are read and written. */
export type Blobs = Pick<GitObjects, 'read' | 'writeBlob'>;

/** A change of one file, to be made to what the file is now. */
export interface Change {
  /** Decides the format: some are merged by more than lines. */
  readonly path: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
  /** A text that tells the order of what the change and `current` put at one place, where it has both. */
  readonly order?: Entry | undefined;
}

/**
 * `current` with the change made to it. One that has it already comes back as it is. Where both sides only added lines at
 * one place both additions are kept, `current`'s first: so several tasks can register themselves in one list. Anything
 * else at one place is a conflict.
 */
export function applyPatch(
  objects: Blobs,
  current: Entry | undefined,
  change: Change,
): Promise<Result<Entry | undefined, 'conflict'>> {
  const known = merges.get(objects) ?? new Map<string, ReturnType<typeof merge>>();
  merges.set(objects, known);
  const words = [current, change.before, change.after, change.order].map((entry) =>
    entry ? encodeEntry(entry) : '',
  );
  const key = [formatOf(change.path), ...words].join(' ');
  const made = known.get(key) ?? merge(objects, current, change);
  known.set(key, made);
  // What could not be read once may be readable later.
  made.catch(() => known.delete(key));
  return made;
}

/** The same merge is asked for by every task that sees the file: each is made once. */
const merges = new WeakMap<Blobs, Map<string, ReturnType<typeof merge>>>();

/**
 * All changes on the file, in their order. One that does not fit waits for those after it: it may have been made on one of
 * them. `left`: places of those that fit nowhere.
 */
export async function foldChanges(
  objects: Blobs,
  base: Entry | undefined,
  changes: readonly Change[],
): Promise<{ readonly file: Entry | undefined; readonly left: readonly number[] }> {
  let file = base;
  let waiting = changes.map((_, i) => i);
  for (;;) {
    const left: number[] = [];
    for (const i of waiting) {
      const applied = await applyPatch(objects, file, changes[i] as Change);
      if (applied.ok) file = applied.value;
      else left.push(i);
    }
    if (left.length === 0 || left.length === waiting.length) return { file, left };
    waiting = left;
  }
}

async function merge(
  objects: Blobs,
  current: Entry | undefined,
  { path, before, after, order }: Change,
): Promise<Result<Entry | undefined, 'conflict'>> {
  if (sameEntry(current, before)) return ok(after);
  if (sameEntry(current, after) || sameEntry(before, after)) return ok(current);
  // Deleted on one side and changed on the other, or made by both in different ways.
  if (!current || !after) return err('conflict');
  const texts = await readTexts(objects, [current, before, after]);
  if (!texts) return err('conflict');
  const told = order && (await readTexts(objects, [order]));
  const sides = { current: texts[0], before: texts[1], after: texts[2], order: told?.[0] } as Sides;
  const merged = await mergeByFormat(path, sides);
  if (merged === undefined) return err('conflict');
  const mode = current.mode === before?.mode ? after.mode : current.mode;
  if (merged.equals(sides.current)) return ok({ mode, id: current.id });
  return ok({ mode, id: await objects.writeBlob(merged) });
}

/** The contents of plain text files, empty for none; undefined when one of them is something else. */
export async function readTexts(
  objects: Blobs,
  entries: readonly (Entry | undefined)[],
): Promise<Buffer[] | undefined> {
  const texts: Buffer[] = [];
  for (const entry of entries) {
    if (entry && !entry.mode.startsWith('100')) return undefined;
    const text = entry ? await objects.read(entry.id) : Buffer.alloc(0);
    if (!text || text.includes(0)) return undefined;
    texts.push(text);
  }
  return texts;
}

/** Whether both have the same lines, in whatever order; `essence`: what of a line says something. */
export async function hasSameLines(
  objects: Blobs,
  a: Entry | undefined,
  b: Entry | undefined,
  essence = (line: string) => line,
): Promise<boolean> {
  const texts = await readTexts(objects, [a, b]);
  const [one, other] = (texts ?? []).map((text) =>
    text.toString('latin1').split('\n').map(essence).sort().join('\n'),
  );
  return one !== undefined && one === other;
}
