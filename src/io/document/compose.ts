/** From a YAML text to its nodes: the settings and the limits that hold for every document. Knows no value. */

import type { CST, Document, LineCounter } from 'yaml';

export type Yaml = typeof import('./yaml.js');
export type KeyPath = readonly (string | number)[];

/** How often aliases may repeat nodes; more is an alias bomb. */
export const MAX_ALIASES = 100;
/** Levels of nesting. What reads a document calls itself per level; its stack must not be what ends it. */
export const MAX_DEPTH = 200;

// YAML 1.2 without merge keys and without types that JSON does not have; a `%YAML` line cannot change that.
const PARSE = {
  schema: 'core',
  resolveKnownTags: false,
  merge: false,
  uniqueKeys: true,
  version: '1.2',
} as const;

/** The document, or the offset at which it is nested too deeply. */
export function composeDocument(yaml: Yaml, text: string, lines: LineCounter): Document | number {
  const tokens = tokensOf(yaml, text, lines);
  if (typeof tokens === 'number') return tokens;
  const composer = new yaml.Composer({ ...PARSE, lineCounter: lines, prettyErrors: false });
  let first: Document | undefined;
  for (const document of composer.compose(tokens, true, text.length)) {
    if (first) {
      const [from, to] = document.range ?? [0, 0];
      first.errors.push(new yaml.YAMLParseError([from, to], 'MULTIPLE_DOCS', 'more than one document'));
      break;
    }
    first = document as Document;
  }
  return first as Document;
}

/** Whether programs can read the text that allow several documents, merge keys and any tag. A key twice is an error for all. */
export function isComposable(yaml: Yaml, text: string): boolean {
  const tokens = tokensOf(yaml, text, new yaml.LineCounter());
  if (typeof tokens === 'number') return false;
  const composer = new yaml.Composer({ merge: true, uniqueKeys: true, prettyErrors: false });
  return [...composer.compose(tokens, true, text.length)].every(({ errors }) => errors.length === 0);
}

/**
 * The tokens, or the offset at which they are nested too deeply. The depth is measured on them, in a loop: the composer calls
 * itself per level, and a full stack inside a regular expression ends the process.
 */
function tokensOf(yaml: Yaml, text: string, lines: LineCounter): CST.Token[] | number {
  const tokens = [...new yaml.Parser(lines.addNewLine).parse(text)];
  const open: [CST.Token | null | undefined, number][] = tokens.map((token) => [token, 0]);
  for (let next = open.pop(); next; next = open.pop()) {
    const [token, depth] = next;
    if (!token) continue;
    if (depth > MAX_DEPTH) return token.offset;
    if (token.type === 'document') open.push([token.value, depth]);
    if ('items' in token)
      for (const { key, value } of token.items) open.push([key, depth + 1], [value, depth + 1]);
  }
  return tokens;
}
