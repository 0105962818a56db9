/**
 * What a YAML text with errors says where it has none, so that a mistake in one place hides no mistake in another.
 * Knows no spec.
 */

import type { Document, LineCounter, Node } from 'yaml';
import { composeDocument, type KeyPath, MAX_ALIASES, type Yaml } from './compose.js';

export interface Salvaged {
  /** Without what could not be read. */
  readonly value: unknown;
  /** The smallest parts that hold an error: nothing is known of them. */
  readonly broken: readonly KeyPath[];
  /** Those of them that only the value shows: aliases that lead nowhere. */
  readonly badAliases: readonly KeyPath[];
}

/** Lines whose values are left out to read the rest: each costs a parse. */
const MAX_LINES = 20;
/** What stands on a line before its value: the dash of an entry, a key, or both. */
const BEFORE_VALUE = /^[ ]*(?:- +)*(?:[A-Za-z_][\w.-]*:[ ]+)?/;

/** Undefined when the text is not a mapping at all. */
export async function salvageYaml(text: string): Promise<Salvaged | undefined> {
  const yaml = await import('./yaml.js');
  const readable = composeReadable(yaml, text, new yaml.LineCounter());
  if (!readable || !yaml.isMap(readable.document.contents)) return undefined;
  const { document, isBlank } = readable;
  const errors = [...document.errors, ...document.warnings].map(({ pos }) => pos[0]);
  const salvage = new Salvage(yaml, document, isBlank);
  const value = salvage.read(document.contents, errors, []);
  return { value, broken: salvage.broken, badAliases: salvage.badAliases };
}

interface Readable {
  readonly document: Document;
  /** Whether the value of the line at an offset was left out. */
  isBlank(offset: number): boolean;
}

/**
 * The document without the values that are none: such a value may swallow the lines below it. Every offset is that of
 * the text. Undefined when the text is nested too deeply.
 */
export function composeReadable(yaml: Yaml, text: string, lines: LineCounter): Readable | undefined {
  const blanked = new Set<number>();
  const isBlank = (offset: number) => blanked.has(lineStart(text, offset));
  const composed = composeDocument(yaml, text, lines);
  if (typeof composed === 'number') return undefined;
  let document = composed;
  for (let left = text; blanked.size < MAX_LINES; ) {
    const offset = document.errors.map(({ pos }) => pos[0]).find((one) => !isBlank(one));
    if (offset === undefined) break;
    left = withoutValue(left, lineStart(text, offset));
    const without = composeDocument(yaml, left, new yaml.LineCounter());
    if (typeof without === 'number') break;
    blanked.add(lineStart(text, offset));
    document = without;
  }
  return { document, isBlank };
}

class Salvage {
  readonly broken: KeyPath[] = [];
  readonly badAliases: KeyPath[] = [];
  private readonly yaml: Yaml;
  private readonly document: Document;
  /** Whether the value at an offset was left out. */
  private readonly isBlank: (offset: number) => boolean;

  constructor(yaml: Yaml, document: Document, isBlank: (offset: number) => boolean) {
    this.yaml = yaml;
    this.document = document;
    this.isBlank = isBlank;
  }

  /** The value of a node; undefined if it has none. `errors`: offsets of those that stand in it. */
  read(node: Node | null, errors: readonly number[], path: KeyPath): unknown {
    const { yaml } = this;
    const left = new Set(errors);
    let value: unknown;
    if (yaml.isMap(node)) {
      const named = new Map<string, unknown>();
      for (const { key, value: inner } of node.items) {
        if (!yaml.isScalar(key)) continue;
        const name = String(key.value);
        const from = key.range?.[0] ?? 0;
        const own = take(left, from, endOf(inner as Node | null) ?? key.range?.[2] ?? from);
        // The first of two equal keys stands: the second is the error.
        if (named.has(name)) continue;
        const read = this.part(inner as Node | null, own, [...path, name], from);
        if (read !== undefined) named.set(name, read);
      }
      value = Object.fromEntries(named);
    } else if (yaml.isSeq(node)) {
      value = node.items.map((item, at) => {
        const [from = 0, , to = 0] = (item as Node | null)?.range ?? [];
        return this.part(item as Node | null, take(left, from, to), [...path, at], from) ?? null;
      });
    } else if (left.size === 0) {
      return this.plain(node, path);
    }
    if (left.size > 0) this.broken.push(path);
    return value;
  }

  private part(node: Node | null, errors: readonly number[], path: KeyPath, from: number): unknown {
    const isEmpty = node === null || (this.yaml.isScalar(node) && node.value === null);
    if (!isEmpty || !this.isBlank(from)) return this.read(node, errors, path);
    this.broken.push(path);
    return undefined;
  }

  private plain(node: Node | null, path: KeyPath): unknown {
    try {
      return node?.toJS(this.document, { maxAliasCount: MAX_ALIASES }) ?? null;
    } catch {
      this.broken.push(path);
      this.badAliases.push(path);
      return undefined;
    }
  }
}

/** Takes the errors between two offsets out of those that are left. */
function take(left: Set<number>, from: number, to: number): number[] {
  const taken = [...left].filter((offset) => offset >= from && offset <= to);
  for (const offset of taken) left.delete(offset);
  return taken;
}

function endOf(node: Node | null): number | undefined {
  return node?.range?.[2];
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', Math.min(offset, text.length) - 1) + 1;
}

/** The text with blanks in the place of the value of one line: all else keeps its offset. */
function withoutValue(text: string, start: number): string {
  const end = text.indexOf('\n', start);
  const line = text.slice(start, end < 0 ? text.length : end);
  const before = BEFORE_VALUE.exec(line)?.[0] ?? '';
  return text.slice(0, start) + before.padEnd(line.length) + text.slice(start + line.length);
}
