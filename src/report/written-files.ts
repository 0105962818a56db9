/** The files that a command wrote or left, one per line. Knows no disk. */

import { plural, type Style, visible } from './style.js';

/** Files of one folder beyond this number are counted. */
const LISTED = 3;

export type Word =
  | 'wrote'
  | 'added'
  | 'kept'
  | 'left'
  | 'removed'
  | 'no gate'
  // Of a dry run.
  | 'writes'
  | 'leaves'
  | 'removes';

const GREEN: ReadonlySet<Word> = new Set(['wrote', 'writes', 'added']);

export function wordLine(word: Word, text: string, style: Style): string {
  return `${style(GREEN.has(word) ? 'green' : 'yellow', word.padEnd(7))}  ${visible(text)}`;
}

/** `specs/a/BACKLOG.yaml`; `templates/a/ (12 files)` where a folder has many. */
export function writtenLines(
  paths: readonly string[],
  style: Style,
  word: 'wrote' | 'writes' = 'wrote',
): string[] {
  const byFolder = new Map<string, string[]>();
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), path]);
  }
  return [...byFolder].flatMap(([folder, files]) =>
    files.length > LISTED && folder !== ''
      ? [wordLine(word, `${folder} (${plural(files.length, 'file')})`, style)]
      : files.map((path) => wordLine(word, path, style)),
  );
}
