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
  /** Where the entry begins that follows the one that was found last. */
  private next = 1;
  private parsed: Parsed | undefined;

  /**
   * `text`: JSON of an object. If it is not sorted, it is parsed by the first question, otherwise where there are many questions. If it
   * is none, it has no entries.
   */
  constructor(text: string) {
    this.text = text;
  }

  get isSorted(): boolean {
    return this.text.endsWith(END);
  }

  /** Whether it is JSON of an object, and where it looks sorted, every entry is found. Parses it. */
  get isSound(): boolean {
    return this.parse().isSound;
  }

  get(key: string): unknown {
    const { text } = this;
    if (this.parsed || !this.isSorted) return this.all().get(key);
    const head = headOf(key);
    // Many questions come in the order of the entries. The others together take longer than to parse it once: then they have taken as
    // long as that.
    if (!text.startsWith(head, this.next)) {
      if (++this.searches * SEARCH_CHARACTERS > text.length) return this.all().get(key);
      this.next = lowerBound(text, head, { separator: '\t', from: 1, to: text.length - 1 });
      if (!text.startsWith(head, this.next)) return undefined;
    }
    const tab = text.indexOf('\t', this.next);
    const piece = text.slice(this.next, text[tab - 1] === ',' ? tab - 1 : tab);
    this.next = tab + 1;
    const [, plain, value, number] = PLAIN.exec(piece) ?? [];
    if (plain !== undefined) return value ?? Number(number);
    return objectIn(`{"value":${piece.slice(head.length)}}`)?.value;
  }

  /** All entries. */
  all(): ReadonlyMap<string, unknown> {
    return this.parse().entries;
  }

  private parse(): Parsed {
    if (this.parsed) return this.parsed;
    const sorted = this.isSorted ? sortedEntries(this.text) : undefined;
    const object = sorted ? undefined : objectIn(this.text);
    const entries = sorted ?? new Map(Object.entries(object ?? {}));
    this.parsed = { entries, isSound: sorted !== undefined || (object !== undefined && !this.isSorted) };
    return this.parsed;
  }
}

interface Parsed {
  readonly entries: ReadonlyMap<string, unknown>;
  readonly isSound: boolean;
}

const END = '\t}';

/** An entry whose key and value are written as they are: texts, or a number. */
const PLAIN = /^"([^"\\\p{Cc}]*)":(?:"([^"\\\p{Cc}]*)"|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?))$/iu;

/**
 * The entries of a sorted text; undefined where it is none, or not sorted. Entry by entry, because an object with very many keys takes
 * ten times as long.
 */
function sortedEntries(text: string): ReadonlyMap<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  const entries = new Map<string, unknown>();
  const end = text.length - END.length;
  let former = '';
  let count = 0;
  for (let begin = 1; begin <= end; count++) {
    const tab = text.indexOf('\t', begin);
    if (tab < end && text[tab - 1] !== ',') return undefined;
    const piece = text.slice(begin, tab < end ? tab - 1 : tab);
    const [, key, value, number] = PLAIN.exec(piece) ?? [];
    if (key !== undefined) entries.set(key, value ?? Number(number));
    else {
      const all = Object.entries(objectIn(`{${piece}}`) ?? {});
      const [one] = all;
      if (!one || all.length > 1) return undefined;
      entries.set(...one);
    }
    if (piece <= former) return undefined;
    former = piece;
    begin = tab + 1;
  }
  return entries.size === count ? entries : undefined;
}

function headOf(key: string): string {
  return `${JSON.stringify(key)}:`;
}

/** Undefined where the text is no object. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
