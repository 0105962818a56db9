/**
 * Merges the imports at the top of a file by the names that they bind, and the rest by lines. Used where lines alone give a
 * conflict, a name that is bound twice, or an import at a wrong place.
 */

import {
  type Binding,
  commentsOf,
  type ImportStatement,
  importsOf,
  isOrdered,
  type Language,
  statementFor,
  withName,
  withoutComments,
} from './import-statements.js';
import type { TextSides } from './json-merge.js';
import { mergeLines } from './line-merge.js';

export { isPython } from './import-statements.js';

/** Whether the merged text imports something twice that no side alone does. */
export function hasDoubleImports(language: Language, sides: TextSides, merged: string): boolean {
  const known = new Set([sides.current, sides.after].flatMap((text) => doubles(language, text)));
  return doubles(language, merged).some((name) => !known.has(name));
}

function doubles(language: Language, text: string): string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  for (const { module, bindings } of importsOf(language, text)) {
    for (const { local } of bindings) {
      const name = local === '' ? `'${module}'` : local;
      if (seen.has(name)) found.push(name);
      seen.add(name);
    }
  }
  return found;
}

/** Whether the patch adds an import whose place among the others matters. */
export function addsOrdered(language: Language, { before, after }: TextSides): boolean {
  const known = new Set(orderedIn(importsOf(language, before)));
  return orderedIn(importsOf(language, after)).some((module) => !known.has(module));
}

function orderedIn(statements: readonly ImportStatement[]): string[] {
  return statements.filter(isOrdered).map(({ module }) => module);
}

/** Stands for the imports while the rest is merged. */
const MARK = '//\u0001 imports \u0001\n';

/**
 * Undefined where the imports do not stand together, bind one name to two things, comments of them would be changed or stand
 * above others, or the rest does not fit.
 */
export async function mergeImports(language: Language, sides: TextSides): Promise<string | undefined> {
  const [current, before, after] = [sides.current, sides.before, sides.after].map((text) =>
    blockOf(language, text),
  );
  if (!current || !before || !after) return undefined;
  const blocks = { current, before, after };
  const block = mergedBlock(language, blocks);
  if (block === undefined || movesComments(language, blocks, block) || movesOrdered(blocks)) return undefined;
  const [c, b, a] = [current, before, after].map(({ head, tail }) =>
    Buffer.from(head + MARK + tail, 'latin1'),
  );
  const rest = await mergeLines({ current: c as Buffer, before: b as Buffer, after: a as Buffer });
  const text = rest?.text.toString('latin1');
  if (text === undefined || text.split(MARK).length !== 2) return undefined;
  const merged = text.replace(MARK, () => block);
  return hasDoubleImports(language, sides, merged) ? undefined : merged;
}

interface Block {
  readonly head: string;
  readonly tail: string;
  readonly statements: readonly ImportStatement[];
  /** What stands behind each statement: empty lines and comments. */
  readonly gaps: readonly string[];
}

