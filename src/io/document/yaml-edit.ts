/** Changes YAML texts and keeps every other line, comments included. Knows no spec. */

import { isDeepStrictEqual } from 'node:util';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import type { KeyPath } from './document.js';

type Yaml = typeof import('./yaml.js');

/** Sets the value at a path (the entry behind the last one of a list is added), or takes it away: `undefined`. */
export interface YamlChange {
  readonly path: KeyPath;
  readonly value: unknown;
  /** For a key that is new: keys behind the last of which it stands. By default it stands behind the first one. */
  readonly after?: readonly string[];
}

/**
 * The text with the changes made, one after the other. Where a value cannot be cut out of the text (anchors) the whole
 * document is written again, with its comments. The text is valid YAML.
 */
export async function editYaml(text: string, changes: readonly YamlChange[]): Promise<string> {
  const yaml = await import('./yaml.js');
  let edited = text;
  for (const change of changes) edited = editOnce(yaml, edited, change);
  return edited;
}

/** A value as YAML in block style, long texts unfolded. */
export async function yamlText(value: unknown): Promise<string> {
  return written(await import('./yaml.js'), value);
}

function editOnce(yaml: Yaml, text: string, { path, value, after = [] }: YamlChange): string {
  const document = yaml.parseDocument(text);
  const expected = yaml.parseDocument(text);
  if (value === undefined) expected.deleteIn(path);
  else expected.setIn(path, expected.createNode(value));
  const source = { yaml, document, text };
  for (const attempt of [replaceWord, splice]) {
    const spliced = attempt(source, { path, value, after });
    if (spliced === undefined) continue;
    const again = yaml.parseDocument(spliced);
    const isRight = again.errors.length === 0 && isDeepStrictEqual(again.toJS(), expected.toJS());
    if (isRight) return spliced;
  }
  return expected.toString({ lineWidth: 0 });
}

/** A text with the document that it is. */
interface Source {
  readonly yaml: Yaml;
  readonly document: Document;
  readonly text: string;
}

