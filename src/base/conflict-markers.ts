/** Conflict markers as git writes them into a text that it could not merge: where they are, and the sides between them. */

export interface ConflictSides {
  readonly ours: string;
  readonly theirs: string;
  /** The common version; undefined where a conflict does not show it. */
  readonly base: string | undefined;
  /** Of the first marker, from 1. */
  readonly line: number;
}

const START = /^<{7}(?: .*)?\r?\n?$/;
const BASE = /^\|{7}(?: .*)?\r?\n?$/;
const MIDDLE = /^={7}\r?\n?$/;
const END = /^>{7}(?: .*)?\r?\n?$/;

/** The text as each side has it; undefined when no conflict in it is complete. */
export function conflictSides(text: string): ConflictSides | undefined {
  if (!text.includes('<<<<<<<')) return undefined;
  const all = { ours: '', theirs: '', base: '' };
  const held = { ours: '', theirs: '', base: '' };
  let part: 'none' | 'ours' | 'base' | 'theirs' = 'none';
  let raw = '';
  let start = 0;
  let first = 0;
  let hasBase = true;
  let showsBase = false;
  for (const [index, line] of text.split(/(?<=\n)/).entries()) {
    if (part === 'none') {
      if (START.test(line)) {
        part = 'ours';
        raw = line;
        start = index + 1;
        Object.assign(held, { ours: '', theirs: '', base: '' });
        showsBase = false;
      } else for (const side of ['ours', 'theirs', 'base'] as const) all[side] += line;
      continue;
    }
    raw += line;
    if (part === 'ours' && BASE.test(line)) {
      part = 'base';
      showsBase = true;
    } else if (part !== 'theirs' && MIDDLE.test(line)) part = 'theirs';
    else if (part === 'theirs' && END.test(line)) {
      for (const side of ['ours', 'theirs', 'base'] as const) all[side] += held[side];
      part = 'none';
      hasBase &&= showsBase;
      first ||= start;
    } else held[part] += line;
  }
  if (first === 0) return undefined;
  // A start without an end is text like any other.
  const rest = part === 'none' ? '' : raw;
  const { ours, theirs, base } = all;
  return { ours: ours + rest, theirs: theirs + rest, base: hasBase ? base + rest : undefined, line: first };
}
