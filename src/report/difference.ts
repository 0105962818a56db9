/** Differences of files for people: a coloured patch, or one line per file. */

import { type DriftCause, driftCause } from '../model/formatting/drift-cause.js';
import { asCalled } from '../model/output/called-as.js';
import type { Label } from '../model/task.js';
import type { ChangedPatch, Verdict } from '../model/verdict.js';
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
  /** Of a file that tasks only patch: what was changed in their patches. */
  readonly patches?: readonly ChangedPatch[];
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
  const where = file.patches ? `, ${changedPart(file.patches)}` : '';
  if (file.binary) return `no text${word}${where}`;
  return `${style('green', `+${file.insertions}`)} ${style('red', `-${file.deletions}`)}${word}${where}`;
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

const DRIFT_CAUSES: Readonly<Record<DriftCause, string>> = {
  'line-ends':
    'line ends (CRLF and LF), so git or an editor has converted them: a line `* text=auto` in .gitattributes makes them the same everywhere',
  'final-newline': 'line breaks at the end, so an editor or a hook has written them',
  layout: 'white space, quotes, commas and semicolons, so a formatter has written them',
};
const GIVE_FORMAT = ': give its command to `format` of the config';

/** One line; undefined where people may have changed something. `hasFormat`: conductor knows a formatter for all of them. */
export function driftCauseText(
  files: readonly { readonly patch: string }[],
  hasFormat: boolean,
): string | undefined {
  const cause = driftCause(files.map(({ patch }) => patch));
  if (cause === undefined) return undefined;
  const which =
    files.length === 1 ? 'the edited file differs' : `all ${plural(files.length, 'edited file')} differ`;
  const advice = hasFormat || cause === 'line-ends' ? '' : GIVE_FORMAT;
  return `${which} only in ${DRIFT_CAUSES[cause]}${advice}; \`conductor accept\` keeps the edits`;
}

/** Lines that are shown of one change. */
const MAX_LINES = 20;

/** Below the verdict: the lines, whose they are, and the commands that settle it; nothing where no patch was changed. */
export function changedPatchLines(
  { patches = [], accept = [] }: Extract<Verdict, { kind: 'drifted' }>,
  style: Style,
): string[] {
  if (accept.length === 0) return [];
  const lines = patches.flatMap((one) => [
    '',
    `  ${changedPatchText(one)}`,
    ...touchedLines(one, style, MAX_LINES).map((line) => `    ${line}`),
  ]);
  const ways = [
    `to keep the change as a part of ${accept.length === 1 ? 'the patch' : 'the patches'}: \`conductor accept ${accept.map(visible).join(' ')}\``,
    'to put the lines of the patches back: `conductor build --discard-edits`',
  ];
  return [...lines, '', ...ways.map((way) => `  ${asCalled(way, style.calledAs)}`)];
}

export function changedPatchText({ path, tasks }: ChangedPatch): string {
  return `${visible(path)}: lines of ${patchesOf(tasks)} were changed by hand`;
}

/** The lines of one change, before and after. */
export function touchedLines({ was, now }: ChangedPatch, style: Style, most: number): string[] {
  const all = [...was.map((line) => `- ${line}`), ...now.map((line) => `+ ${line}`)];
  const shown = all.slice(0, most).map((line) => patchLine(visible(line), style));
  return all.length > most ? [...shown, `… and ${plural(all.length - most, 'more line')}`] : shown;
}

/** Where a file was changed that tasks only patch. */
export function changedPart(patches: readonly ChangedPatch[]): string {
  if (patches.length === 0) return 'outside of the patches';
  return `in ${patchesOf([...new Set(patches.flatMap(({ tasks }) => tasks))])}`;
}

function patchesOf(tasks: readonly Label[]): string {
  if (tasks.length === 0) return 'a patch';
  const names = tasks.map(visible).join(' and ');
  return tasks.length === 1 ? `the patch of ${names}` : `the patches of ${names}`;
}
