/** Patterns as git writes them in `.gitattributes` and `.gitignore`: what they match, and how they move to another folder. */

import { type Glob, type GlobPart, globTest } from '../paths/glob.js';
import { parseSet } from '../paths/glob-parser.js';
import { globEscape } from './git-escape.js';

/** The test of paths, relative to the folder of the pattern's file. */
export function gitPatternTest(pattern: string): (path: string) => boolean {
  const isAnchored = pattern.slice(0, -1).includes('/');
  const glob = globOf(pattern.replace(/^\//, ''));
  return globTest(isAnchored ? glob : [{ kind: 'folders' }, ...glob]);
}

/** Only a whole name between slashes counts as a double star. */
function globOf(text: string): Glob {
  const parts: GlobPart[] = [];
  const add = (plain: string) => {
    const last = parts.at(-1);
    if (last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + plain };
    else parts.push({ kind: 'text', text: plain });
  };
  for (let at = 0; at < text.length; ) {
    const char = text[at] as string;
    const isNameStart = at === 0 || text[at - 1] === '/';
    const set = char === '[' ? parseSet(text, at) : undefined;
    if (char === '\\' && at + 1 < text.length) {
      add(text[at + 1] as string);
      at += 2;
    } else if (char === '?') {
      parts.push({ kind: 'one', accepts: () => true });
      at++;
    } else if (set) {
      parts.push({ kind: 'one', accepts: set.accepts });
      at = set.end;
    } else if (char !== '*') {
      add(char);
      at++;
    } else if (isNameStart && text.startsWith('**/', at)) {
      parts.push({ kind: 'folders' });
      at += 3;
    } else if (isNameStart && text.slice(at) === '**') {
      parts.push({ kind: 'anything' });
      at += 2;
    } else {
      while (text[at] === '*') at++;
      parts.push({ kind: 'star' });
    }
  }
  return parts;
}

/**
 * The pattern of a rules file in `folder` as the folder `prefix` must write it to match the same paths below it. Both are
 * relative to the repository's root and end with `/` unless empty; one contains the other. Several patterns stand for one with a
 * double star; none when it matches nothing below `prefix`.
 */
export function movedPattern(pattern: string, folder: string, prefix: string): string[] {
  const isAnchored = pattern.slice(0, -1).includes('/');
  if (folder.startsWith(prefix)) {
    const inner = globEscape(folder.slice(prefix.length));
    if (isAnchored) return [`/${inner}${pattern.replace(/^\//, '')}`];
    return [inner === '' ? pattern : `/${inner}**/${pattern}`];
  }
  if (!isAnchored) return [pattern];
  const names = prefix.slice(folder.length, -1).split('/');
  const rest = withoutFolders(pattern.replace(/^\//, '').split('/'), names);
  return [...new Set(rest.map((parts) => `/${parts.join('/')}`))];
}

/** What of a pattern is left below the folders; a pattern that matches one of the folders themselves is left out. */
function withoutFolders(parts: readonly string[], names: readonly string[]): (readonly string[])[] {
  const [name, ...inner] = names;
  if (name === undefined) return [parts];
  const [part, ...rest] = parts;
  if (part === undefined || part === '') return [];
  if (part === '**')
    return [...withoutFolders(rest, names), ...withoutFolders(parts, inner)].filter(
      (left) => left.length > 0,
    );
  return globTest(globOf(part))(name)
    ? withoutFolders(rest, inner).filter((left) => left.join('') !== '')
    : [];
}
