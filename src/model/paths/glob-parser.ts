/** Parses the text of a glob: which characters are wildcards, and which are literal. */

import { ownValue } from '../../base/records/own-value.js';
import type { Glob, GlobPart, GroupTimes } from './glob.js';

/** More members of `{1..900}` are not written out. */
const MOST_IN_RANGE = 1000;
const ROUTE_NAME = String.raw`(?:\.\.\.)?[A-Za-z_]\w+(?:-\w+)*(?:=\w+)?`;

/**
 * Brackets that are a whole name, or its beginning before a dot, and hold the name of a parameter, as routes in Next.js,
 * SvelteKit and Astro do: `[slug]`, `[...rest]`, `[[lang]]`, `[id].ts`. They are plain text and no set of letters.
 */
const ROUTE = new RegExp(String.raw`^(?:\[${ROUTE_NAME}\]|\[\[${ROUTE_NAME}\]\])(?=[./]|$)`);

/** `atName`: a name begins where the text begins. */
export function parseGlob(text: string, atName = true): Glob {
  const parts: GlobPart[] = [];
  let plain = '';
  let isNameStart = atName;
  const closing = closingBrackets(text);
  for (let at = 0; at < text.length; ) {
    const token = specialAt({ text, at, isNameStart, closing }) ?? plainAt(text, at);
    at = token.end;
    if ('plain' in token) plain += token.plain;
    else {
      if (plain !== '') parts.push({ kind: 'text', text: plain });
      plain = '';
      parts.push(token.part);
    }
    isNameStart = 'plain' in token ? token.plain.endsWith('/') : token.part.kind === 'folders';
  }
  if (plain !== '') parts.push({ kind: 'text', text: plain });
  return parts;
}

/** A glob that matches the text literally. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]{}()!+@\\|]/g, '\\$&');
}

type Token =
  | { readonly plain: string; readonly end: number }
  | { readonly part: GlobPart; readonly end: number };

function plainAt(text: string, at: number): Token {
  const isEscape = text[at] === '\\' && at + 1 < text.length;
  return isEscape
    ? { plain: text[at + 1] as string, end: at + 2 }
    : { plain: text[at] as string, end: at + 1 };
}

interface Place {
  readonly text: string;
  readonly at: number;
  /** Whether a name begins here. */
  readonly isNameStart: boolean;
  readonly closing: ReadonlyMap<number, number>;
}

/** The token where a wildcard starts; undefined for a literal character. */
function specialAt(place: Place): Token | undefined {
  const { text, at, isNameStart, closing } = place;
  const char = text[at] as string;
  const close = '?*+@!'.includes(char) && text[at + 1] === '(' ? closing.get(at + 1) : undefined;
  if (close !== undefined) {
    const choices = choicesOf(text.slice(at + 2, close), '|', isNameStart);
    if (char === '!') return { part: { kind: 'except', choices }, end: close + 1 };
    return { part: { kind: 'group', choices, times: char as GroupTimes }, end: close + 1 };
  }
  switch (char) {
    case '*':
      return starsAt(place);
    case '?':
      return { part: { kind: 'one', accepts: () => true }, end: at + 1 };
    case '[':
      return setAt(place);
    case '{':
    case '(':
      return choiceAt(place);
    default:
      return undefined;
  }
}

function starsAt({ text, at, isNameStart }: Place): Token {
  let end = at + 1;
  while (text[end] === '*' && text[end + 1] !== '(') end++;
  if (end - at === 2 && isNameStart) {
    if (text[end] === '/') return { part: { kind: 'folders' }, end: end + 1 };
    if (end === text.length) return { part: { kind: 'anything' }, end };
  }
  return { part: { kind: 'star' }, end };
}

/** `{a,b}`, `{1..3}` and `(a|b)`. Brackets without a choice in them, as in `app/(shop)/page.tsx`, are plain text. */
function choiceAt({ text, at, isNameStart, closing }: Place): Token | undefined {
  const close = closing.get(at);
  if (close === undefined) return undefined;
  const inner = text.slice(at + 1, close);
  const choices = choicesOf(inner, text[at] === '{' ? ',' : '|', isNameStart);
  const range = text[at] === '{' && choices.length === 1 ? rangeOf(inner) : undefined;
  if (choices.length === 1 && !range) return undefined;
  const members = range?.map((one): Glob => [{ kind: 'text', text: one }]) ?? choices;
  return { part: { kind: 'group', choices: members, times: '@' }, end: close + 1 };
}

