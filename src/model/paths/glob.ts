/**
 * What a parsed glob matches. A match walks the path once for each part of the glob with the set of all possible
 * positions, so that no input makes it slow.
 */

/** One part of a glob. Only `folders` and `anything` cross a `/`. */
export type GlobPart =
  | { readonly kind: 'text'; readonly text: string }
  /** One character that the test accepts (`?`, `[a-z]`), never `/`. */
  | { readonly kind: 'one'; accepts(code: number): boolean }
  /** `*` */
  | { readonly kind: 'star' }
  /** A double star before a `/`: no folder, or any number of them. */
  | { readonly kind: 'folders' }
  /** A double star at the end. */
  | { readonly kind: 'anything' }
  /** One of the choices: once (`@`), at most once (`?`), at least once (`+`), any number of times (`*`). */
  | { readonly kind: 'group'; readonly choices: readonly Glob[]; readonly times: GroupTimes }
  /** `!(a|b)`: within one name, whatever is none of the choices. */
  | { readonly kind: 'except'; readonly choices: readonly Glob[] };

export type GroupTimes = '@' | '?' | '+' | '*';
export type Glob = readonly GlobPart[];
type GroupPart = GlobPart & { readonly kind: 'group' };

const SLASH = 47;

/** With more parts of any length, or more choices, a regular expression could take too long to find no match. */
const MOST_LOOPS = 2;
const MOST_GROUPS = 2;

const LOOPS: Readonly<Partial<Record<GlobPart['kind'], string>>> = {
  star: '[^/]*',
  folders: '(?:[^]*\\/)?',
  anything: '[^]*',
};

/** The test of whole texts: a regular expression where that cannot become slow, else the walk. */
export function globTest(glob: Glob): (text: string) => boolean {
  const source = globSource(glob);
  if (source === undefined) return (text) => globMatches(glob, text);
  const expression = new RegExp(`^(?:${source})$`);
  return (text) => expression.test(text);
}

/** The source of a regular expression that matches what the glob does; undefined where it could become slow. */
export function globSource(glob: Glob): string | undefined {
  return sourceOf(glob, { loops: MOST_LOOPS, groups: MOST_GROUPS });
}

/** The glob as a regular expression; undefined where it has other parts, or more than there are `left`. */
function sourceOf(glob: Glob, left: { loops: number; groups: number }): string | undefined {
  let source = '';
  for (const part of glob) {
    if (part.kind === 'text') source += escaped(part.text);
    else if (part.kind === 'group' && part.times === '@' && left.groups-- > 0) {
      const choices = part.choices.map((choice) => sourceOf(choice, left));
      if (choices.includes(undefined)) return undefined;
      source += `(?:${choices.join('|')})`;
    } else {
      const loop = LOOPS[part.kind];
      if (loop === undefined || left.loops-- <= 0) return undefined;
      source += loop;
    }
  }
  return source;
}

/** A text as a regular expression that matches it alone. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Whether the glob matches the whole text. */
export function globMatches(glob: Glob, text: string): boolean {
  const start = new Uint8Array(text.length + 1);
  start[0] = 1;
  return advance(glob, text, start)[text.length] === 1;
}

/** The places in the text at which the glob can end when it begins at one of the given ones. */
function advance(glob: Glob, text: string, from: Uint8Array): Uint8Array {
  let places = from;
  for (const part of glob) places = step(part, text, places);
  return places;
}

function step(part: GlobPart, text: string, from: Uint8Array): Uint8Array {
  if (part.kind === 'group') return stepGroup(part, text, from);
  const to = new Uint8Array(text.length + 1);
  let reach = false;
  for (let p = 0; p <= text.length; p++) {
    const isHere = from[p] === 1;
    switch (part.kind) {
      case 'text':
        if (isHere && text.startsWith(part.text, p)) to[p + part.text.length] = 1;
        break;
      case 'one':
        if (isHere && p < text.length && text.charCodeAt(p) !== SLASH && part.accepts(text.charCodeAt(p)))
          to[p + 1] = 1;
        break;
      case 'star':
        reach = (reach && text.charCodeAt(p - 1) !== SLASH) || isHere;
        if (reach) to[p] = 1;
        break;
      case 'anything':
        reach ||= isHere;
        if (reach) to[p] = 1;
        break;
      case 'folders':
        if (isHere || (reach && text.charCodeAt(p - 1) === SLASH)) to[p] = 1;
        reach ||= isHere;
        break;
      case 'except':
        if (isHere) stepExcept(part.choices, text, p, to);
        break;
    }
  }
  return to;
}

function stepExcept(choices: readonly Glob[], text: string, from: number, to: Uint8Array): void {
  const start = new Uint8Array(text.length + 1);
  start[from] = 1;
  const excluded = stepChoices(choices, text, start);
  for (let p = from; p <= text.length; p++) {
    if (excluded[p] !== 1) to[p] = 1;
    if (text.charCodeAt(p) === SLASH) break;
  }
}

function stepChoices(choices: readonly Glob[], text: string, from: Uint8Array): Uint8Array {
  const to = new Uint8Array(text.length + 1);
  for (const choice of choices) {
    const ends = advance(choice, text, from);
    for (let p = 0; p < ends.length; p++) if (ends[p] === 1) to[p] = 1;
  }
  return to;
}

function stepGroup({ choices, times }: GroupPart, text: string, from: Uint8Array): Uint8Array {
  const all = stepChoices(choices, text, from);
  if (times === '+' || times === '*') {
    for (let fresh = all; fresh.includes(1); ) {
      const next = stepChoices(choices, text, fresh);
      for (let p = 0; p < next.length; p++) {
        if (all[p] === 1) next[p] = 0;
        else if (next[p] === 1) all[p] = 1;
      }
      fresh = next;
    }
  }
  if (times === '?' || times === '*') for (let p = 0; p < from.length; p++) if (from[p] === 1) all[p] = 1;
  return all;
}
