/** Backlogs for people: tables, and what a build would do to whose files. Decides nothing. */

import type { Verdict } from '../model/verdict.js';
import { patchLine } from './difference.js';
import { oneLine, type Style, visible } from './style.js';
import { describeVerdict } from './verdict.js';
import { padTo, textWidth } from './width.js';

export interface BacklogLine {
  readonly label: string;
  readonly title: string;
  readonly notes: {
    readonly status?: string;
    readonly priority?: string | number;
    readonly owner?: string;
  };
  readonly verdict: Verdict;
}

/** One line a task: label, people's words, title; with `verdicts` also how it stands. */
export function backlogTable(rows: readonly BacklogLine[], style: Style, verdicts: boolean): string {
  const cells = rows.map(({ label, title, notes, verdict }) => [
    visible(label),
    words(notes),
    oneLine(title),
    verdicts ? describeVerdict(verdict) : '',
  ]);
  const width = (at: number) => Math.max(0, ...cells.map((row) => textWidth(row[at] ?? '')));
  const widths = [width(0), width(1), verdicts ? width(2) : 0];
  return cells
    .map(([label = '', said = '', title = '', verdict = '']) => {
      const columns = [
        padTo(label, widths[0] ?? 0),
        ...((widths[1] ?? 0) > 0 ? [style('yellow', padTo(said, widths[1] ?? 0))] : []),
        padTo(title, widths[2] ?? 0),
        ...(verdict === '' ? [] : [style('dim', verdict)]),
      ];
      return `${columns.join('  ').trimEnd()}\n`;
    })
    .join('');
}

function words({ status, priority, owner }: BacklogLine['notes']): string {
  const said = [status, priority === undefined ? undefined : `priority ${priority}`, owner];
  return said.flatMap((word) => (word === undefined ? [] : [visible(String(word))])).join(', ');
}

export interface ProposedTask extends BacklogLine {
  readonly outputs: readonly string[];
  readonly edits: readonly string[];
  readonly commands: readonly string[];
  readonly network: boolean;
}

/** What a person agrees to before it is built: each task with the files it writes and the commands it runs. */
export function proposalText(rows: readonly ProposedTask[], style: Style): string {
  return rows
    .map(({ label, title, outputs, edits, commands, network, verdict }) => {
      const lines = [`${style('bold', visible(label))}  ${oneLine(title)}  ${style('dim', verdict.kind)}`];
      if (outputs.length > 0) lines.push(`  writes  ${outputs.map(visible).join(', ')}`);
      if (edits.length > 0) lines.push(`  patches ${edits.map(visible).join(', ')}`);
      for (const command of commands) lines.push(`  runs    ${visible(command)}`);
      if (network) lines.push(`  uses    ${style('yellow', 'the network')}`);
      return `${lines.join('\n')}\n`;
    })
    .join('');
}

/** What a plan has decided without asking, above the question whether to build it; empty if there is nothing. */
export function decidedText(
  lists: Readonly<Record<'contradictions' | 'assumptions', readonly string[]>>,
  style: Style,
): string {
  const parts = (['contradictions', 'assumptions'] as const).flatMap((name) =>
    lists[name].length === 0
      ? []
      : [style('bold', `${name}:`), ...lists[name].map((one) => `  - ${visible(one)}`)],
  );
  return parts.length === 0 ? '' : `${parts.join('\n')}\n\n`;
}

export interface ProposedElsewhere {
  readonly task: string;
  readonly because: string;
  readonly file: string;
  /** Empty where the spec says so already, and where the change cannot be applied. */
  readonly diff: string;
  /** Why it cannot be applied. */
  readonly problem?: string;
}

/** Changes that a feature proposes for tasks of other features; empty when there is none. */
export function elsewhereText(changes: readonly ProposedElsewhere[], style: Style): string {
  if (changes.length === 0) return '';
  const blocks = changes.map(({ task, because, file, diff, problem }) => {
    const lines = diff.split('\n').filter((line) => line !== '');
    const shown = lines.map((line) => `  ${patchLine(visible(line), style)}`);
    const outcome =
      problem === undefined ? `${visible(file)} says so already` : `cannot be applied: ${visible(problem)}`;
    return [
      `${style('bold', visible(task))}  ${oneLine(because)}`,
      ...(diff === '' ? [`  ${outcome}`] : shown),
    ].join('\n');
  });
  return `changes of other features:\n${blocks.join('\n')}\n`;
}
