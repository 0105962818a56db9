/** Takes a patch out of a file in which people changed lines beside it, by looking for the lines that it put in. */

import { type LineHunk, lineHunks } from '../../io/text-diff.js';
import type { Entry } from '../../model/tree.js';
import { applyPatch, type Blobs, type Change, readTexts } from './patch.js';

/**
 * `onDisk` without the patch that led from `before` to `after`. Undefined when its lines do not all stand there once and in
 * their order, or when to put it on again would give another file with the same lines: then a person has changed its place.
 */
export async function takenOut(objects: Blobs, onDisk: Entry, patch: Change): Promise<Entry | undefined> {
  const texts = await readTexts(objects, [onDisk, patch.before, patch.after]);
  if (!texts) return undefined;
  const [now, before, after] = texts.map((text) => text.toString('latin1')) as [string, string, string];
  const text = withoutLines(now, linesOf(before), lineHunks(before, after));
  if (text === undefined) return undefined;
  const entry = { mode: onDisk.mode, id: await objects.writeBlob(Buffer.from(text, 'latin1')) };
  const again = await applyPatch(objects, entry, patch);
  return !again.ok || again.value?.id === onDisk.id ? entry : undefined;
}

function withoutLines(
  text: string,
  before: readonly string[],
  hunks: readonly LineHunk[],
): string | undefined {
  const lines = linesOf(text);
  const kept: string[] = [];
  let from = 0;
  for (const hunk of hunks) {
    const at = placeOf(lines, hunk.lines, from);
    // Lines that the patch only took away cannot be found; lines that stand there twice may be a person's.
    if (hunk.lines.length === 0 || at === undefined || placeOf(lines, hunk.lines, at + 1) !== undefined)
      return undefined;
    kept.push(...lines.slice(from, at), ...before.slice(hunk.start, hunk.end));
    from = at + hunk.lines.length;
  }
  return [...kept, ...lines.slice(from)].join('');
}

function placeOf(lines: readonly string[], block: readonly string[], from: number): number | undefined {
  for (let at = from; at + block.length <= lines.length; at++)
    if (block.every((line, i) => lines[at + i] === line)) return at;
  return undefined;
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}
