/**
 * A table of paths and patterns with the features that they belong to. It is one text with sorted lines, which are searched without
 * being parsed: of a hundred thousand lines, a question looks at a few. Knows neither owners nor readers.
 */

import { endOfPiece, lowerBound } from '../../base/sorted/sorted-text.js';
import { mayOverlap, type PathPattern } from '../../model/paths/pattern.js';
import { patternSet } from '../../model/paths/pattern-set.js';

export interface PathRow {
  /** What every path of the row begins with; of a single path the whole. */
  readonly start: string;
  readonly feature: string;
  /** Absent: the single path. `EVERYTHING`: every path. Else a list of patterns, of which one begins so. */
  readonly list?: readonly string[] | typeof EVERYTHING;
}

export const EVERYTHING = '*';

/** The rows of a list of patterns, one for each pattern. */
export function rowsOf(list: readonly string[], feature: string): PathRow[] {
  const set = patternSet(list);
  return set.includes.flatMap(({ isGlob, prefix, start }): PathRow[] => {
    if (isGlob) return [{ start, feature, list }];
    return set.keeps(prefix) ? [{ start: prefix, feature }] : [];
  });
}

/** The lines of the rows, each once. */
export function linesOf(rows: Iterable<PathRow>): string[] {
  const lines = new Set<string>();
  for (const { start, feature, list } of rows) {
    const text = list === undefined ? '' : list === EVERYTHING ? EVERYTHING : JSON.stringify(list);
    lines.add(`${encoded(start)}\t${feature}\t${text}`);
  }
  return [...lines].sort();
}

export function tableText(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${[...lines].sort().join('\n')}\n`;
}

export class PathTable {
  private readonly text: string;
  /** Rows by where their lines begin: those of every path are asked for again and again. */
  private readonly rows = new Map<number, PathRow>();

  constructor(text: string) {
    this.text = text;
  }

  /** The rows that have the path. */
  at(path: string): PathRow[] {
    const found: PathRow[] = [];
    for (let end = 0; end <= path.length; end++) {
      const start = path.slice(0, end);
      for (const row of this.beginning(`${encoded(start)}\t`)) if (has(row, path)) found.push(row);
    }
    return found;
  }

  /** The rows that may have a path of the pattern. Never leaves one out that has. */
  meeting(pattern: PathPattern): PathRow[] {
    const found: PathRow[] = [];
    for (let end = 0; end < pattern.start.length; end++)
      found.push(...this.beginning(`${encoded(pattern.start.slice(0, end))}\t`));
    found.push(...this.beginning(encoded(pattern.start)));
    return found.filter((row) => mayMeet(row, pattern));
  }

  /** The rows of these features. Looks at every line. */
  of(features: ReadonlySet<string>): PathRow[] {
    return this.lines().flatMap((line) => (features.has(featureIn(line)) ? [rowOf(line)] : []));
  }

  /** The text of the table with other lines for these features. */
  with(features: ReadonlySet<string>, lines: readonly string[]): string {
    return tableText([...this.lines().filter((line) => !features.has(featureIn(line))), ...lines]);
  }

  private lines(): string[] {
    return this.text === '' ? [] : this.text.slice(0, -1).split('\n');
  }

  private beginning(head: string): PathRow[] {
    const found: PathRow[] = [];
    let at = lowerBound(this.text, head, { separator: '\n', from: 0, to: this.text.length });
    for (; at < this.text.length && this.text.startsWith(head, at); at = this.endOf(at))
      found.push(this.rowAt(at));
    return found;
  }

  private rowAt(begin: number): PathRow {
    const known = this.rows.get(begin);
    if (known) return known;
    const row = rowOf(this.text.slice(begin, this.endOf(begin) - 1));
    this.rows.set(begin, row);
    return row;
  }

  private endOf(begin: number): number {
    return endOfPiece(this.text, begin, '\n');
  }
}

function has({ start, list }: PathRow, path: string): boolean {
  if (list === undefined) return start === path;
  return list === EVERYTHING || patternSet(list).matches(path);
}

function mayMeet({ start, list }: PathRow, pattern: PathPattern): boolean {
  if (list === undefined) return pattern.matches(start);
  return list === EVERYTHING || patternSet(list).includes.some((one) => mayOverlap(one, pattern));
}

function featureIn(line: string): string {
  const from = line.indexOf('\t') + 1;
  return line.slice(from, line.indexOf('\t', from));
}

function rowOf(line: string): PathRow {
  const [start = '', feature = '', list = ''] = line.split('\t');
  const row = { start: decoded(start), feature };
  if (list === '') return row;
  return { ...row, list: list === EVERYTHING ? EVERYTHING : (JSON.parse(list) as string[]) };
}

/** The text begins with that of every beginning of the path, so that one is found by the other. */
function encoded(path: string): string {
  return path.replace(/[\\\t\n]/g, (letter) => ESCAPES[letter] as string);
}

function decoded(text: string): string {
  return text.replace(/\\[\\tn]/g, (found) => LETTERS[found] as string);
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n' };
const LETTERS: Readonly<Record<string, string>> = { '\\\\': '\\', '\\t': '\t', '\\n': '\n' };
