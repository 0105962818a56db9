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
  /** Of a move: the old name and the new one. */
  readonly from?: string;
  readonly to?: string;
  /** Lines whose commands name the old path. */
  readonly commands?: readonly string[];
}

/** Names that one line lists. */
const MAX_NAMED = 8;

/** One line for each file, then what is to be known. */
export function rewritingText(
  done: ShownRewriting,
  { dryRun, style }: { readonly dryRun: boolean; readonly style: Style },
): string {
  const { written, removed, left = [], mentions = [], unproven = [], stale, kept } = done;
  const { from, to, commands = [] } = done;
  const [wrote, took, stays] = dryRun
    ? (['writes', 'removes', 'leaves'] as const)
    : (['wrote', 'removed', 'left'] as const);
  const notes = [
    ...(kept > 0
      ? [
          `${plural(kept, 'task')} ${dryRun ? 'keep' : 'kept'} ${kept === 1 ? 'its result under a new key' : 'their results under new keys'}`,
        ]
      : []),
    ...(left.length > 0 && from !== undefined && to !== undefined
      ? [
          `folders and globs that named ${from} name ${to} now: a task that reads files which stayed needs both in \`inputs\``,
        ]
      : []),
    ...(commands.length > 0
      ? [
          `commands still name ${from}: ${list(commands)}; change them, because a rebuild of these tasks runs them as they are`,
        ]
      : []),
    ...(unproven.length > 0
      ? [`the next build runs the gates of ${list(unproven)}: their files have other paths`]
      : []),
    ...(stale.length > 0 ? [`out of date before, and still: ${list(stale)}`] : []),
    ...(mentions.length > 0
      ? [
          `settings may name ${from ?? 'what is removed'}, too: ${list(mentions)}; conductor does not change them`,
        ]
      : []),
  ];
  return [
    ...writtenLines(written, style, wrote),
    ...removed.map((path) => wordLine(took, path, style)),
    ...left.map((path) => wordLine(stays, `${path}: people wrote or edited it`, style)),
    ...notes.map(visible),
  ].join('\n');
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(', ');
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown;
}
