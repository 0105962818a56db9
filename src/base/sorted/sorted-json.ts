/**
 * Objects as JSON in which a key is looked up without parsing the rest: of a hundred thousand entries, a question looks at a few.
 * The entries are sorted, and a tab, which no string of JSON has in it, ends each of them. Knows no files.
 */

import { lowerBound } from './sorted-text.js';

/** The JSON of an object with these entries. */
export function sortedJson(entries: Iterable<readonly [key: string, value: unknown]>): string {
  const pieces = [...entries].map(([key, value]) => `${headOf(key)}${JSON.stringify(value)}`);
  return pieces.length === 0 ? '{}' : `{${pieces.sort().join(',\t')}\t}`;
}

/** To search for one key takes as long as to parse about so many characters. */
const SEARCH_CHARACTERS = 100;

export class SearchedJson {
  private readonly text: string;
  private searches = 0;
  private parsed: Readonly<Record<string, unknown>> | undefined;

  /**
   * `text`: JSON of an object. If it is not sorted, it is parsed by the first question, otherwise where there are many questions. If it
   * is none, it has no entries.
   */
  constructor(text: string) {
    this.text = text;
  }

  get isSorted(): boolean {
    return this.text.endsWith('\t}');
  }

  get(key: string): unknown {
    const { text } = this;
    // Many questions together take longer than to parse it once: then they have taken as long as that.
    const isSearched = this.isSorted && ++this.searches * SEARCH_CHARACTERS <= text.length;
    if (this.parsed || !isSearched) return own(this.all(), key);
    const head = headOf(key);
    const begin = lowerBound(text, head, { separator: '\t', from: 1, to: text.length - 1 });
    if (!text.startsWith(head, begin)) return undefined;
    const value = text.slice(begin + head.length, text.indexOf('\t', begin));
    return objectIn(`{"value":${value.endsWith(',') ? value.slice(0, -1) : value}}`).value;
  }

  /** The whole object. */
  all(): Readonly<Record<string, unknown>> {
    this.parsed ??= objectIn(this.text);
    return this.parsed;
  }
}

function headOf(key: string): string {
  return `${JSON.stringify(key)}:`;
}

function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Without entries where the text is no object. */
export function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
