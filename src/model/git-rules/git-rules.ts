/**
 * The rules that a repository gives git for its files (`.gitattributes`, `.gitignore`), put together for one folder of it:
 * the same on every machine. Reads nothing.
 */

import { gitPatternTest, movedPattern } from './git-pattern.js';

/** A rules file; its folder is relative to the repository's root and ends with `/` unless it is the root. */
export interface RulesFile {
  readonly folder: string;
  readonly text: string;
}

export interface RulesFiles {
  readonly attributes: readonly RulesFile[];
  readonly ignores: readonly RulesFile[];
}

/** Rules as the text of one file at the project's root. */
export interface RulesText {
  readonly attributes: string;
  readonly ignores: string;
}

export const NO_RULES: RulesText = { attributes: '', ignores: '' };

/** `prefix`: the project's folder. Files that are neither above nor below it say nothing of it. */
export function rulesFor(files: RulesFiles, prefix: string): RulesText {
  const joined = (list: readonly RulesFile[], move: (line: string, folder: string) => string[]) =>
    [...list]
      .filter(({ folder }) => folder.startsWith(prefix) || prefix.startsWith(folder))
      // Of two rules the later one counts: those of inner folders come last.
      .sort((a, b) => a.folder.length - b.folder.length)
      .flatMap(({ folder, text }) => linesOf(text).flatMap((line) => move(line, folder)))
      .map((line) => `${line}\n`)
      .join('');
  return {
    attributes: joined(files.attributes, (line, folder) => movedAttributes(line, folder, prefix)),
    ignores: joined(files.ignores, (line, folder) => movedIgnore(line, folder, prefix)),
  };
}

function linesOf(text: string): string[] {
  return text.replace(/^\ufeff/, '').split(/\r?\n/);
}

function movedAttributes(line: string, folder: string, prefix: string): string[] {
  const rule = parseAttributes(line);
  if (rule === undefined) return [];
  const words = rule.words.join(' ');
  // Only the root's file may define macros.
  if (rule.macro !== undefined) return folder === '' ? [`[attr]${rule.macro} ${words}`] : [];
  return movedPattern(rule.pattern, folder, prefix).map((pattern) => `${quoted(pattern)} ${words}`);
}

function movedIgnore(line: string, folder: string, prefix: string): string[] {
  // Spaces at the end are no part of the pattern unless they are escaped.
  const text = line.replace(/(?<!\\)[ \t]+$/, '');
  if (text === '' || text.startsWith('#')) return [];
  const isNegated = text.startsWith('!');
  return movedPattern(isNegated ? text.slice(1) : text, folder, prefix).map((pattern) =>
    isNegated ? `!${pattern}` : pattern,
  );
}

interface AttributeRule {
  readonly pattern: string;
  readonly words: readonly string[];
  readonly macro?: string;
}

function parseAttributes(line: string): AttributeRule | undefined {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return undefined;
  const [macro, ...macroWords] = text.startsWith('[attr]') ? text.slice(6).split(/\s+/) : [];
  if (macro !== undefined) return { pattern: '', macro, words: macroWords };
  const inQuotes = /^"((?:[^"\\]|\\.)*)"\s*(.*)$/.exec(text);
  const [pattern, rest] = inQuotes
    ? [unquoted(inQuotes[1] as string), inQuotes[2] as string]
    : [/^\S+/.exec(text)?.[0] as string, text.replace(/^\S+\s*/, '')];
  // git refuses patterns that exclude, and a folder has no attributes.
  if (pattern.startsWith('!') || pattern.endsWith('/')) return undefined;
  const words = rest.split(/\s+/).filter((word) => word !== '');
  return words.length === 0 ? undefined : { pattern, words };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '"': '"', '\\': '\\' };

function unquoted(text: string): string {
  return text.replace(/\\(.)/g, (whole, char: string) => ESCAPES[char] ?? whole);
}

function quoted(pattern: string): string {
  return /[\s"]|^#|^\[attr\]/.test(pattern) ? `"${pattern.replace(/["\\]/g, '\\$&')}"` : pattern;
}

/** Values of attributes: `true` for set, `false` for unset, a text; absent where nothing is said. */
type Attributes = Map<string, string | boolean>;

/** What git makes of a file when it writes it to disk, in a few words; undefined where the file is as git has it. */
export type ConversionOf = (path: string) => string | undefined;

/** Words of the attributes with which a file on disk is another one than git's. */
const CONVERTING = /(?:^|\s)(?:filter=|ident|working-tree-encoding=|eol=crlf|crlf)/;

/** Undefined where no file at all is converted. */
export function conversions({ attributes }: RulesText): ConversionOf | undefined {
  if (!CONVERTING.test(attributes)) return undefined;
  const macros = new Map<string, readonly string[]>([['binary', ['-text', '-diff', '-merge']]]);
  const rules: { matches(path: string): boolean; words: readonly string[] }[] = [];
  for (const line of linesOf(attributes)) {
    const rule = parseAttributes(line);
    if (rule?.macro !== undefined) macros.set(rule.macro, rule.words);
    else if (rule) rules.push({ matches: gitPatternTest(rule.pattern), words: rule.words });
  }
  return (path) => {
    const found: Attributes = new Map();
    for (const { matches, words } of rules) if (matches(path)) applyWords(words, macros, found);
    return conversionIn(found);
  };
}

function applyWords(
  words: readonly string[],
  macros: ReadonlyMap<string, readonly string[]>,
  found: Attributes,
): void {
  for (const word of words) {
    const [, sign, name, value] = /^([-!]?)([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined) continue;
    if (sign === '!') found.delete(name);
    else found.set(name, sign === '-' ? false : (value ?? true));
    const inner = sign === '' && value === undefined ? macros.get(name) : undefined;
    if (inner) applyWords(inner, macros, found);
  }
}

function conversionIn(found: Attributes): string | undefined {
  const words: string[] = [];
  const filter = found.get('filter');
  if (typeof filter === 'string') words.push(`filter=${filter}`);
  // `crlf` is the old name of `text`: git asks for it where `text` has no value that it knows.
  const isText = (lineEnds(found.get('text')) ?? lineEnds(found.get('crlf'))) !== false;
  if (isText && found.get('eol') === 'crlf') words.push('eol=crlf');
  const encoding = found.get('working-tree-encoding');
  if (typeof encoding === 'string') words.push(`working-tree-encoding=${encoding}`);
  if (found.get('ident') === true) words.push('ident');
  return words.length === 0 ? undefined : words.join(' ');
}

function lineEnds(value: string | boolean | undefined): string | boolean | undefined {
  return typeof value !== 'string' || value === 'auto' || value === 'input' ? value : undefined;
}
