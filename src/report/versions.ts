/** A feature's versions for a terminal. */

import { money, plural, type Style, visible } from './style.js';
import { padTo, textWidth } from './width.js';

/** What is shown of a version; `commands/versions/version-history` makes it. */
export interface ShownVersion {
  readonly version: string;
  readonly at: string;
  readonly commit: string | undefined;
  readonly subject: string | undefined;
  readonly costUsd: number;
  readonly acceptance: { readonly added: number; readonly removed: number };
  readonly tasks: readonly {
    readonly id: string;
    readonly change: 'added' | 'removed' | 'changed';
    readonly items: readonly string[];
    readonly result?: string;
    readonly recipe?: string;
  }[];
}

/** Newest first: a line for each version, below it what changed. */
export function versionsText(versions: readonly ShownVersion[], style: Style): string {
  const width = Math.max(0, ...versions.map(({ version }) => textWidth(version)));
  const lines = versions.flatMap((version) => [
    headLine(version, width, style),
    ...changeLines(version, style),
  ]);
  return `${lines.join('\n')}\n`;
}

function headLine(
  { version, at, commit, subject, costUsd }: ShownVersion,
  width: number,
  style: Style,
): string {
  const place = commit === undefined ? 'not committed' : commit.slice(0, 10);
  const parts = [
    style('bold', padTo(version, width)),
    at === '' ? '-' : at.slice(0, 16).replace('T', ' '),
    style('dim', place),
    ...(costUsd > 0 ? [money(costUsd)] : []),
    ...(subject === undefined ? [] : [style('dim', visible(subject))]),
  ];
  return parts.join('  ');
}

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;
const COLOURS = { added: 'green', removed: 'red', changed: 'yellow' } as const;

function changeLines({ tasks, acceptance }: ShownVersion, style: Style): string[] {
  const lines = tasks.map(({ id, change, items, result, recipe }) => {
    const what = items.length > 0 ? `  ${items.map(visible).join(', ')}` : '';
    const made = result === undefined ? '' : style('dim', `  ${recipe ?? 'made'} ${result.slice(0, 10)}`);
    return `  ${style(COLOURS[change], SIGNS[change])} ${visible(id)}${what}${made}`;
  });
  const { added, removed } = acceptance;
  const counts = [
    ...(added > 0 ? [`${plural(added, 'criterion', 'criteria')} added`] : []),
    ...(removed > 0 ? [`${plural(removed, 'criterion', 'criteria')} removed or changed`] : []),
  ];
  return counts.length === 0 ? lines : [...lines, `    ${counts.join(', ')}`];
}
