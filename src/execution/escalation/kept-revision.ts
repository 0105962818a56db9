/**
 * Remembers which revised task was built in place of which key, until its text is in the spec: a build that is
 * interrupted before it publishes has paid for it. Knows no agent.
 */

import type { Prepared } from '../../analysis/prepare.js';
import type { Check } from '../../analysis/verdict.js';
import { readText, writeAtomic } from '../../io/files.js';
import type { ActionKey } from '../../model/action.js';
import type { StaleTask } from '../describe-run.js';
import { improvedSpec, type RevisedTask, specText, taskIn } from './revised-task.js';

/** A revised task with a stored result. */
export interface FoundRevision {
  readonly revision: RevisedTask;
  readonly check: Check;
  readonly result: string;
  /** That its result needed. */
  readonly attempts: number;
}

type Kept = Omit<RevisedTask, 'task'> & { readonly attempts: number };

const fileOf = ({ project }: Prepared, key: ActionKey) => `${project.repository.state}/revised/${key}.json`;

/** `key`: of the task as its spec has it. */
export async function keepRevision(
  prepared: Prepared,
  key: ActionKey,
  { task: _, ...revision }: RevisedTask,
  attempts: number,
): Promise<void> {
  const kept: Kept = { ...revision, attempts };
  await writeAtomic(fileOf(prepared, key), JSON.stringify(kept));
}

/** The revised task that was built for a stale one; undefined if there is none, or today's spec or store is another. */
export async function findRevision(
  prepared: Prepared,
  { check, dependencyOutputs }: StaleTask,
): Promise<FoundRevision | undefined> {
  const kept = parsed(await readText(fileOf(prepared, check.storeKey)));
  if (!kept) return undefined;
  const { attempts, ...words } = kept;
  const revision: RevisedTask = { ...words, task: check.task };
  const text = await improvedSpec(await specText(prepared, check.task), revision);
  const task = text.ok ? await taskIn(text.value, check.task) : text;
  if (!task.ok) return undefined;
  const checked = await prepared.checkerOverEdits.check(task.value, dependencyOutputs);
  const candidate =
    checked.ok && checked.value.verdict.kind === 'cached' ? checked.value.candidate : undefined;
  if (!checked.ok || !candidate) return undefined;
  return { revision, check: checked.value, result: candidate.commit, attempts };
}

function parsed(text: string | undefined): Kept | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as Kept | null;
    const isSound = value && typeof value.words === 'object' && Array.isArray(value.inputs);
    return isSound ? value : undefined;
  } catch {
    return undefined;
  }
}
