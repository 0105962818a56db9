/**
 * Three-way merges of single files: applies a task's patch to a file that other people and tasks change too. Knows no
 * tasks.
 */

import { randomBytes } from 'node:crypto';
import { err, ok, type Result } from '../../base/result.js';
import { mergeFile } from '../../io/git/merge-file.js';
import type { GitObjects } from '../../io/git/objects.js';
import { type Entry, encodeEntry, sameEntry } from '../../model/tree.js';

/** The three texts of a merge. */
interface Sides {
  readonly current: Buffer;
  readonly before: Buffer;
  readonly after: Buffer;
}

/** A change of one file, to be made to what the file is now. */
export interface Change {
  readonly path: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/**
 * `current` with the change made to it. One that has it already comes back as it is. Where both sides only added lines at
 * one place both additions are kept, `current`'s first: so several tasks can register themselves in one list. Anything
 * else at one place is a conflict.
 */
export function applyPatch(
  objects: GitObjects,
  current: Entry | undefined,
  change: Change,
): Promise<Result<Entry | undefined, 'conflict'>> {
  const known = merges.get(objects) ?? new Map<string, ReturnType<typeof merge>>();
  merges.set(objects, known);
  const words = [current, change.before, change.after].map((entry) => (entry ? encodeEntry(entry) : ''));
  const key = words.join(' ');
  const made = known.get(key) ?? merge(objects, current, change);
  known.set(key, made);
  return made;
}

/** The same merge is asked for by every task that sees the file: each is made once. */
const merges = new WeakMap<GitObjects, Map<string, ReturnType<typeof merge>>>();

/**
 * All changes on the file, in their order. One that does not fit waits for those after it: it may have been made on one of
 * them. `left`: places of those that fit nowhere.
 */
export async function foldChanges(
  objects: GitObjects,
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
  objects: GitObjects,
  current: Entry | undefined,
  { before, after }: Change,
): Promise<Result<Entry | undefined, 'conflict'>> {
  if (sameEntry(current, before)) return ok(after);
  if (sameEntry(current, after) || sameEntry(before, after)) return ok(current);
  // Deleted on one side and changed on the other, or made by both in different ways.
  if (!current || !after) return err('conflict');
  const texts = await readTexts(objects, [current, before, after]);
  if (!texts) return err('conflict');
  const sides = { current: texts[0], before: texts[1], after: texts[2] } as Sides;
  const merged = await mergeTexts(sides);
  if (merged === undefined) return err('conflict');
  const mode = current.mode === before?.mode ? after.mode : current.mode;
  if (merged.equals(sides.current)) return ok({ mode, id: current.id });
  return ok({ mode, id: await objects.writeBlob(merged) });
}

/** The contents of plain text files, empty for none; undefined when one of them is something else. */
export async function readTexts(
  objects: GitObjects,
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

/** Conflict markers get a width and labels that no file has by chance or by malice. */
const MARKER = 23;

async function mergeTexts({ current, before, after }: Sides): Promise<Buffer | undefined> {
  const tag = randomBytes(12).toString('hex');
  const { text, conflicts } = await mergeFile(current, before, after, {
    labels: [`${tag}-ours`, `${tag}-base`, `${tag}-theirs`],
    size: MARKER,
  });
  return conflicts === 0 ? text : joinInsertions(text, tag);
}

/** Both sides of every conflict whose base is empty; undefined when some conflict is more than two insertions. */
function joinInsertions(merged: Buffer, tag: string): Buffer | undefined {
  // Latin-1 keeps every byte as one character, whatever the encoding of the file is.
  const lines = merged.toString('latin1').split(/(?<=\n)/);
  const out: string[] = [];
  let side: 'none' | 'ours' | 'base' | 'theirs' = 'none';
  let ours: string[] = [];
  let theirs: string[] = [];
  const marks = (line: string, character: string, label: string) =>
    line.startsWith(character.repeat(MARKER)) && line.includes(`${tag}-${label}`);
  for (const line of lines) {
    if (side === 'none' && marks(line, '<', 'ours')) {
      side = 'ours';
      ours = [];
      theirs = [];
    } else if (side === 'ours' && marks(line, '|', 'base')) {
      side = 'base';
    } else if (side === 'base') {
      if (line.replace(/\r?\n$/, '') !== '='.repeat(MARKER)) return undefined;
      side = 'theirs';
    } else if (side === 'theirs' && marks(line, '>', 'theirs')) {
      out.push(...ours, ...withoutContained(theirs, ours));
      side = 'none';
    } else if (side === 'ours') ours.push(line);
    else if (side === 'theirs') theirs.push(line);
    else out.push(line);
  }
  return side === 'none' ? Buffer.from(out.join(''), 'latin1') : undefined;
}

/** The same insertion on both sides is one. What they share at their ends git has set apart already. */
function withoutContained(lines: readonly string[], other: readonly string[]): readonly string[] {
  if (lines.length === other.length && lines.every((line, i) => other[i] === line)) return [];
  const last = other.at(-1);
  // A file without a newline at its end: the next insertion starts a line of its own.
  return last !== undefined && !last.endsWith('\n') ? ['\n', ...lines] : lines;
}
