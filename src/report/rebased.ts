/** A revised task in words: the reason, the confidence, and the change of the spec. */

import type { BuildEvent } from '../model/event.js';
import { patchLine } from './difference.js';
import { type Style, visible } from './style.js';

type Rebased = Extract<BuildEvent, { type: 'task.rebased' }>;

/** Lines of a diff that are shown at once; the proposal has all of it. */
const MAX_LINES = 40;

export function rebasedLine({ task, applied, confidence, proposal }: Rebased): string {
  const what = applied ? 'continues with a revised task' : 'a revised task is proposed, and not built';
  return `${visible(task)}: ${what} (confidence ${confidence}), kept in ${visible(proposal)}`;
}

export function rebasedText(event: Rebased, style: Style): string {
  const lines = event.diff.trimEnd().split('\n');
  const shown = lines.slice(0, MAX_LINES).map((line) => `  ${patchLine(visible(line), style)}\n`);
  const more = lines.length > MAX_LINES ? `  … and ${lines.length - MAX_LINES} more lines\n` : '';
  const why = event.reasoning
    .trim()
    .split('\n')
    .map((line) => `  ${visible(line)}\n`);
  const word = style('yellow', event.applied ? 'rebased ' : 'proposed');
  return `${word} ${rebasedLine(event)}\n${why.join('')}${shown.join('')}${more}`;
}
