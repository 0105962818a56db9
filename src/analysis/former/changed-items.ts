/**
 * Judges one change of a task's manifest: whether the task says the same, only what it builds on changed, or the task
 * itself. Knows no gate.
 */

import {
  isBuilderItem,
  type ManifestChange,
  type Provenance,
  type StoredResult,
  type TaskWords,
} from '../../model/action.js';
import { isExclude, patternSet } from '../../model/paths/pattern-set.js';
import type { Task } from '../../model/task.js';
import type { TaskFacts } from '../facts.js';
import { isOfFormat, type KnownResults } from './reformatted.js';

/**
 * `format`: formatters, or files that they changed. `same`: the task says the same in other words of conductor, with other
 * white space or in another order. `around`: what it builds on. `own`: the task itself.
 */
export type ChangeKind = 'format' | 'same' | 'around' | 'own';

export interface JudgedTask {
  readonly task: Task;
  readonly facts: TaskFacts;
  readonly result: StoredResult;
  /** People wrote its files, and nothing was built for it: who would build it does not matter. */
  readonly isHandWork: boolean;
}

/** Items of a manifest that tell of files which other tasks or people write. */
const AROUND = /^(dependency|input|all files of dependency|patches of) /;
/** Of these, those that the task itself names: to add one is a change of its spec. */
const NAMED = /^(dependency|input) /;
const ON_DISK = 'written to disk with';
const PROMPT = 'prompt';

export async function kindOf(
  known: KnownResults,
  judged: JudgedTask,
  change: ManifestChange,
): Promise<ChangeKind> {
  const { task, facts, result, isHandWork } = judged;
  const { name, before, after } = change;
  if (await isOfFormat(known, task, change)) return 'format';
  if (isBuilderItem(name)) return isHandWork || isReworded(judged, change) ? 'same' : 'own';
  if (name === PROMPT) return promptKind(facts, result.provenance);
  if (name === 'outputs' || name === 'edits') {
    // The last pattern that matches a file decides, so with an exclude the order says which files they are.
    const isOrdered = name === 'outputs' && task.outputs.some(isExclude);
    if (!isOrdered && isReordered(before, after)) return 'same';
    return name === 'outputs' && holds(task, result) ? 'around' : 'own';
  }
  if (name === ON_DISK) return 'around';
  if (!AROUND.test(name)) return 'own';
  return NAMED.test(name) && before === undefined ? 'own' : 'around';
}

/** The names of changes, for people; of a prompt, its documents. */
export function namesOf({ facts: { prompt } }: JudgedTask, changes: readonly ManifestChange[]): string[] {
  const names = changes.filter(({ name }) => name !== PROMPT).map(({ name }) => name);
  const text = changes.find(({ name }) => name === PROMPT);
  const all = [...names, ...(text ? (prompt?.documentsSince(text.before ?? '') ?? []) : [])];
  if (all.length > 0) return all;
  return [text ? 'the wording of its prompt' : 'the order of its lists'];
}

function promptKind({ prompt }: TaskFacts, { words }: Provenance): ChangeKind {
  if (!prompt || !words) return 'own';
  const now = prompt.words();
  if (words.task !== now.task) return 'own';
  return words.documents === now.documents ? 'same' : 'around';
}

/** The same agent definition of conductor in another wording, for the same driver. */
function isReworded(
  { facts: { shippedAgent }, result }: JudgedTask,
  { name, before = '', after = '' }: ManifestChange,
): boolean {
  if (name !== 'agent' || shippedAgent === undefined) return false;
  if (shippedAgent !== result.provenance.words?.shippedAgent) return false;
  const driver = (value: string) => value.split('\n', 1)[0];
  return driver(before) === driver(after);
}

function isReordered(before: string | undefined, after: string | undefined): boolean {
  const sorted = (text: string) => text.split('\n').sort().join('\n');
  return before !== undefined && after !== undefined && sorted(before) === sorted(after);
}

/** Whether the patterns of today name exactly the files of the result. */
function holds({ outputs }: Task, result: StoredResult): boolean {
  const set = patternSet(outputs);
  const paths = [...result.outputs.keys()];
  return paths.every((path) => set.matches(path)) && set.unmatched(paths).length === 0;
}

/** What a record needs, so that a later change can be judged. */
export function recordedWords({
  prompt,
  shippedAgent,
}: Pick<TaskFacts, 'prompt' | 'shippedAgent'>): Pick<Provenance, 'words'> {
  if (!prompt) return {};
  const words: TaskWords = { ...prompt.words(), ...(shippedAgent === undefined ? {} : { shippedAgent }) };
  return { words };
}
