/** The text of `conductor blame` for a terminal. */

import type { Usage } from '../model/action.js';
import { duration, money, plural, type Style, visible } from './style.js';

/** What is shown of a making; `commands/blame` finds it. */
export interface ShownMaking {
  readonly recipe?: string;
  readonly agent?: string;
  readonly model?: string;
  readonly attempts?: number;
  readonly usage?: Usage;
  readonly startedAt?: string;
  readonly ms?: number;
  readonly gates?: readonly string[];
  readonly conductor?: string;
  readonly verified?: { readonly against: readonly string[]; readonly at: string };
}

export interface ShownBlame {
  readonly path: string;
  readonly tasks: readonly {
    readonly label: string;
    readonly title: string;
    readonly role: 'owns' | 'patches';
    readonly spec: { readonly file: string; readonly line: number; readonly sections: readonly string[] };
    readonly source: string;
    readonly version?: string;
    readonly result?: string;
    readonly making?: ShownMaking;
    readonly before?: ShownMaking;
    readonly edit?: { readonly change: string; readonly insertions: number; readonly deletions: number };
  }[];
  readonly readBy: readonly string[];
}

export function blameText(blame: ShownBlame, style: Style): string {
  const lines = [style('bold', visible(blame.path))];
  if (blame.tasks.length === 0) lines.push('  hand-written; no task builds it');
  for (const task of blame.tasks) {
    const fact = (name: string, value: string) => {
      if (value !== '') lines.push(`  ${style('dim', name.padEnd(8))}  ${value}`);
    };
    const { making, before, edit, version } = task;
    fact(
      task.role === 'owns' ? 'made by' : 'patched',
      `${style('bold', visible(task.label))}  ${visible(task.title)}`,
    );
    fact(
      'spec',
      `${visible(task.spec.file)}:${task.spec.line}${version === undefined ? '' : ` (version ${version})`}`,
    );
    fact('sections', task.spec.sections.map(visible).join(', '));
    fact('from', visible(task.source));
    if (making) {
      fact('recipe', makerText(making));
      fact('took', tookText(making));
      if (making.verified)
        fact(
          'verified',
          `on ${making.verified.at.slice(0, 10)} against ${making.verified.against.map(visible).join(', ')}`,
        );
      fact('gates', (making.gates ?? []).map(visible).join(', '));
    } else fact('recipe', 'not built yet');
    if (before) fact('before', `${makerText(before)}; ${tookText(before)}`);
    fact('result', task.result === undefined ? '' : task.result.slice(0, 12));
    if (edit) {
      const numbers = edit.change === 'removed' ? 'it is gone' : `+${edit.insertions} -${edit.deletions}`;
      fact('since', style('yellow', `edited by hand: ${numbers}`));
    }
  }
  if (blame.readBy.length > 0)
    lines.push(`  ${style('dim', 'read by '.padEnd(8))}  ${blame.readBy.map(visible).join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function makerText({ recipe, agent, model }: ShownMaking): string {
  if (recipe === 'accepted') return 'accepted: recorded as a person edited it';
  const parts = [agent ?? '', model === undefined ? '' : `model ${model}`].filter((part) => part !== '');
  return [recipe ?? '', ...parts.map(visible)].join(', ');
}

function tookText({ attempts, usage, startedAt, ms }: ShownMaking): string {
  const tokens = (usage?.tokensIn ?? 0) + (usage?.tokensOut ?? 0);
  return [
    attempts === undefined || attempts === 0 ? '' : plural(attempts, 'attempt'),
    ms === undefined ? '' : duration(ms),
    usage?.costUsd === undefined ? '' : money(usage.costUsd),
    tokens === 0 ? '' : plural(tokens, 'token'),
    startedAt === undefined ? '' : `on ${startedAt.slice(0, 10)}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}
