/** A list of path patterns with excludes, in order: the type of every list of paths in specs and the config. */

import type { Listing } from '../tree.js';
import { covers, isPlain, mayOverlap, type PathPattern, parsePattern } from './pattern.js';

interface Member {
  readonly pattern: PathPattern;
  readonly isExclude: boolean;
}

const NO_MEMBERS: readonly Member[] = [];
const NO_PATTERNS: readonly PathPattern[] = [];

/** `!src/a.test.ts` takes away; `!(a|b).ts` is a glob of its own, `\!a` a name. */
export function isExclude(text: string): boolean {
  return text.startsWith('!') && text[1] !== '(';
}

/** The pattern itself, without the `!` that makes it an exclude. */
export function excludedText(text: string): string {
  return isExclude(text) ? text.slice(1) : text;
}

/** The last member that matches a path decides whether the set has it. Without a member that matches, it has not. */
export class PatternSet {
  /** Without the excludes. */
  readonly includes: readonly PathPattern[];
  readonly excludes: readonly PathPattern[];
  /** In order; only of a set with excludes. */
  private readonly members: readonly Member[] = NO_MEMBERS;

  constructor(texts: readonly string[]) {
    const patterns = texts.map((text) => parsePattern(excludedText(text)));
    if (!texts.some(isExclude)) {
      this.includes = patterns;
      this.excludes = NO_PATTERNS;
      return;
    }
    this.members = patterns.map((pattern, i) => ({ pattern, isExclude: isExclude(texts[i] as string) }));
    this.includes = this.members.filter((one) => !one.isExclude).map(({ pattern }) => pattern);
    this.excludes = this.members.filter((one) => one.isExclude).map(({ pattern }) => pattern);
  }

  matches(path: string): boolean {
    if (this.excludes.length === 0) return this.includes.some((pattern) => pattern.matches(path));
    return this.members.findLast(({ pattern }) => pattern.matches(path))?.isExclude === false;
  }

  /** Whether the set has a path that one of its includes is known to match. */
  keeps(path: string): boolean {
    return this.excludes.length === 0 || this.matches(path);
  }

  /** What the set has of the paths that one of its includes matches, in byte order. */
  selectBy(include: PathPattern, listing: Listing): string[] {
    const candidates = include.isGlob ? listing.under(include.prefix) : [include.prefix];
    return candidates.filter(
      (path) =>
        include.matches(path) && this.keeps(path) && (include.isGlob || listing.get(path) !== undefined),
    );
  }

  /** The paths of a listing that the set has, each once, in byte order by include. */
  select(listing: Listing): string[] {
    return [...new Set(this.includes.flatMap((include) => this.selectBy(include, listing)))];
  }

  /** The files that are named without wildcards. */
  plainPaths(): string[] {
    return this.includes.flatMap(({ isGlob, prefix }) => (isGlob || !this.keeps(prefix) ? [] : [prefix]));
  }

  /** The includes that match none of the paths, as they were written. */
  unmatched(paths: Iterable<string>): string[] {
    const all = new Set(paths);
    return this.includes
      .filter(({ isGlob, prefix }) => isGlob || this.keeps(prefix))
      .filter((one) => !(one.isGlob ? [...all].some((path) => one.matches(path)) : all.has(one.prefix)))
      .map(({ text }) => text);
  }

  /** Whether a pattern may match a path of the set. Never says no wrongly. */
  mayMeet(pattern: PathPattern): boolean {
    if (this.excludes.length === 0) return this.includes.some((one) => mayOverlap(one, pattern));
    let isMet = false;
    for (const member of this.members) {
      if (!member.isExclude) isMet ||= mayOverlap(member.pattern, pattern);
      else if (covers(member.pattern, pattern)) isMet = false;
    }
    return isMet;
  }
}

const known = new WeakMap<readonly string[], PatternSet>();

const EMPTY = new PatternSet([]);

/** The set of a list, made once for each list. That of a single path is not kept: most tasks have one, and it is quickly made. */
export function patternSet(texts: readonly string[]): PatternSet {
  const [first] = texts;
  if (first === undefined) return EMPTY;
  if (texts.length === 1 && isPlain(first) && !isExclude(first)) return new PatternSet(texts);
  let set = known.get(texts);
  if (!set) {
    set = new PatternSet(texts);
    known.set(texts, set);
  }
  return set;
}
