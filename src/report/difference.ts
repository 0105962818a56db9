/** Differences of files for people: a coloured patch, or one line per file. */

import { plural, type Style, visible, visibleBlock } from './style.js';
import { padTo, textWidth } from './width.js';

/** What is shown of a file that differs; `io/git/tree-diff` makes it. */
export interface ShownDifference {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly insertions: number;
  readonly deletions: number;
  readonly binary: boolean;
  readonly patch: string;
}

/** The patch as git prints it, without the line of object ids, each line in its colour. */
export function patchText(file: ShownDifference, style: Style): string {
  const lines = visibleBlock(file.patch).replace(/\n+$/, '').split('\n');
  let inHead = true;
  const shown = lines.flatMap((line) => {
    if (line.startsWith('@@')) inHead = false;
    if (inHead && line.startsWith('index ')) return [];
    return [inHead ? style('bold', line) : patchLine(line, style)];
  });
  return `${shown.join('\n')}\n`;
}

/** One line of a unified diff in its colour. */
export function patchLine(line: string, style: Style): string {
  if (line.startsWith('+')) return style('green', line);
  if (line.startsWith('-')) return style('red', line);
  return line.startsWith('@@') ? style('cyan', line) : line;
}

/** `+3 -1`, and what else is to be said of the file. */
export function changeText(file: ShownDifference, style: Style): string {
  const word = file.change === 'changed' ? '' : ` ${file.change === 'added' ? 'new' : 'gone'}`;
  if (file.binary) return `no text${word}`;
  return `${style('green', `+${file.insertions}`)} ${style('red', `-${file.deletions}`)}${word}`;
}

/** One aligned line a file; `lead` stands before each. */
export function statLines(files: readonly ShownDifference[], style: Style, lead = ' '): string[] {
  const width = Math.max(0, ...files.map(({ path }) => textWidth(visible(path))));
  return files.map((file) => `${lead}${padTo(visible(file.path), width)}  ${changeText(file, style)}`);
}

/** `2 files changed, +10 -3`. */
export function sumText(files: readonly ShownDifference[]): string {
  const sum = (of: (file: ShownDifference) => number) => files.reduce((total, file) => total + of(file), 0);
  const lines = `+${sum((file) => file.insertions)} -${sum((file) => file.deletions)}`;
  return `${plural(files.length, 'file')} changed, ${lines}`;
}
