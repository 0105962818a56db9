/** Path patterns of specs: what they match, what they can meet. The door of picomatch; knows no disk. */

import picomatch from 'picomatch';
import type { Listing } from './tree.js';

export interface PathPattern {
  readonly text: string;
  /** The part before the first wildcard, up to its last `/`; for a plain path the whole path. */
  readonly prefix: string;
  readonly isGlob: boolean;
  matches(path: string): boolean;
}

const GLOB = /[*?[\]{}()!]/;
const known = new Map<string, PathPattern>();

/**
 * A pattern: a path (`src/a.ts`), a folder (`src/auth/`, the same as `src/auth/**`) or a glob (`src/**\/*.ts`).
 * Dot files match; brackets in a path that is meant literally are written `\\[`.
 */
export function parsePattern(text: string): PathPattern {
  const cached = known.get(text);
  if (cached) return cached;
  const pattern = makePattern(text);
  known.set(text, pattern);
  return pattern;
}

function makePattern(text: string): PathPattern {
  const glob = text.endsWith('/') ? `${text}**` : text;
  if (!GLOB.test(glob)) return { text, prefix: glob, isGlob: false, matches: (path) => path === glob };
  const plain = glob.slice(0, glob.search(GLOB)).replace(/\\$/, '');
  const prefix = plain.slice(0, plain.lastIndexOf('/') + 1);
  const rest = glob.slice(prefix.length);
  // The commonest forms need no regular expression.
  if (rest === '**') return { text, prefix, isGlob: true, matches: (path) => path.startsWith(prefix) };
  const test = picomatch(glob, { dot: true, nonegate: true });
  return { text, prefix, isGlob: true, matches: (path) => path.startsWith(prefix) && test(path) };
}

export function matchesAny(patterns: readonly string[], path: string): boolean {
  return patterns.some((text) => parsePattern(text).matches(path));
}

/** The paths of a listing that any of the patterns matches, each once, in byte order per pattern. */
export function selectPaths(listing: Listing, patterns: readonly string[]): string[] {
  const found = new Set<string>();
  for (const text of patterns) {
    const pattern = parsePattern(text);
    if (!pattern.isGlob) {
      if (listing.get(pattern.prefix)) found.add(pattern.prefix);
      continue;
    }
    for (const path of listing.under(pattern.prefix)) if (pattern.matches(path)) found.add(path);
  }
  return [...found];
}

/**
 * Whether some path could match both. Never says no wrongly; for two globs under one folder it may say yes where
 * in truth they miss each other (two globs with different plain endings, such as `*.ts` and `*.md`, do not meet).
 */
export function mayOverlap(a: string, b: string): boolean {
  const x = parsePattern(a);
  const y = parsePattern(b);
  if (!x.isGlob && !y.isGlob) return x.prefix === y.prefix;
  if (!x.isGlob) return y.matches(x.prefix);
  if (!y.isGlob) return x.matches(y.prefix);
  if (!x.prefix.startsWith(y.prefix) && !y.prefix.startsWith(x.prefix)) return false;
  const endX = plainEnding(x.text);
  const endY = plainEnding(y.text);
  return endX.endsWith(endY) || endY.endsWith(endX);
}

/** What every path that a glob matches ends with. */
function plainEnding(text: string): string {
  if (text.endsWith('/')) return '';
  const tail = text.slice(text.lastIndexOf('/') + 1);
  const last = Math.max(...['*', '?', '[', ']', '{', '}', '(', ')', '!'].map((c) => tail.lastIndexOf(c)));
  return tail.slice(last + 1);
}

/** Why a pattern of a spec is no path inside the project, or undefined when it is one. */
export function patternProblem(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text.includes('\0')) return 'has a NUL character';
  if (text.startsWith('/') || /^[A-Za-z]:[\\/]/.test(text)) return 'is an absolute path';
  const parts = text.split('/');
  if (parts.includes('..')) return 'leaves the project';
  if (parts.includes('.') || parts.slice(0, -1).includes(''))
    return 'is not in its plain form (no `.` and no `//`)';
  if (parts.some((part) => part.toLowerCase() === '.git')) return 'is inside .git';
  if (parts[0] === '.conductor') return 'is inside .conductor';
  return undefined;
}

/** Those of the patterns that match none of the paths. */
export function unmatched(patterns: readonly string[], paths: Iterable<string>): string[] {
  const all = new Set(paths);
  return patterns.filter((text) => {
    const pattern = parsePattern(text);
    if (!pattern.isGlob) return !all.has(pattern.prefix);
    return ![...all].some((path) => pattern.matches(path));
  });
}
