/**
 * Reads JSON with comments and changes single values of its text. The adapter of the package `jsonc-parser`, which is
 * loaded only when such a text is merged.
 */

import type * as jsonc from 'jsonc-parser';

export type JsonPath = readonly (string | number)[];

export interface JsonEditor {
  /**
   * Undefined where the text is no JSON, or an object has a key twice: then an edit of one would have no effect. Comments and
   * commas at the end of lists are allowed.
   */
  parse(text: string): { readonly value: unknown } | undefined;
  /** Sets a value; undefined removes it. `place`: where a new key goes among those of its object. */
  set(text: string, path: JsonPath, value: unknown, place?: (keys: readonly string[]) => number): string;
  /** Puts a value into an array, before the one at the last step of the path. */
  insert(text: string, path: JsonPath, value: unknown): string;
}

export async function openJsonEditor(): Promise<JsonEditor> {
  const loaded = (await import('jsonc-parser')) as typeof jsonc & { default?: typeof jsonc };
  const { applyEdits, modify, parse, visit } = loaded.default ?? loaded;
  const change = (text: string, path: JsonPath, value: unknown, options: jsonc.ModificationOptions) =>
    applyEdits(text, modify(text, [...path], value, { ...options, formattingOptions: styleOf(text) }));
  return {
    parse(text) {
      const errors: jsonc.ParseError[] = [];
      const value: unknown = parse(text, errors, { allowTrailingComma: true });
      return errors.length > 0 || hasKeyTwice(visit, text) ? undefined : { value };
    },
    set: (text, path, value, place) =>
      change(text, path, value, place ? { getInsertionIndex: (keys) => place(keys) } : {}),
    insert: (text, path, value) => change(text, path, value, { isArrayInsertion: true }),
  };
}

/** The parser takes the last one of two equal keys without an error. */
function hasKeyTwice(visit: typeof jsonc.visit, text: string): boolean {
  const open: Set<string>[] = [];
  let isTwice = false;
  visit(text, {
    onObjectBegin: () => {
      open.push(new Set());
    },
    onObjectProperty: (key) => {
      const keys = open.at(-1);
      isTwice ||= keys?.has(key) === true;
      keys?.add(key);
    },
    onObjectEnd: () => {
      open.pop();
    },
  });
  return isTwice;
}

/** How the text is indented and ends its lines. */
function styleOf(text: string): jsonc.FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}
