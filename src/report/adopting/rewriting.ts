/** What `conductor mv`, `rm` and `disown` did, or would do. Knows no disk. */

import { plural, type Style, visible } from '../style.js';
import { wordLine, writtenLines } from '../written-files.js';

export interface ShownRewriting {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly kept: number;
  readonly stale: readonly string[];
  /** Files that stay although their task is gone, and why. */
  readonly left?: readonly string[];
  readonly mentions?: readonly string[];
  readonly unproven?: readonly string[];
}

/** Names that one line lists. */
const MAX_NAMED = 8;

/** One line for each file, then what is to be known. */
export function rewritingText(done: ShownRewriting, style: Style): string {
  const { written, removed, left = [], mentions = [], unproven = [], stale, kept } = done;
  const notes = [
    ...(kept > 0 ? [`${plural(kept, 'task')} kept their results under new keys`] : []),
    ...(unproven.length > 0
      ? [`the next build runs the gates of ${list(unproven)}: their files have other paths`]
      : []),
    ...(stale.length > 0 ? [`out of date before, and still: ${list(stale)}`] : []),
    ...(mentions.length > 0
      ? [`${list(mentions)} may name it, too; conductor does not change settings`]
      : []),
  ];
  return [
    ...writtenLines(written, style),
    ...removed.map((path) => wordLine('removed', path, style)),
    ...left.map((path) => wordLine('left', `${path}: people wrote or edited it`, style)),
    ...notes.map(visible),
  ].join('\n');
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(', ');
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown;
}
