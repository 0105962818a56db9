/** Lines of patches that a person changed, and what can be done with the change. Decides nothing. */

import { asCalled } from '../model/output/called-as.js';
import type { Label } from '../model/task.js';
import type { Verdict } from '../model/verdict.js';
import { patchLine } from './difference.js';
import { type Style, visible } from './style.js';

/** Lines that are shown of one change. */
const MAX_LINES = 20;

/** Below the verdict: the lines, whose they are, and the commands that settle it; nothing where no patch was changed. */
export function changedPatchLines(
  { patches = [], accept = [] }: Extract<Verdict, { kind: 'drifted' }>,
  style: Style,
): string[] {
  if (accept.length === 0) return [];
  const lines = patches.flatMap(({ path, tasks, was, now }) => {
    const all = [...was.map((line) => `- ${line}`), ...now.map((line) => `+ ${line}`)];
    const shown = all.slice(0, MAX_LINES).map((line) => `    ${patchLine(visible(line), style)}`);
    const more = all.length > MAX_LINES ? [`    … and ${all.length - MAX_LINES} more lines`] : [];
    return ['', `  ${visible(path)}: ${whose(tasks)} changed by hand`, ...shown, ...more];
  });
  const ways = [
    `to keep the change as a part of ${accept.length === 1 ? 'the patch' : 'the patches'}: \`conductor accept ${accept.map(visible).join(' ')}\``,
    'to put the lines of the patches back: `conductor build --discard-edits`',
  ];
  return [...lines, '', ...ways.map((way) => `  ${asCalled(way, style.calledAs)}`)];
}

function whose(tasks: readonly Label[]): string {
  if (tasks.length === 0) return 'lines of a patch were';
  const names = tasks.map(visible).join(' and ');
  return tasks.length === 1 ? `lines of the patch of ${names} were` : `lines of the patches of ${names} were`;
}
