/** A person's change of a file with patches, line by line: what stands beside the patches, and what changes their lines. */

import { type LineHunk, lineHunks, linesOf } from '../../io/text-diff.js';
import { splitByOwner } from './split-hunks.js';
import { isTelling } from './standing-lines.js';

/** What one task changed in the file. */
export interface PatchText {
  readonly task: string;
  readonly before: string;
  readonly after: string;
}

/** Lines that patches put in, or took away, and what a person made of them. */
export interface TouchedLines {
  /** The tasks of these patches, in their order; none where nothing tells whose lines they are. */
  readonly tasks: readonly string[];
  readonly was: readonly string[];
  readonly now: readonly string[];
}

export interface HandChange {
  readonly touched: readonly TouchedLines[];
  /** The file as people wrote it with the patches of these tasks alone, as the person left them. */
  textWith(tasks: ReadonlySet<string>): string;
  /** The file with all patches as they were, and with what the person changed beside them. */
  readonly reverted: string;
}

export interface PatchedTexts {
  /** As people wrote it. */
  readonly before: string;
  /** With all patches. */
  readonly merged: string;
  /** As the person left it. */
  readonly now: string;
  /** In the order in which they are put on the file. */
  readonly patches: readonly PatchText[];
}

/** Whose a line is: of people when undefined. */
type Owner = string | undefined;
const UNKNOWN = '';

interface PatchedLines {
  readonly lines: readonly string[];
  readonly owners: readonly Owner[];
  /** Lines of one number were put in together: what stands between them stands in a patch. */
  readonly blocks: readonly (number | undefined)[];
  /** Lines that patches took away, by the place in `lines` in front of which they stood. */
  readonly gone: readonly { readonly at: number; readonly line: string; readonly owner: string }[];
}

type Hunk = LineHunk & { readonly owners: ReadonlySet<string> };

export function handChange({ before, merged, now, patches }: PatchedTexts): HandChange {
  const patched = patchedLines(before, merged, patches);
  const order = patches.map(({ task }) => task);
  const hunks = lineHunks(merged, now)
    .flatMap((hunk) => splitByOwner(hunk, patched.lines, patched.owners))
    .map((hunk) => ({ ...hunk, owners: ownersOf(patched, hunk) }));
  const touched = hunks
    .filter(({ owners }) => owners.size > 0)
    .map(({ start, end, lines, owners }) => ({
      tasks: order.filter((task) => owners.has(task)),
      was: patched.lines.slice(start, end),
      now: lines,
    }));
  // A change of the lines of several tasks goes to the last of them.
  const takerOf = ({ owners }: Hunk) => order.findLast((task) => owners.has(task));
  const isTaken = (hunk: Hunk, tasks: ReadonlySet<string>) =>
    hunk.owners.size === 0 || tasks.has(takerOf(hunk) ?? UNKNOWN);
  return {
    touched,
    textWith: (tasks) =>
      assembled(patched, hunks, {
        shows: (owner) => owner === undefined || tasks.has(owner),
        applies: (hunk) => isTaken(hunk, tasks),
        removes: (hunk, owner) => owner !== undefined || isTaken(hunk, tasks),
      }),
    reverted: assembled(patched, hunks, {
      shows: () => true,
      applies: ({ owners }) => owners.size === 0,
      removes: ({ owners }) => owners.size === 0,
    }),
  };
}

interface Assembly {
  shows(owner: Owner): boolean;
  /** Whether the lines that the person wrote are there. */
  applies(hunk: Hunk): boolean;
  /** Whether a line of this owner, which the person took away, is gone. */
  removes(hunk: Hunk, owner: Owner): boolean;
}

