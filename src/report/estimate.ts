/** Estimates for people: what a build would use, and the basis of the estimate. Estimates nothing. */

import { countText } from './metrics/text.js';
import { money, plural, type Style, visible } from './style.js';
import { padTo, textWidth } from './width.js';

export interface EstimatedTask {
  readonly label: string;
  readonly model?: string;
  readonly tokens: number;
  readonly costUsd?: number;
  readonly basis: 'like' | 'type' | 'all' | 'prompt';
  readonly from: number;
}

export interface EstimateFacts {
  readonly tasks: number;
  readonly agentTasks: readonly EstimatedTask[];
  /** Tasks for which an agent is asked only if a gate fails on the former result. */
  readonly ifGatesFail?: readonly EstimatedTask[];
  /** Tasks of other features that a proposed change makes out of date; none of the numbers counts them. Absent: none. */
  readonly elsewhere?: number;
}

/** A line for each task that an agent would be asked for. */
export function estimateTable({ agentTasks, ifGatesFail = [] }: EstimateFacts, style: Style): string {
  const row = (task: EstimatedTask, only: string) => [
    visible(task.label),
    visible(task.model ?? ''),
    `${countText(task.tokens)} tokens`,
    task.costUsd === undefined ? 'no known price' : money(task.costUsd),
    `${only}${basisText(task)}`,
  ];
  const rows = [
    ...agentTasks.map((task) => row(task, '')),
    ...ifGatesFail.map((task) => row(task, 'only if a gate fails on the former result: ')),
  ];
  const width = (at: number) => Math.max(0, ...rows.map((row) => textWidth(row[at] ?? '')));
  return rows
    .map(([label = '', model = '', tokens = '', cost = '', basis = '']) => {
      const named = width(1) === 0 ? [] : [padTo(model, width(1))];
      const cells = [padTo(label, width(0)), ...named, padTo(tokens, width(2)), padTo(cost, width(3))];
      return `${cells.join('  ')}  ${style('dim', basis)}\n`;
    })
    .join('');
}

function basisText({ basis, from }: EstimatedTask): string {
  const tasks = plural(from, 'task');
  switch (basis) {
    case 'like':
      return `as ${tasks} of its type, complexity and model`;
    case 'type':
      return `as ${tasks} of its type`;
    case 'all':
      return `as ${tasks} of other types`;
    case 'prompt':
      return 'only its prompt';
  }
}

/** One line: how much work, and what it may cost. */
export function estimateText(facts: EstimateFacts): string {
  const { elsewhere = 0 } = facts;
  if (elsewhere === 0) return ownText(facts);
  const changed =
    elsewhere === 1
      ? '1 changed task of another feature is'
      : `${elsewhere} changed tasks of other features are`;
  return `${ownText(facts)}; ${changed} not counted`;
}

function ownText(facts: EstimateFacts): string {
  const { ifGatesFail = [] } = facts;
  if (facts.tasks === 0) return 'nothing to build';
  if (ifGatesFail.length === 0) return sureText(facts);
  const tokens = countText(ifGatesFail.reduce((sum, one) => sum + one.tokens, 0));
  return `${sureText(facts)}; ${plural(ifGatesFail.length, 'more task')} only if a gate fails on the former result (about ${tokens} tokens)`;
}

function sureText({ tasks, agentTasks }: EstimateFacts): string {
  const work = `${plural(tasks, 'task')} to build, ${agentTasks.length} by agents`;
  if (agentTasks.length === 0) return `${work}: no model call`;
  const tokens = agentTasks.reduce((sum, one) => sum + one.tokens, 0);
  const prices = agentTasks.flatMap(({ costUsd }) => costUsd ?? []);
  const usd = prices.length === 0 ? '' : `, ${money(prices.reduce((a, b) => a + b, 0))}`;
  const unpriced = agentTasks.length - prices.length;
  const rest = prices.length > 0 && unpriced > 0 ? ` and ${unpriced} without a known price` : '';
  const about = `about ${countText(tokens)} tokens${usd}${rest}`;
  const alone = agentTasks.filter(({ basis }) => basis === 'prompt').length;
  if (alone === agentTasks.length)
    return `${work}: prompts of ${about}; agents will read and write more (no earlier builds to estimate from)`;
  const less = alone === 1 ? '1 by its prompt only, which is' : `${alone} by their prompts only, which are`;
  return `${work}: ${about} (${alone === 0 ? 'from similar tasks' : `${less} less than it will be`})`;
}