/** One word for another where it stands, in a list too: its line stays as it is, with its comment. */
function replaceWord({ yaml, document, text }: Source, { path, value }: YamlChange): string | undefined {
  const node = document.getIn(path, true);
  if (typeof value !== 'string' || !yaml.isScalar(node) || typeof node.value !== 'string') return undefined;
  const [start, end] = node.range ?? [];
  if (start === undefined || end === undefined || text.slice(start, end).includes('\n')) return undefined;
  const word = written(yaml, value).trimEnd();
  const isInBrackets = /[[\]{},]/.test(word) && !/^["']/.test(word);
  return word.includes('\n')
    ? undefined
    : text.slice(0, start) + (isInBrackets ? JSON.stringify(value) : word) + text.slice(end);
}

/** The text with lines put in or cut out; undefined where that is not a matter of whole lines. */
function splice(source: Source, change: YamlChange): string | undefined {
  const { yaml, document, text } = source;
  const { path, value } = change;
  const parent = document.getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  if (!yaml.isCollection(parent)) return undefined;
  if (parent.flow) {
    const isJson = yaml.isCollection(document.contents) && document.contents.flow === true;
    return isJson ? spliceFlow(source, change, parent) : spliceBrackets(source, change, parent.range);
  }
  if (yaml.isSeq(parent) && typeof key === 'number') {
    const items = parent.items as Node[];
    const item = items[key];
    const model = item ?? items.at(-1);
    if (!model?.range) return undefined;
    const indent = columnOfDash(text, model.range[0]);
    if (indent === undefined) return undefined;
    const lines = value === undefined ? '' : indented(written(yaml, [value]), indent);
    const end = lineEnd(text, model.range[1]);
    const start = item ? lineStart(text, model.range[0]) : end;
    const comment = item && value !== undefined ? text.slice(model.range[1], end).trim() : '';
    return joined(text, start, end, comment.startsWith('#') ? `${indent}${comment}\n${lines}` : lines);
  }
  if (!yaml.isMap(parent)) return undefined;
  const pairs = parent.items as Pair<Node, Node>[];
  const pair = pairs.find((one) => yaml.isScalar(one.key) && one.key.value === key);
  return pair ? splicePair(yaml, text, pair, value) : insertPair(source, parent, change);
}

/** A list or mapping in brackets is rewritten as a whole, which changes only its own lines; one with comments is not. */
function spliceBrackets(
  { yaml, document, text }: Source,
  { path, value }: YamlChange,
  range: Node['range'],
): string | undefined {
  const outer = path.slice(0, -1);
  if (!range || outer.length === 0 || text.slice(range[0], range[1]).includes('#')) return undefined;
  const changed = document.clone() as Document;
  if (value === undefined) changed.deleteIn(path);
  else changed.setIn(path, changed.createNode(value));
  const whole = changed.getIn(outer) as { toJS(of: Document): unknown };
  return splice({ yaml, document, text }, { path: outer, value: whole.toJS(changed) });
}

/** In a text that is JSON, or all in brackets, only what changes is written, in the style of its neighbours. */
function spliceFlow({ yaml, text }: Source, { path, value, after = [] }: YamlChange, parent: Flow) {
  const key = path.at(-1);
  const pairs = yaml.isMap(parent) ? (parent.items as Pair<Node, Node>[]) : undefined;
  const nameOf = (pair: Pair<Node, Node>) => (yaml.isScalar(pair.key) ? String(pair.key.value) : undefined);
  const nodes = (pairs ?? parent.items) as (Pair<Node, Node> | Node)[];
  const spans = nodes.map((one) => (yaml.isPair(one) ? pairSpan(one as Pair<Node, Node>) : one.range));
  const at = pairs ? pairs.findIndex((one) => nameOf(one) === String(key)) : Number(key);
  const span = spans[at];
  if (span && value === undefined) return withoutItem(text, span[0], span[1]);
  if (span) {
    const old = pairs ? pairs[at]?.value?.range : span;
    if (!old) return undefined;
    return text.slice(0, old[0]) + flowText(value, text, old) + text.slice(old[1]);
  }
  const named = pairs?.findLastIndex((one) => after.includes(nameOf(one) ?? '')) ?? -1;
  const model = named >= 0 ? named : pairs ? 0 : nodes.length - 1;
  const beside = spans[model];
  if (value === undefined || !beside) return undefined;
  const indent = text.slice(lineStart(text, beside[0]), beside[0]);
  const gap = /^\s*$/.test(indent) ? `,\n${indent}` : ', ';
  const quoted = pairs && text[pairs[model]?.key.range?.[0] ?? 0] === '"';
  const name = pairs
    ? `${quoted ? JSON.stringify(String(key)) : written(yaml, String(key)).trimEnd()}: `
    : '';
  return text.slice(0, beside[1]) + gap + name + flowText(value, text, beside) + text.slice(beside[1]);
}

interface Flow {
  readonly items: readonly unknown[];
}

function pairSpan({ key, value }: Pair<Node, Node>): readonly [number, number] | undefined {
  const end = value?.range ?? key.range;
  return key.range && end ? [key.range[0], end[1]] : undefined;
}

/** One item of a list in brackets is taken out with its comma, the last one with that in front of it. */
function withoutItem(text: string, start: number, end: number): string {
  const behind = /^\s*,\s*/.exec(text.slice(end))?.[0];
  if (behind !== undefined) return text.slice(0, start) + text.slice(end + behind.length);
  const before = text.slice(0, start).replace(/,\s*$/, '');
  return before + text.slice(end);
}

/** A value as JSON: on lines of their own where what stood there, or beside it, had lines of its own. */
function flowText(value: unknown, text: string, [start, end]: readonly number[]): string {
  const isLong = JSON.stringify(value).length > MAX_FLOW;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isLong || text.slice(start, end).includes('\n')) {
    const indent = /^[ \t]*/.exec(text.slice(lineStart(text, start ?? 0)))?.[0] ?? '';
    return JSON.stringify(value, null, 2).replaceAll('\n', `\n${indent}`);
  }
  const isList = Array.isArray(value) && value.every((one) => one === null || typeof one !== 'object');
  return isList ? `[${value.map((one) => JSON.stringify(one)).join(', ')}]` : JSON.stringify(value);
}

