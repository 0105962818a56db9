/** The part of an edited file that is one task's own. Knows no other task. */

import { ownValue } from '../../base/records/own-value.js';
import { type LineHunk, lineHunks, linesOf } from '../../io/text-diff.js';
import type { EditPatch, FileChange } from '../../model/action.js';
import type { TaskRun } from '../../model/task-run.js';
import { decodeEntry, type Entry, sameEntry } from '../../model/tree.js';
import { applyPatch, type Blobs, hasSameLines, readTexts } from './patch.js';

/** The patches of a run from what it changed in its workspace (`captured`), without the patches of others. */
export async function patchesOf(
  objects: Blobs,
  { edits, editBases, editSides }: Pick<TaskRun, 'edits' | 'editBases' | 'editSides'>,
  captured: readonly FileChange[],
): Promise<EditPatch[]> {
  const found: EditPatch[] = [];
  for (const path of edits) {
    const seen = captured.find((edit) => edit.path === path);
    const sides = ownValue(editSides, path);
    const base = entryOf(ownValue(editBases, path));
    if (!sides) {
      if (seen && !sameEntry(seen.before, seen.after)) found.push({ ...seen, base });
      continue;
    }
    const [plain, beside, shown] = [sides.plain, sides.beside, sides.shown].map(entryOf);
    const change = await ownChange(
      objects,
      { path, before: plain, after: seen ? seen.after : shown },
      beside,
    );
    if (!sameEntry(change.before, change.after)) found.push({ ...change, base });
  }
  return found;
}

function entryOf(word: string | undefined): Entry | undefined {
  return word ? decodeEntry(word) : undefined;
}

/**
 * The change from the plain file, where the one that was made on `beside` can be taken apart from what others have put
 * there. Where a task has changed lines of others, its change stays one of the file with these lines.
 */
async function ownChange(
  objects: Blobs,
  { path, before: plain, after }: FileChange,
  beside: Entry | undefined,
): Promise<FileChange> {
  const whole = { path, before: beside, after };
  if (sameEntry(plain, beside)) return whole;
  // Only the others' patches are in it.
  if (sameEntry(after, beside)) return { path, before: plain, after: plain };
  const own = await withoutOthers(objects, whole, plain);
  if (!own) return whole;
  const change = { path, before: plain, after: own };
  const together = await applyPatch(objects, beside, change);
  return together.ok && (await hasSameLines(objects, together.value, after)) ? change : whole;
}

/** `after` without what leads from `plain` to `before`; undefined where both touch the same lines. */
async function withoutOthers(
  objects: Blobs,
  { path, before, after }: FileChange,
  plain: Entry | undefined,
): Promise<Entry | undefined> {
  const taken = await applyPatch(objects, after, { path, before, after: plain });
  if (taken.ok) return taken.value;
  const texts = after && (await readTexts(objects, [after, before, plain]));
  if (!after || !texts) return undefined;
  const [full, seen, bare] = texts.map((text) => text.toString('latin1')) as [string, string, string];
  const text = withoutHunks(seen, lineHunks(seen, full), lineHunks(seen, bare));
  return text === undefined
    ? undefined
    : { mode: after.mode, id: await objects.writeBlob(Buffer.from(text, 'latin1')) };
}

/** Both lists of changes made to one text; undefined where they overlap. Touching is allowed: what one adds stands beside. */
function withoutHunks(
  text: string,
  ours: readonly LineHunk[],
  theirs: readonly LineHunk[],
): string | undefined {
  if (ours.some((a) => theirs.some((b) => overlap(a, b)))) return undefined;
  const lines = linesOf(text);
  // An insertion in front of lines that go stays in front of them; one behind them stays behind.
  const all = [...ours, ...theirs].sort((a, b) => b.start - a.start || b.end - a.end);
  for (const { start, end, lines: put } of all) lines.splice(start, end - start, ...put);
  return lines.join('');
}

/** Whether both change the same lines, or add lines at one place. */
function overlap(a: LineHunk, b: LineHunk): boolean {
  const isOnePlace = a.start === b.start && a.start === a.end && b.start === b.end;
  return isOnePlace || (a.start < b.end && b.start < a.end);
}
