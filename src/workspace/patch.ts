/**
 * Three-way merges of single files: applies a task's patch to a file that other people and tasks change too. Knows no
 * tasks.
 */

import { randomBytes } from 'node:crypto';
import { err, ok, type Result } from '../base/result.js';
import { mergeFile } from '../io/git/merge-file.js';
import type { GitObjects } from '../io/git/objects.js';

import { type Entry, encodeEntry, sameEntry } from '../model/tree.js';

/**
 * `current` with the change from `before` to `after` made to it. One that has it already comes back as it is. Where
 * both sides only added lines at one place both additions are kept, `current`'s first: so several tasks can register
 * themselves in one list. Anything else at one place is a conflict.
 */
export function applyPatch(
  objects: GitObjects,
  current: Entry | undefined,
  before: Entry | undefined,
  after: Entry | undefined,
): Promise<Result<Entry | undefined, 'conflict'>> {
  const known = merges.get(objects) ?? new Map<string, ReturnType<typeof merge>>();
  merges.set(objects, known);
  const key = [current, before, after].map((entry) => (entry ? encodeEntry(entry) : '')).join(' ');
  const made = known.get(key) ?? merge(objects, current, before, after);
  known.set(key, made);
  return made;
}

/** The same merge is asked for by every task that sees the file: each is made once. */
const merges = new WeakMap<GitObjects, Map<string, ReturnType<typeof merge>>>();

async function merge(
  objects: GitObjects,
  current: Entry | undefined,
  before: Entry | undefined,
  after: Entry | undefined,
): Promise<Result<Entry | undefined, 'conflict'>> {
  if (sameEntry(current, before)) return ok(after);
  if (sameEntry(current, after) || sameEntry(before, after)) return ok(current);
  // Deleted on one side and changed on the other, or made by both in different ways.
  if (!current || !after) return err('conflict');
  const isText = [current, before, after].every((entry) => !entry || entry.mode.startsWith('100'));
  if (!isText) return err('conflict');
  const texts: Buffer[] = [];
  for (const entry of [current, before, after]) {
    const text = entry ? await objects.read(entry.id) : Buffer.alloc(0);
    if (!text || text.includes(0)) return err('conflict');
    texts.push(text);
  }
  const merged = await mergeTexts(texts as [Buffer, Buffer, Buffer]);
  if (merged === undefined) return err('conflict');
  const mode = current.mode === before?.mode ? after.mode : current.mode;
  if (merged.equals(texts[0] as Buffer)) return ok({ mode, id: current.id });
  return ok({ mode, id: await objects.writeBlob(merged) });
}

/** Conflict markers get a width and labels that no file has by chance or by malice. */
const MARKER = 23;

async function mergeTexts([current, before, after]: [Buffer, Buffer, Buffer]): Promise<Buffer | undefined> {
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
