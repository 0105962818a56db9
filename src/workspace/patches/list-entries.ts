/** Finds entries that a merged list has twice: of dependencies, of imports, of patterns. Knows no merge. */

import { linesOf } from '../../io/text-diff.js';
import type { Sides } from './line-merge.js';

/** How the entries of a list are told apart. */
export type ListKind = 'toml' | 'go-mod' | 'go' | 'requirements' | 'ignore';

/**
 * The merged text without the second of two equal entries; undefined where two entries of one name say different things. What
 * one side alone has twice stays.
 */
export function withoutDoubles(
  kind: ListKind,
  { current, after }: Sides,
  merged: Buffer,
): Buffer | undefined {
  const lines = linesOf(merged.toString('latin1'));
  const names = namesOf(kind, lines);
  const [ours, theirs] = [current, after].map((side) =>
    counts(namesOf(kind, linesOf(side.toString('latin1')))),
  );
  const first = new Map<string, number>();
  const kept: string[] = [];
  for (const [i, line] of lines.entries()) {
    const name = names[i];
    const before = name === undefined ? undefined : first.get(name);
    if (name !== undefined) first.set(name, before ?? i);
    const isDouble =
      name !== undefined &&
      before !== undefined &&
      (ours?.get(name) ?? 0) <= 1 &&
      (theirs?.get(name) ?? 0) <= 1;
    if (!isDouble) kept.push(line);
    // Without its header a table's keys would be those of another one.
    else if (name.startsWith('[') || plain(lines[before] as string) !== plain(line)) return undefined;
  }
  return kept.length === lines.length ? merged : Buffer.from(kept.join(''), 'latin1');
}

/** A comma at the end depends on the place in the list. */
function plain(line: string): string {
  return line.trim().replace(/,$/, '');
}

function counts(names: readonly (string | undefined)[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const name of names) if (name !== undefined) found.set(name, (found.get(name) ?? 0) + 1);
  return found;
}

/** The name of the entry on each line; undefined for lines without one. */
function namesOf(kind: ListKind, lines: readonly string[]): (string | undefined)[] {
  switch (kind) {
    case 'toml':
      return tomlNames(lines);
    case 'go-mod':
      return blockNames(lines, /^(require|replace|exclude|retract)\s*\(/, /^\s*([^\s()/][^\s]*)\s+\S/);
    case 'go':
      return blockNames(lines, /^(import)\s*\(/, /^\s*((?:[\w.]+\s+)?"[^"]+")/);
    case 'requirements':
      return lines.map((line) =>
        /^([A-Za-z0-9][\w.-]*)/.exec(line)?.[1]?.toLowerCase().replace(/[_.]/g, '-'),
      );
    case 'ignore':
      return lines.map((line) => (/^\s*(#|$)/.test(line) ? undefined : line.trim()));
  }
}

function blockNames(lines: readonly string[], start: RegExp, entry: RegExp): (string | undefined)[] {
  let block: string | undefined;
  return lines.map((line) => {
    const opened = start.exec(line)?.[1];
    if (opened !== undefined) block = opened;
    else if (/^\)/.test(line)) block = undefined;
    else if (block !== undefined) {
      const name = entry.exec(line)?.[1];
      return name === undefined ? undefined : `${block} ${name}`;
    }
    return undefined;
  });
}

/** Keys by their table, and requirements in lists by the name of the package. */
function tomlNames(lines: readonly string[]): (string | undefined)[] {
  let table = '';
  let tables = 0;
  let list: string | undefined;
  let inText: string | undefined;
  return lines.map((line) => {
    if (inText !== undefined) {
      if (line.includes(inText)) inText = undefined;
      return undefined;
    }
    const quote = /"""|'''/.exec(line)?.[0];
    if (quote !== undefined && line.split(quote).length % 2 === 0) inText = quote;
    if (list !== undefined) {
      const name = /^\s*["']([A-Za-z0-9_.-]+)/.exec(line)?.[1];
      const entry = name === undefined ? undefined : `${table} ${list} ${name.toLowerCase()}`;
      // The bracket may stand behind the last entry.
      if (bare(line).includes(']')) list = undefined;
      return entry;
    }
    const header = /^\s*(\[\[?)([^\]]+)\]/.exec(line);
    if (header) {
      // Each table of an array of tables has keys of its own.
      table = header[1] === '[[' ? `${header[2]} ${tables++}` : `${header[2]}`.trim();
      return header[1] === '[[' ? undefined : `[${table}]`;
    }
    const key = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"))*)\s*=\s*(.*)$/.exec(
      line.trimEnd(),
    );
    if (!key) return undefined;
    if (/^\[[^\]]*$/.test(bare(key[2] as string))) list = key[1];
    return `${table} ${key[1]}`;
  });
}

/** A line of TOML without its texts and its comment. */
function bare(line: string): string {
  return line.replace(/"(?:[^"\\]|\\.)*"|'[^']*'|#.*/g, '');
}