function blockOf(language: Language, text: string): Block | undefined {
  const statements = importsOf(language, text);
  const [first] = statements;
  const last = statements.at(-1);
  if (!first || !last) {
    const head =
      /^(#![^\n]*\n)?((\/\/|#|\/?\*)[^\n]*\n| \*[^\n]*\n|["']use \w+["'];?\n|[ \t]*\n)*/.exec(text)?.[0] ??
      '';
    return { head, tail: text.slice(head.length), statements: [], gaps: [] };
  }
  const gaps = statements.map((one, i) => text.slice(one.end, statements[i + 1]?.start ?? one.end));
  const isTogether = gaps.every((gap) => withoutComments(language, gap).trim() === '');
  if (!isTogether) return undefined;
  return { head: text.slice(0, first.start), tail: text.slice(last.end), statements, gaps };
}

type Blocks = Readonly<Record<'current' | 'before' | 'after', Block>>;

/** Comments are not merged: they say something of the import beside them. */
function movesComments(language: Language, { current, before, after }: Blocks, merged: string): boolean {
  const said = (block: Block) =>
    commentsOf(language, block.statements.map(({ text }, i) => text + block.gaps[i]).join('')).join('\n');
  if (said(before) !== said(after) || commentsOf(language, merged).join('\n') !== said(current)) return true;
  const [first] = current.statements;
  const isAboveFirst = /(^|\n)[ \t]*(\/\/|#(?!!)|\/?\*)[^\n]*\n$/.test(current.head);
  return isAboveFirst && first !== undefined && importsOf(language, merged)[0]?.module !== first.module;
}

/** Whether the patch changes the order of imports that both texts have. */
function movesOrdered({ before, after }: Blocks): boolean {
  const [old, wanted] = [before, after].map(({ statements }) => statements.map(({ module }) => module));
  const common = (modules: readonly string[] = [], others: readonly string[] = []) =>
    modules.filter((module) => others.includes(module)).join('\n');
  const isSame = common(old, wanted) === common(wanted, old);
  return !isSame && orderedIn(before.statements).some((module) => wanted?.includes(module));
}

interface Entry {
  readonly module: string;
  readonly kind: string;
  readonly binding: Binding;
  readonly from: ImportStatement;
}

function entriesOf({ statements }: Block): Entry[] {
  return statements.flatMap((from) =>
    from.bindings.map((binding) => ({ module: from.module, kind: from.kind, binding, from })),
  );
}

function same(a: Entry, b: Entry): boolean {
  return a.module === b.module && a.kind === b.kind && a.binding.text === b.binding.text;
}

/** The current block with what was added and taken out from `before` to `after`. */
function mergedBlock(language: Language, { current, before, after }: Blocks): string | undefined {
  const [here, old, wanted] = [current, before, after].map(entriesOf) as [Entry[], Entry[], Entry[]];
  const added = wanted.filter((one) => !old.some((other) => same(one, other)));
  const gone = old.filter((one) => !wanted.some((other) => same(one, other)));
  let parts = current.statements.map((statement, i) => ({
    statement: statement as ImportStatement | undefined,
    text: statement.text,
    gap: current.gaps[i] ?? '',
  }));
  const reread = (text: string) => importsOf(language, text)[0];
  for (const one of gone) {
    const at = parts.findIndex(({ statement }) => statement && holds(statement, one));
    const part = parts[at];
    if (!part?.statement) continue;
    const left = part.statement.bindings.filter(({ text }) => text !== one.binding.text);
    if (left.length === 0) parts = parts.filter((_, i) => i !== at);
    else if (left.every(({ isListed }) => isListed) && one.binding.isListed) {
      const [first, ...more] = left as [Binding, ...Binding[]];
      let text = statementFor(language, part.statement, first);
      for (const name of more) text = withName(reread(text) as ImportStatement, name);
      parts[at] = { ...part, text, statement: reread(text) };
    } else return undefined;
  }
  for (const one of added) {
    const now = parts.flatMap(({ statement }) => statement ?? []);
    if (now.some((statement) => holds(statement, one))) continue;
    const { local } = one.binding;
    if (local !== '' && now.some(({ bindings }) => bindings.some((other) => other.local === local)))
      return undefined;
    const at = parts.findIndex(
      ({ statement }) =>
        one.binding.isListed &&
        statement?.module === one.module &&
        statement.kind === one.kind &&
        statement.bindings.some(({ isListed }) => isListed),
    );
    const part = parts[at];
    if (part?.statement) {
      const text = withName(part.statement, one.binding);
      const statement = reread(text);
      if (!statement || !holds(statement, one)) return undefined;
      parts[at] = { ...part, text, statement };
      continue;
    }
    const text = ended(statementFor(language, one.from, one.binding), one.from.text);
    const place = placeOf(now, one, after.statements, here.length > 0);
    const earlier = parts[place - 1];
    // A gap belongs to the statement before it: the new one stands directly behind that.
    const gap = earlier?.gap ?? '';
    if (earlier) parts[place - 1] = { ...earlier, text: ended(earlier.text, text), gap: '' };
    parts.splice(place, 0, { statement: reread(text), text, gap });
  }
  return parts.map((part) => part.text + part.gap).join('');
}

function holds(statement: ImportStatement, { module, kind, binding }: Entry): boolean {
  return (
    statement.module === module &&
    statement.kind === kind &&
    statement.bindings.some(({ text }) => text === binding.text)
  );
}

/** A statement at the end of a file may have no line break. */
function ended(text: string, like: string): string {
  return text.endsWith('\n') ? text : text + (like.includes('\r\n') ? '\r\n' : '\n');
}

/** By module where the block is sorted so, else behind what stands before it in its own file, else at the end. */
function placeOf(
  now: readonly ImportStatement[],
  { module, from }: Entry,
  wanted: readonly ImportStatement[],
  hasImports: boolean,
): number {
  if (!hasImports) return now.length;
  if (isOrdered(from)) return orderedPlace(now, from, wanted);
  const modules = now.map((one) => one.module);
  const isSorted =
    modules.length > 1 && modules.every((one, i) => i === 0 || (modules[i - 1] as string) <= one);
  if (isSorted && !now.some(isOrdered)) {
    const at = modules.findIndex((one) => one > module);
    return at < 0 ? now.length : at;
  }
  const before = placeIn(now, wanted.slice(0, wanted.indexOf(from)).reverse());
  return before < 0 ? now.length : before + 1;
}

/** Where it was first it stays so, and else it stands before what follows it in its own file. */
function orderedPlace(
  now: readonly ImportStatement[],
  from: ImportStatement,
  wanted: readonly ImportStatement[],
): number {
  const at = wanted.indexOf(from);
  const last = wanted[at - 1];
  const placed = last && isOrdered(last) ? placeIn(now, [last]) : -1;
  if (placed >= 0) return placed + 1;
  if (at === 0) {
    // Of two that were first, the one that is there already stays so.
    const others = now.findIndex(
      (one) => !isOrdered(one) || wanted.some(({ module }) => module === one.module),
    );
    return from.module === '__future__' ? 0 : others < 0 ? now.length : others;
  }
  const next = placeIn(now, wanted.slice(at + 1));
  return next < 0 ? now.length : next;
}

/** Of the first one of `some` that is there; -1 for none. */
function placeIn(now: readonly ImportStatement[], some: readonly ImportStatement[]): number {
  for (const { module, kind } of some) {
    const at = now.findLastIndex((one) => one.module === module && one.kind === kind);
    if (at >= 0) return at;
  }
  return -1;
}
