/** What `conductor adopt` says. Knows no disk. */

import { plural, type Style, visible } from '../style.js';
import { wordLine, writtenLines } from '../written-files.js';

export interface ShownTask {
  readonly id: string;
  readonly outputs: readonly string[];
  readonly depends_on?: readonly string[];
}

export interface ShownAdoption {
  readonly feature: string;
  readonly file: string;
  readonly tasks: readonly ShownTask[];
  readonly files: number;
  readonly skipped: readonly { readonly path: string; readonly because: string }[];
  readonly others: number;
  readonly gates: readonly string[];
}

/** Files that are named in one list. */
const MAX_NAMED = 20;

/** The tasks with their files, and what was left out. */
export function adoptionText(
  adoption: ShownAdoption,
  { dryRun, style }: { readonly dryRun: boolean; readonly style: Style },
): string {
  const { feature, file, tasks, files, skipped, others, gates } = adoption;
  const width = Math.max(...tasks.map(({ id }) => id.length));
  const lines = tasks.map(({ id, outputs, depends_on: needs = [] }) => {
    const [first = '', ...more] = outputs;
    const rest = more.length === 0 ? '' : ` and ${plural(more.length, 'file')}`;
    const needed = needs.length === 0 ? '' : style('dim', `  after ${needs.join(', ')}`);
    return `  ${visible(id).padEnd(width)}  ${visible(first)}${rest}${visible(needed)}`;
  });
  return [
    `${style('bold', visible(feature))}: ${plural(tasks.length, 'task')}, ${plural(files, 'file')}`,
    ...lines,
    ...(gates.length === 0 ? [] : [`  gates of these tasks: ${gates.map(visible).join(', ')}`]),
    ...writtenLines([file], style, dryRun ? 'writes' : 'wrote'),
    ...skippedLines(skipped, { word: dryRun ? 'leaves' : 'left', style }),
    ...(others === 0
      ? []
      : [
          `${plural(others, 'file')} without source code: hand-written as before; name a file to adopt it, too`,
        ]),
  ].join('\n');
}

function skippedLines(
  skipped: ShownAdoption['skipped'],
  { word, style }: { readonly word: 'leaves' | 'left'; readonly style: Style },
): string[] {
  const shown = skipped
    .slice(0, MAX_NAMED)
    .map(({ path, because }) => wordLine(word, `${path}: ${because}`, style));
  if (skipped.length <= MAX_NAMED) return shown;
  return [...shown, wordLine(word, plural(skipped.length - MAX_NAMED, 'more file'), style)];
}
