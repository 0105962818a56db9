/**
 * A record of very many values as text: its first line has all of them and is searched without being parsed, each line behind it has
 * what was changed later. Knows no files and not what the values say.
 */

import { objectIn, SearchedJson, sortedJson } from './sorted-json.js';

/** Of the text, so much may be changes beside a fixed length. They are parsed whenever it is read. */
const SPARE_PART = 1 / 8;
const SPARE = 10_000;

export class ChangedJson<T> {
  private readonly isValue: (value: unknown) => value is T;
  private first: SearchedJson;
  private firstLength: number;
  private length: number;
  /** Of the lines behind the first one. */
  private readonly added = new Map<string, unknown>();
  private areLinesSound = true;
  private known: Known<T> | undefined;

  /** `text`: a damaged line and a value of another form say nothing. */
  constructor(text: string, isValue: (value: unknown) => value is T) {
    const [first = '', ...lines] = text.split('\n');
    this.isValue = isValue;
    this.first = new SearchedJson(first);
    // One that has to be parsed is written anew as soon as it is large.
    this.firstLength = this.first.isSorted ? first.length : 0;
    this.length = text.length;
    for (const line of lines) {
      const changes = objectIn(line);
      if (changes) for (const [key, value] of Object.entries(changes)) this.added.set(key, value);
      else this.areLinesSound = false;
    }
  }

  get(key: string): T | undefined {
    const value = this.added.has(key) ? this.added.get(key) : this.first.get(key);
    return this.isValue(value) ? value : undefined;
  }

  /** Parses the first line. */
  all(): ReadonlyMap<string, T> {
    return this.parsed().values;
  }

  /** Whether all of it says something. Parses the first line. */
  get isSound(): boolean {
    return this.areLinesSound && this.first.isSound && this.parsed().areAll;
  }

  /** Changes the record; null: there is no value any more. Returns what is to be added to the text, unless it is too long then. */
  change(changes: ReadonlyMap<string, T | null>): string {
    const added = `\n${JSON.stringify(Object.fromEntries(changes))}`;
    for (const [key, value] of changes) this.added.set(key, value);
    this.length += added.length;
    this.known = undefined;
    return added;
  }

  /** Whether too much of it is changes. */
  get isLong(): boolean {
    return this.length > this.firstLength * (1 + SPARE_PART) + SPARE;
  }

  /** Puts everything into one line, the text that takes the place of the former one. */
  renewed(): string {
    const whole = sortedJson(this.all());
    this.first = new SearchedJson(whole);
    this.firstLength = whole.length;
    this.length = whole.length;
    this.added.clear();
    this.areLinesSound = true;
    return whole;
  }

  private parsed(): Known<T> {
    if (this.known) return this.known;
    const values = new Map<string, T>();
    let areAll = true;
    for (const part of [this.first.all(), this.added]) {
      for (const [key, value] of part) {
        if (this.isValue(value)) values.set(key, value);
        else values.delete(key);
        if (value !== null && !this.isValue(value)) areAll = false;
      }
    }
    this.known = { values, areAll };
    return this.known;
  }
}

interface Known<T> {
  readonly values: ReadonlyMap<string, T>;
  /** Whether each value has its form. */
  readonly areAll: boolean;
}
