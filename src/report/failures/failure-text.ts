/** The parts of a failure's text. Knows no kind of failure. */

import type { BudgetScope, Diagnostic, KeptOutput } from '../../model/failure.js';
import type { Label } from '../../model/task.js';

export interface FailureText {
  readonly headline: string;
  readonly facts: readonly (readonly [string, string])[];
  readonly hint?: string;
  /** The end of a log, shown once. */
  readonly block?: string;
  readonly diagnostics?: readonly Diagnostic[];
}

export type Facts = FailureText['facts'];

export function say(headline: string, facts: Facts, hint: string): FailureText {
  return { headline, facts, hint };
}

export function kept(headline: string, facts: Facts, output: KeptOutput, hint: string): FailureText {
  const all: Facts = output.log === undefined ? facts : [...facts, ['log', output.log]];
  return { headline, facts: all, hint, ...(output.tail.trim() === '' ? {} : { block: output.tail }) };
}

export function list(name: string, values: readonly string[]): (readonly [string, string])[] {
  return values.map((value, index) => [index === 0 ? name : '', value] as const);
}

export function at(file: string, line: number | undefined): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** Whose budget it is, as the subject of a sentence after `the`. */
export function budgetOwner(scope: BudgetScope): string {
  return scope === 'projects' ? 'list of projects' : scope;
}

export function budgetHint(scope: BudgetScope): string {
  if (scope === 'task') return 'split the task, or raise its `budget` in the spec';
  return scope === 'projects'
    ? 'finished work is kept; raise `limits.usd` or `limits.tokens` in the list of projects to continue'
    : `finished work is kept; raise \`budget.${scope}\` in the config to continue`;
}

/** A command that can be pasted; where no task is known, the one that names it. */
export function acceptCommand(tasks: readonly Label[]): string {
  return tasks.length === 0
    ? '`conductor accept` (`conductor status` names the task)'
    : `\`conductor accept${tasks.map((task) => ` ${task}`).join('')}\``;
}
