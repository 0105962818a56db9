/**
 * GitHub's workflow commands: annotations and groups, and text that can be none of them. A line of output that begins
 * with `::name` or holds `##[name]` is a command to GitHub's runner, and it does not matter who wrote the line.
 */

import { visible, visibleBlock } from '../style.js';
import type { Annotation } from './annotations.js';

/** GitHub keeps this many annotations of a level from one step, and drops the others without a word. */
const MAX_ANNOTATIONS = 10;

/** The annotations that GitHub would show, and one line that says how many it would not. */
export function githubAnnotations(annotations: readonly Annotation[]): string {
  const shown = (['error', 'warning'] as const).flatMap((level) =>
    annotations.filter((one) => one.level === level).slice(0, MAX_ANNOTATIONS),
  );
  const left = annotations.length - shown.length;
  const rest =
    left === 0
      ? []
      : [
          command(
            'notice',
            {},
            `GitHub shows ${shown.length} problems of a step; ${left} more are in the log of this step`,
          ),
        ];
  return [...shown.map(annotation), ...rest].join('');
}

function annotation({ level, file, line, column, title, message }: Annotation): string {
  // GitHub refuses a line without its file.
  const place = file === undefined ? {} : { file, line, col: column };
  return command(level, { ...place, title }, message);
}

/** `body`: whole lines. */
export function githubGroup(title: string, body: string): string {
  return `::group::${data(visible(title))}\n${new CommandGuard().text(body)}::endgroup::\n`;
}

type Properties = Readonly<Record<string, string | number | undefined>>;

function command(name: string, properties: Properties, message: string): string {
  const written = Object.entries(properties)
    .filter((one): one is [string, string | number] => one[1] !== undefined)
    .map(([key, value]) => `${key}=${property(visible(String(value)))}`);
  const head = written.length === 0 ? name : `${name} ${written.join(',')}`;
  return `::${head}::${data(visibleBlock(message))}\n`;
}

/** As GitHub's own toolkit escapes them, and no command of the older form within. */
function data(text: string): string {
  return text.replaceAll('##[', '## [').replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}

function property(text: string): string {
  return data(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
}

/** What GitHub's runner skips at the beginning of a line, and a few that it may skip. */
const BLANK = /[\s\u0085\u180e\u200b]/;
/** `trim` removes fewer characters. */
const ALL_BLANK = new RegExp(`^${BLANK.source}*$`);

/**
 * Makes text harmless for GitHub's runner, piece by piece as it is written: a space breaks each command, or within JSON
 * an escape that means the same.
 */
export class CommandGuard {
  /** What the line has so far: nothing, nothing but blanks, one colon after them, or something else. */
  private line: 'empty' | 'blank' | 'colon' | 'text' = 'empty';
  /** Hashes right before what comes next. */
  private hashes = 0;

  text(text: string, isJson = false): string {
    if (text === '') return text;
    // Most output holds neither.
    if (!text.includes(':') && !text.includes('[') && !text.includes('#')) {
      const last = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
      const end = text.slice(last + 1);
      const isStart = last >= 0 || this.line === 'empty' || this.line === 'blank';
      if (end === '') this.line = 'empty';
      else this.line = isStart && ALL_BLANK.test(end) ? 'blank' : 'text';
      this.hashes = 0;
      return text;
    }
    let safe = '';
    for (const character of text) safe += this.next(character, isJson);
    return safe;
  }

  /** Commands of conductor itself, whole lines, as they are written between the text: each begins its line. */
  commands(lines: string): string {
    if (lines === '') return lines;
    const start = this.line === 'empty' ? '' : '\n';
    this.line = 'empty';
    this.hashes = 0;
    return start + lines;
  }

  private next(character: string, isJson: boolean): string {
    let written = character;
    if (character === '[' && this.hashes >= 2) written = isJson ? '\\u005b' : ' [';
    this.hashes = character === '#' ? this.hashes + 1 : 0;
    if (character === '\n' || character === '\r') this.line = 'empty';
    else if (this.line === 'colon') {
      if (character === ':') written = ' :';
      this.line = 'text';
    } else if (this.line !== 'text') {
      if (BLANK.test(character)) this.line = 'blank';
      else this.line = character === ':' ? 'colon' : 'text';
    }
    return written;
  }
}
