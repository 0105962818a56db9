/**
 * The value of a YAML text in the plain form that most specs have, ten times as quickly as the whole parser. It has no
 * places and reports no error: of everything that is not plain, wrong texts included, it says nothing. The package
 * `js-yaml` is as quick, but differs from `yaml` in some twenty forms (empty keys, quotes and brackets over several
 * lines, comments, numbers): the rules that keep those from it were as many as these, and let fewer specs through.
 */

/** Deeper is not plain. */
const MOST_LEVELS = 32;
/** What the YAML of a document, of a tab or of a line end that is not `\n` would need. */
const NOT_PLAIN = /[^\n -~\u00A0-\u2027\u202A-\uFEFE\uFF00-\uFFFD]|^(?:---|\.\.\.|%)/m;
const KEY = /^([A-Za-z_$][\w./-]{0,200}):(?: +(.*))?$/;
const FLOW_KEY = /([A-Za-z_$][\w./-]{0,200}): +/y;
/** Keys that have another name as a property, or are none of their own. */
const ODD_KEY = /^(?:__proto__|null|true|false)$/i;
const FLOW_PLAIN = /(?:[^\s,[\]{}:#&*!|>'"%@`?-]|-(?=[^\s,[\]{}:#]))[^,[\]{}:#\n]*/y;
const DOUBLE_QUOTED = /"(?:[^"\\]|\\["\\/nt])*"/y;
const SINGLE_QUOTED = /'(?:[^']|'')*'/y;
const SPACES = / */y;
const END = / *(?: #.*)?$/y;
const FLOW_START = /^["'[{]/;
const INDICATOR = /^(?:[?:,[\]{}#&*!|>'"%@`]|-(?: |$))/;
const NUMBER =
  /^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.inf|\.nan|[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+)(?:e[-+]?[0-9]+)?)$/i;
const PLAIN_NUMBER = /^(?:0|-?[1-9][0-9]{0,14})$/;
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['', null],
  ['~', null],
  ['null', null],
  ['true', true],
  ['false', false],
]);

/** Undefined when the text is not a plain mapping: then only the whole parser knows. */
export function plainYaml(text: string): unknown {
  if (NOT_PLAIN.test(text)) return undefined;
  try {
    return new PlainReader(text).document();
  } catch (error) {
    if (error === NOT) return undefined;
    throw error;
  }
}

const NOT = Symbol('not plain');

class PlainReader {
  private readonly lines: readonly string[];
  private at = 0;
  /** Of the current line: its indentation, and what stands behind it. */
  private indent = -1;
  private rest = '';

  constructor(text: string) {
    this.lines = text.split('\n');
  }

  document(): unknown {
    this.skip();
    if (this.indent !== 0) throw NOT;
    const value = this.mapping(0, 0);
    if (this.indent >= 0) throw NOT;
    return value;
  }

  /** To the next line that is neither empty nor a comment; at the end its indentation is -1. */
  private skip(): void {
    for (; this.at < this.lines.length; this.at++) {
      const line = this.lines[this.at] as string;
      let indent = 0;
      while (line.charCodeAt(indent) === 32) indent++;
      if (indent === line.length || line.charCodeAt(indent) === 35) continue;
      this.indent = indent;
      this.rest = indent === 0 ? line : line.slice(indent);
      return;
    }
    this.indent = -1;
  }

  private next(): void {
    this.at++;
    this.skip();
  }

  private mapping(indent: number, level: number): unknown {
    const value: Record<string, unknown> = {};
    while (this.indent === indent) {
      const [, key, written = ''] = KEY.exec(this.rest) ?? [];
      if (key === undefined || ODD_KEY.test(key) || Object.hasOwn(value, key)) throw NOT;
      value[key] = this.value(written, indent, { level, isInMapping: true });
    }
    if (this.indent > indent) throw NOT;
    return value;
  }

  private sequence(indent: number, level: number): unknown {
    const value: unknown[] = [];
    while (this.indent === indent && /^-(?: |$)/.test(this.rest)) {
      const written = this.rest.replace(/^- */, '');
      if (!KEY.test(written)) {
        value.push(this.value(written, indent, { level, isInMapping: false }));
        continue;
      }
      // The mapping begins behind the dash.
      this.indent += this.rest.length - written.length;
      this.rest = written;
      value.push(this.mapping(this.indent, deeper(level)));
    }
    if (this.indent > indent) throw NOT;
    return value;
  }

  /** What stands behind a key or a dash, or below it. Leaves the reader at the line after it. */
  private value(
    written: string,
    indent: number,
    { level, isInMapping }: { readonly level: number; readonly isInMapping: boolean },
  ): unknown {
    if (written === '|' || written === '|-') return this.literal(indent, written === '|');
    if (written !== '' && !written.startsWith('#')) {
      const value = scalar(this.wrapped(written, indent));
      this.next();
      if (this.indent > indent) throw NOT;
      return value;
    }
    this.next();
    const isSequence = /^-(?: |$)/.test(this.rest);
    if (this.indent > indent) {
      const below = this.indent;
      return isSequence ? this.sequence(below, deeper(level)) : this.mapping(below, deeper(level));
    }
    if (isInMapping && isSequence && this.indent === indent) return this.sequence(indent, deeper(level));
    return null;
  }

  /** A text that goes on in the next lines, as one line. */
  private wrapped(written: string, indent: number): string {
    if (FLOW_START.test(written)) return written;
    const parts = [written];
    for (;;) {
      const line = this.lines[this.at + 1] ?? '';
      const own = line.search(/[^ ]/);
      if (own <= indent) return parts.length === 1 ? written : parts.map(trimmedEnd).join(' ');
      const more = line.slice(own);
      if (parts.at(-1)?.includes(' #') || INDICATOR.test(more)) throw NOT;
      parts.push(more);
      this.at++;
    }
  }

  private literal(parent: number, isClipped: boolean): string {
    const { lines } = this;
    let from = this.at + 1;
    while (lines[from] === '') from++;
    const indent = (lines[from] ?? '').search(/[^ ]/);
    if (indent <= parent) throw NOT;
    const content: string[] = lines.slice(this.at + 1, from);
    for (; from < lines.length; from++) {
      const line = lines[from] as string;
      const own = line.search(/[^ ]/);
      if (own >= indent) content.push(line.slice(indent));
      else if (own > parent) throw NOT;
      else if (own >= 0) break;
      else if (line.length > indent) throw NOT;
      else content.push('');
    }
    // Without a line end after its last line it would have none.
    if (from >= lines.length && lines.at(-1) !== '') throw NOT;
    while (content.at(-1) === '') content.pop();
    this.at = from;
    this.skip();
    if (this.indent > parent) throw NOT;
    return content.join('\n') + (isClipped ? '\n' : '');
  }
}

function deeper(level: number): number {
  if (level >= MOST_LEVELS) throw NOT;
  return level + 1;
}

/** The value of the rest of a line, a comment at its end left out. */
function scalar(written: string): unknown {
  if (FLOW_START.test(written)) {
    const flow = new FlowReader(written);
    const value = flow.node(0);
    flow.take(END);
    return value;
  }
  if (INDICATOR.test(written)) throw NOT;
  const comment = written.indexOf(' #');
  const text = trimmedEnd(comment < 0 ? written : written.slice(0, comment));
  if (text.includes(': ') || text.endsWith(':')) throw NOT;
  return plain(text);
}

/** What a text without quotes means. Numbers that are written in another way than JSON has them are not plain. */
function plain(text: string): unknown {
  if (WORDS.has(text)) return WORDS.get(text);
  if (PLAIN_NUMBER.test(text)) return Number(text);
  if (NUMBER.test(text) || WORDS.has(text.toLowerCase())) throw NOT;
  return text;
}

/** Reads what stands in brackets or quotes within one line. */
class FlowReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** What a sticky expression matches here. */
  take(expression: RegExp): string {
    expression.lastIndex = this.at;
    const [found] = expression.exec(this.text) ?? [];
    if (found === undefined) throw NOT;
    this.at += found.length;
    return found;
  }

  node(level: number): unknown {
    const first = this.text[this.at];
    if (first === '[') return this.sequence(deeper(level));
    if (first === '{') return this.mapping(deeper(level));
    if (first === '"') return JSON.parse(this.take(DOUBLE_QUOTED));
    if (first === "'") return this.take(SINGLE_QUOTED).slice(1, -1).replaceAll("''", "'");
    return plain(trimmedEnd(this.take(FLOW_PLAIN)));
  }

  private sequence(level: number): unknown {
    const value: unknown[] = [];
    this.entries(']', () => value.push(this.node(level)));
    return value;
  }

  private mapping(level: number): unknown {
    const value: Record<string, unknown> = {};
    this.entries('}', () => {
      const key = this.take(FLOW_KEY).split(':', 1)[0] as string;
      if (ODD_KEY.test(key) || Object.hasOwn(value, key)) throw NOT;
      value[key] = this.node(level);
    });
    return value;
  }

  private entries(end: string, read: () => void): void {
    this.at++;
    this.take(SPACES);
    if (this.text[this.at] === end) {
      this.at++;
      return;
    }
    for (;;) {
      read();
      this.take(SPACES);
      const found = this.text[this.at++];
      if (found === end) return;
      if (found !== ',') throw NOT;
      this.take(SPACES);
    }
  }
}

function trimmedEnd(text: string): string {
  let end = text.length;
  while (text.charCodeAt(end - 1) === 32) end--;
  return text.slice(0, end);
}