/** A value in brackets that is longer than this gets lines of its own. */
const MAX_FLOW = 90;

function splicePair(yaml: Yaml, text: string, pair: Pair<Node, Node>, value: unknown): string | undefined {
  const [from] = pair.key.range ?? [];
  const [start, end] = pair.value?.range ?? [];
  if (from === undefined || start === undefined || end === undefined) return undefined;
  const plain = value !== null && typeof value !== 'object';
  const isLine = yaml.isScalar(pair.value) && !text.slice(start, end).includes('\n');
  if (value !== undefined && plain && isLine) {
    const word = written(yaml, value).trimEnd();
    if (!word.includes('\n')) return text.slice(0, start) + word + text.slice(end);
  }
  const begin = lineStart(text, from);
  const indent = text.slice(begin, from);
  // The first key of a list's entry shares its line with the dash.
  if (!/^ *(?:- +)?$/.test(indent) || (value === undefined && indent.trim() !== '')) return undefined;
  const key = (pair.key as { value?: unknown }).value as string;
  const space = ' '.repeat(indent.length);
  const lines = value === undefined ? '' : indented(written(yaml, { [key]: value }), space);
  const until = lineEnd(text, Math.max(end, start));
  const block = indent + lines.slice(indent.length);
  const comment = text.slice(Math.max(end, start), until).trim();
  if (value === undefined || !comment.startsWith('#'))
    return joined(text, begin, until, value === undefined ? '' : block);
  // A comment behind a value that takes lines of its own now stands above or, behind a dash, below it.
  const line = `${space}${comment}\n`;
  return joined(text, begin, until, indent.trim() === '' ? line + block : block + line);
}

/** A new key stands behind the first one (what an entry is called comes first), or behind the last one of `after`. */
function insertPair(
  { yaml, text }: Source,
  map: YAMLMap,
  { path, value, after = [] }: YamlChange,
): string | undefined {
  const pairs = map.items as Pair<Node, Node>[];
  const [first] = pairs;
  const named = pairs.findLast((one) => yaml.isScalar(one.key) && after.includes(String(one.key.value)));
  const range = (named ?? first)?.value?.range;
  if (value === undefined || !first?.key.range || !range) return undefined;
  const column = first.key.range[0] - lineStart(text, first.key.range[0]);
  const at = lineEnd(text, range[1]);
  return joined(text, at, at, indented(written(yaml, { [String(path.at(-1))]: value }), ' '.repeat(column)));
}

function written(yaml: Yaml, value: unknown): string {
  return yaml.stringify(value, { lineWidth: 0 });
}

function joined(text: string, start: number, end: number, lines: string): string {
  const before = text.slice(0, start);
  const gap = lines !== '' && before !== '' && !before.endsWith('\n') ? '\n' : '';
  return before + gap + lines + text.slice(end);
}

function indented(lines: string, indent: string): string {
  return lines.replace(/^(?=.)/gm, indent);
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Behind the line break of the line in which what ends at `at` ends. */
function lineEnd(text: string, at: number): number {
  const inside = at > 0 && text[at - 1] === '\n' ? at - 1 : at;
  const end = text.indexOf('\n', inside);
  return end < 0 ? text.length : end + 1;
}

/** What stands before the dash of the list's entry that begins at `at`. */
function columnOfDash(text: string, at: number): string | undefined {
  return /^( *)- +$/.exec(text.slice(lineStart(text, at), at))?.[1];
}