function setAt({ text, at, isNameStart }: Place): Token | undefined {
  const route = isNameStart ? ROUTE.exec(text.slice(at)) : null;
  if (route) return { plain: route[0], end: at + route[0].length };
  const set = parseSet(text, at);
  if (!set) return undefined;
  // A file whose name has these very brackets is meant as well.
  const itself: Glob = [{ kind: 'text', text: text.slice(at, set.end) }];
  const choices: Glob[] = [[{ kind: 'one', accepts: set.accepts }], itself];
  return { part: { kind: 'group', choices, times: '@' }, end: set.end };
}

function choicesOf(inner: string, separator: string, isNameStart: boolean): Glob[] {
  const closing = closingBrackets(inner);
  const choices: Glob[] = [];
  let from = 0;
  for (let at = 0; at <= inner.length; at++) {
    const char = inner[at];
    if (char === '\\') at++;
    else if (char === '[') at = (parseSet(inner, at)?.end ?? at + 1) - 1;
    else if (closing.has(at)) at = closing.get(at) as number;
    else if (at === inner.length || char === separator) {
      choices.push(parseGlob(inner.slice(from, at), isNameStart));
      from = at + 1;
    }
  }
  return choices;
}

/** Of each `(` and `{` that is closed, where. Escapes and sets hide brackets; one that is never closed is plain text. */
function closingBrackets(text: string): Map<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '\\') at++;
    else if (char === '[') at = (parseSet(text, at)?.end ?? at + 1) - 1;
    else if (char === '(' || char === '{') open.push(at);
    else if (char === ')' || char === '}') {
      const from = open.findLastIndex((one) => text[one] === (char === ')' ? '(' : '{'));
      if (from < 0) continue;
      closing.set(open[from] as number, at);
      open.length = from;
    }
  }
  return closing;
}

/** `1..5`, `a..e`; undefined for anything else. */
function rangeOf(text: string): string[] | undefined {
  const [, first, last] = /^(-?\d{1,9}|[A-Za-z])\.\.(-?\d{1,9}|[A-Za-z])$/.exec(text) ?? [];
  if (first === undefined || last === undefined) return undefined;
  const isNumber = /\d/.test(first);
  if (isNumber !== /\d/.test(last)) return undefined;
  const from = isNumber ? Number(first) : first.charCodeAt(0);
  const to = isNumber ? Number(last) : last.charCodeAt(0);
  const size = Math.abs(to - from) + 1;
  if (size > MOST_IN_RANGE) return undefined;
  return Array.from({ length: size }, (_, i) => {
    const value = from < to ? from + i : from - i;
    return isNumber ? String(value) : String.fromCharCode(value);
  });
}

const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  digit: /[0-9]/,
  lower: /[a-z]/,
  upper: /[A-Z]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /\s/,
  xdigit: /[A-Fa-f0-9]/,
};

/** The set of characters whose `[` is at `from`; undefined where the bracket is not closed or has nothing in it. */
export function parseSet(
  text: string,
  from: number,
): { readonly end: number; accepts(code: number): boolean } | undefined {
  let at = from + 1;
  const isNegated = text[at] === '!' || text[at] === '^';
  if (isNegated) at++;
  const ranges: [number, number][] = [];
  const classes: RegExp[] = [];
  for (let first = true; text[at] !== ']' || first; first = false) {
    if (at >= text.length || text[at] === '/') return undefined;
    const named = /^\[:([a-z]+):\]/.exec(text.slice(at, at + 12));
    const known = ownValue(POSIX, named?.[1]);
    if (named && known) {
      classes.push(known);
      at += named[0].length;
      continue;
    }
    if (text[at] === '\\' && at + 1 < text.length) at++;
    const low = text.charCodeAt(at++);
    const isRange = text[at] === '-' && at + 1 < text.length && text[at + 1] !== ']';
    if (isRange) at++;
    if (isRange && text[at] === '\\') at++;
    const high = isRange ? text.charCodeAt(at++) : low;
    ranges.push([low, high]);
  }
  const has = (code: number) =>
    ranges.some(([low, high]) => code >= low && code <= high) ||
    classes.some((one) => one.test(String.fromCharCode(code)));
  return { end: at + 1, accepts: (code) => has(code) !== isNegated };
}
