/** How values are written for people: colours, durations, money, untrusted text. Knows no events. */

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** How text for one reader is written. */
export interface Style {
  /** Wraps text in a colour, or leaves it as it is. */
  (colour: Colour, text: string): string;
  /** How this person calls conductor (`npx conductor`); absent: `conductor`. */
  readonly calledAs?: string;
}

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

export const plainStyle: Style = (_colour, text) => text;

export function styleOf(colours: boolean, calledAs?: string): Style {
  const write: Style = colours
    ? (colour, text) => `\u001b[${CODES[colour][0]}m${text}\u001b[${CODES[colour][1]}m`
    : (_colour, text) => text;
  return calledAs === undefined ? write : Object.assign(write, { calledAs });
}

/** The same for a reader who calls conductor in another way. */
export function calledAs(style: Style, name: string): Style {
  const write: Style = (colour, text) => style(colour, text);
  return Object.assign(write, { calledAs: name });
}

/** `42ms`, `3.2s`, `1m 12s`, `2h 5m`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}

/** US dollars: `$0.41`; below a cent as many digits as it takes to see something. */
export function money(usd: number): string {
  if (usd > 0 && usd < 0.01) return `$${usd.toPrecision(1).includes('e') ? '0.00' : usd.toPrecision(1)}`;
  return `$${usd.toFixed(2)}`;
}

export function bytes(count: number): string {
  if (count < 1024) return plural(count, 'byte');
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KB`;
  return `${(count / 1024 / 1024).toFixed(1)} MB`;
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

/**
 * One line of foreign text: every control character is shown as a picture, so that no label, path or output can move
 * the cursor, and what turns the direction of writing is shown as its number.
 */
export function visible(text: string): string {
  // Nearly all text: a build may have a hundred thousand labels.
  if (PRINTED.test(text)) return text;
  return [...text].map(visibleCharacter).join('');
}

/** Printable ASCII, which is shown as it is. */
const PRINTED = /^[ -~]*$/;

/** Foreign sentences in one line, however they were wrapped. */
export function oneLine(text: string): string {
  return visible(text.trim().replace(/\s+/g, ' '));
}

/** Foreign text of several lines: line breaks and tabs stay, plain colours are dropped, all else is made visible. */
export function visibleBlock(text: string): string {
  return withoutColours(text)
    .replace(/\r\n/g, '\n')
    .split('\n')
    .map((line) => line.split('\t').map(visible).join('\t'))
    .join('\n');
}

/** Without the sequences that only set a colour. */
export function withoutColours(text: string): string {
  return text
    .split('\u001b[')
    .map((part, index) => {
      if (index === 0) return part;
      const colour = /^[0-9;:]*m/.exec(part);
      return colour ? part.slice(colour[0].length) : `\u001b[${part}`;
    })
    .join('');
}

function visibleCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  const turns = code === 0x200e || code === 0x200f || code === 0x061c;
  const embeds = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  const breaks = code === 0x2028 || code === 0x2029;
  if ((code >= 0x80 && code < 0xa0) || turns || embeds || breaks) {
    return `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return character;
}

/** A limit or a wait in minutes, for a sentence. */
export function minutes(count: number): string {
  return count < 1 ? duration(count * 60_000) : plural(count, 'minute');
}