function assembled(
  { lines, owners, gone }: PatchedLines,
  hunks: readonly Hunk[],
  { shows, applies, removes }: Assembly,
): string {
  const out: string[] = [];
  let next = 0;
  let inside: Hunk | undefined;
  for (let at = 0; at <= lines.length; at++) {
    if (inside && inside.end <= at) inside = undefined;
    for (let hunk = hunks[next]; hunk?.start === at; hunk = hunks[++next]) {
      if (applies(hunk)) out.push(...hunk.lines);
      if (hunk.end > at) inside = hunk;
    }
    for (const one of gone) if (one.at === at && !shows(one.owner)) out.push(one.line);
    const line = lines[at];
    if (line === undefined) continue;
    const owner = owners[at];
    if (shows(owner) && !(inside && removes(inside, owner))) out.push(line);
  }
  return out.join('');
}

/** Whose lines a change of the file with all patches concerns. */
function ownersOf({ lines, owners, blocks, gone }: PatchedLines, hunk: LineHunk): Set<string> {
  const { start, end } = hunk;
  const found = new Set<string>();
  for (let at = start; at < end; at++) {
    const owner = owners[at];
    if (owner !== undefined && at < lines.length) found.add(owner);
  }
  const isInside = start === end && start > 0 && blocks[start] !== undefined;
  if (isInside && blocks[start - 1] === blocks[start]) found.add(owners[start] ?? UNKNOWN);
  const put = new Set(hunk.lines.filter(isTelling).map((line) => line.trim()));
  for (const { at, line, owner } of gone) {
    const isBack = start <= at && at <= end && put.has(line.trim());
    if (isBack || (start < at && at < end)) found.add(owner);
  }
  return found;
}

/** Tells the lines of the patches apart, by what each of them puts in and takes away. */
function patchedLines(before: string, merged: string, patches: readonly PatchText[]): PatchedLines {
  const old = linesOf(before);
  const lines = linesOf(merged);
  const owners: Owner[] = lines.map(() => undefined);
  const blocks: (number | undefined)[] = lines.map(() => undefined);
  const gone: { at: number; line: string; owner: string }[] = [];
  let shift = 0;
  let block = 0;
  const zones: { from: number; to: number }[] = [];
  for (const { start, end, lines: put } of lineHunks(before, merged)) {
    const from = start + shift;
    const to = from + put.length;
    shift += put.length - (end - start);
    zones.push({ from, to });
    for (const line of old.slice(start, end)) gone.push({ at: from, line, owner: UNKNOWN });
    block++;
    for (let at = from; at < to; at++) {
      owners[at] = UNKNOWN;
      blocks[at] = block;
    }
  }
  for (const { task, before: from, after } of patches) {
    const seen = linesOf(from);
    for (const hunk of lineHunks(from, after)) {
      const at = freePlace(lines, owners, hunk.lines);
      block++;
      for (let i = 0; at !== undefined && i < hunk.lines.length; i++) {
        owners[at + i] = task;
        blocks[at + i] = block;
      }
      for (const line of seen.slice(hunk.start, hunk.end)) {
        const one = gone.find((other) => other.owner === UNKNOWN && other.line === line);
        if (one) one.owner = task;
      }
    }
  }
  for (const { from, to } of zones) {
    // Lines that were put together with others (one import of two names, say) are those of a task beside them.
    const own = owners.slice(from, to).find((owner) => owner !== UNKNOWN) ?? patches.at(-1)?.task ?? UNKNOWN;
    for (let at = from; at < to; at++) {
      if (owners[at] !== UNKNOWN) continue;
      owners[at] = (at > from ? owners[at - 1] : undefined) ?? own;
    }
    for (const one of gone) if (one.at === from && one.owner === UNKNOWN) one.owner = own;
  }
  return { lines, owners, blocks, gone };
}

/** Where the lines stand together among those that patches put in and that are nobody's yet. */
function freePlace(
  lines: readonly string[],
  owners: readonly Owner[],
  put: readonly string[],
): number | undefined {
  if (put.length === 0) return undefined;
  for (let at = 0; at + put.length <= lines.length; at++)
    if (put.every((line, i) => lines[at + i] === line && owners[at + i] === UNKNOWN)) return at;
  return undefined;
}
