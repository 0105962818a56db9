/**
 * One path pattern: what it matches, its literal start and end, and what it can overlap with. Knows no list and no
 * disk.
 */

import { escaped, type Glob, globSource, globTest } from './glob.js';
import { parseGlob } from './glob-parser.js';

export interface PathPattern {
  /** As it was written. */
  readonly text: string;
  /** The part before the first wildcard, up to its last `/`; for a plain path the whole path, without escapes. */
  readonly prefix: string;
  /** What every path that it matches begins with, and ends with. */
  readonly start: string;
  readonly end: string;
  readonly isGlob: boolean;
  /** It matches everything that begins and ends so. */
  readonly isOpen: boolean;
  matches(path: string): boolean;
}

/** Longer patterns are refused, because parsing them is expensive. */
const MOST_CHARACTERS = 1000;
/** Globs only: many tasks share one. Plain paths are as many as outputs, and quickly parsed. */
const known = new Map<string, PathPattern>();

/**
 * A pattern: a path (`src/a.ts`), a folder (`src/auth/`, the same as `src/auth/**`) or a glob (`src/**\/*.ts`).
 * Dot files match. A backslash takes the meaning from the wildcard behind it; brackets without a meaning of their own,
 * as in the routes `[slug]` and `(shop)`, need none.
 */
export function parsePattern(text: string): PathPattern {
  const cached = known.get(text);
  if (cached) return cached;
  if (isPlain(text)) return plainPattern(text, text);
  const pattern = makePattern(text);
  known.set(text, pattern);
  return pattern;
}

/** A path without anything that has a meaning in patterns. */
export function isPlain(text: string): boolean {
  return !/[*?[({\\]|\/$/.test(text);
}

function makePattern(text: string): PathPattern {
  const glob = parseGlob(text.endsWith('/') ? `${text}**` : text);
  const [first, ...more] = glob;
  if (first === undefined || (first.kind === 'text' && more.length === 0)) {
    return plainPattern(text, first?.kind === 'text' ? first.text : '');
  }
  const last = glob.at(-1);
  const start = first.kind === 'text' ? first.text : '';
  const end = last?.kind === 'text' ? last.text : '';
  const middle = glob.slice(start === '' ? 0 : 1, end === '' ? undefined : -1);
  const form = middle.map(({ kind }) => kind).join(' ');
  const isOpen = form === 'anything' || form === 'folders star';
  const test = isOpen ? () => true : middleTest(form, middle);
  const matches = (path: string) =>
    path.length >= start.length + end.length &&
    path.startsWith(start) &&
    path.endsWith(end) &&
    test(path.slice(start.length, path.length - end.length));
  const prefix = start.slice(0, start.lastIndexOf('/') + 1);
  return { text, prefix, start, end, isGlob: true, isOpen, matches };
}

/** The pattern of this one path. */
export function plainPattern(text: string, path: string): PathPattern {
  const matches = (one: string) => one === path;
  return { text, prefix: path, start: path, end: path, isGlob: false, isOpen: false, matches };
}

/** The commonest forms (`src/*.ts`, `**\/index.ts`) need no walk over the path. */
function middleTest(form: string, middle: Glob): (text: string) => boolean {
  if (form === 'star') return (text) => !text.includes('/');
  if (form === 'folders') return (text) => text === '' || text.endsWith('/');
  return globTest(middle);
}

/**
 * A regular expression for readers that have no patterns. It matches all that the pattern does; where it is not exact, more:
 * everything that begins and ends so.
 */
export function patternSource({ text, start, end, isGlob }: PathPattern): {
  readonly source: string;
  readonly isExact: boolean;
} {
  if (!isGlob) return { source: escaped(start), isExact: true };
  const source = globSource(parseGlob(text.endsWith('/') ? `${text}**` : text));
  if (source !== undefined) return { source, isExact: true };
  return { source: `${escaped(start)}[^]*${escaped(end)}`, isExact: false };
}

/**
 * Whether some path could match both. Never says no wrongly; for two globs it may say yes where in truth they miss each
 * other (those that begin or end with different plain text, such as `*.ts` and `*.md`, do not meet).
 */
export function mayOverlap(x: PathPattern, y: PathPattern): boolean {
  if (!x.isGlob) return y.matches(x.prefix);
  if (!y.isGlob) return x.matches(y.prefix);
  return (
    (x.start.startsWith(y.start) || y.start.startsWith(x.start)) &&
    (x.end.endsWith(y.end) || y.end.endsWith(x.end))
  );
}

/** Whether the first matches all that the second does. Never says yes wrongly. */
export function covers(wide: PathPattern, narrow: PathPattern): boolean {
  if (wide.text === narrow.text) return true;
  if (!narrow.isGlob) return wide.matches(narrow.prefix);
  return wide.isOpen && narrow.start.startsWith(wide.start) && narrow.end.endsWith(wide.end);
}

/** A path or pattern as people and agents read it: without the backslashes of escapes. */
export function shownPattern(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

/** Why a pattern of a spec is no path inside the project, or undefined when it is one. */
export function patternProblem(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text.length > MOST_CHARACTERS) return `has more than ${MOST_CHARACTERS} characters`;
  if (text.includes('\0')) return 'has a NUL character';
  if (/\p{Surrogate}/u.test(text)) return 'has half a character, which no file name can hold';
  if (/^(?:[^\\]|\\[^A-Za-z0-9_.-])*\\[A-Za-z0-9_.-]/.test(text))
    return 'has a backslash before a plain character: folders are written with `/`, a backslash in a name as `\\\\`';
  const path = shownPattern(text);
  if (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(text)) return 'is an absolute path';
  const parts = path.split('/');
  if (parts.includes('..')) return 'leaves the project';
  if (parts.includes('.') || parts.slice(0, -1).includes('')) return 'is not normalised (no `.` and no `//`)';
  if (parts.some((part) => part.toLowerCase() === '.git')) return 'is inside .git';
  if (parts[0] === '.conductor') return 'is inside .conductor';
  return undefined;
}
