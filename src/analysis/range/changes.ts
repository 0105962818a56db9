/**
 * Which tasks a set of changes touches: those whose words, lock entry, files or readers' files are among them. Rather names a
 * task too many. `--since`, the index of the last build and a watch ask it; nothing else decides what a change may concern.
 */

import { AGENT_FOLDER } from '../../agent/prompts/definitions.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Feature, Label, Task } from '../../model/task.js';
import type { Listing } from '../../model/tree.js';
import { PROMPTS } from '../../project/agent-files.js';
import { lockedTask, type Project } from '../../project/project.js';
import { formatSteps } from '../format-settings.js';
import { otherEditors } from '../patches.js';
import { PARTIALS, TEMPLATES } from '../template-files.js';
import { gatesOf } from '../visible-files.js';

/** What differs between two states of one project. */
export interface Changes {
  /** Paths with another content, mode or owner, removed ones included. Only the paths count. */
  readonly paths: Listing;
  /** Whether people wrote one of these files, before or after, and it is no spec. */
  readonly hasHandWork: boolean;
  /** Whether the task says what it said before (`wordsOf`). */
  hasSameWords(task: Task): boolean;
  /** Whether all that is recorded of the task is what was recorded before. */
  hasSameLock(task: Task): boolean;
}

/** What a task and its gates may read beside the work of other tasks. */
export interface TaskReads {
  /** Paths of single files: those that it edits, that its agent was seen to read, its templates. */
  readonly files: readonly string[];
  /** Lists of patterns, with excludes. */
  readonly lists: readonly (readonly string[])[];
  /** Everything below these folders, each with a `/` at its end. */
  readonly folders: readonly string[];
  /** Every file that people wrote. */
  readonly handWork: boolean;
}

export function readsOf(project: Project, task: Task): TaskReads {
  const { recipe, inputs, edits } = task;
  const gates = gatesOf(project, task);
  const observed = lockedTask(project, task)?.observed;
  const templates =
    recipe.kind === 'render' ? recipe.steps.map(({ template }) => TEMPLATES + template) : NONE;
  const named = [inputs, ...gates.map((gate) => gate.inputs)].filter((list) => list !== undefined);
  const lists = [...named, ...formatSteps(project.config, task).map((step) => step.inputs)];
  // A template reads no files, but a gate that names none of them may.
  const isTemplate = recipe.kind === 'render' && gates.every((gate) => gate.inputs !== undefined);
  return {
    files: [...edits, ...(observed ? Object.keys(observed) : NONE), ...templates],
    lists,
    folders: FOLDERS[recipe.kind] ?? NONE,
    // Without `inputs` it reads every file that people wrote.
    handWork: inputs === undefined && !isTemplate,
  };
}

const NONE: readonly never[] = [];
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  agent: [PROMPTS, AGENT_FOLDER],
  render: [PARTIALS],
};

/** Whether one of the changes is one of the task itself, or of a file that it may read. Knows no dependencies. */
export function isTouched(project: Project, task: Task, changes: Changes): boolean {
  if (!changes.hasSameWords(task) || !changes.hasSameLock(task)) return true;
  const { paths } = changes;
  const reads = readsOf(project, task);
  if (paths.paths.length > 0) {
    if (ownersOf(project, paths).has(task.label)) return true;
    if (reads.files.some((path) => paths.get(path) !== undefined)) return true;
    if (reads.lists.some((list) => hasAny(list, paths))) return true;
    if (reads.folders.some((folder) => paths.under(folder).length > 0)) return true;
  }
  return reads.handWork && changes.hasHandWork;
}

const owners = new WeakMap<Listing, ReadonlySet<Label>>();

/** The tasks whose outputs are among the paths. */
function ownersOf({ ownership }: Project, paths: Listing): ReadonlySet<Label> {
  const known = owners.get(paths);
  if (known) return known;
  const found = new Set(paths.paths.flatMap((path) => ownership.ownerOf(path) ?? []));
  owners.set(paths, found);
  return found;
}

const answers = new WeakMap<Listing, Map<readonly string[], boolean>>();

/** Whether the list has one of the paths. Lists of the config are those of many tasks: each is compared once. */
function hasAny(list: readonly string[], paths: Listing): boolean {
  if (list.length === 0) return false;
  const known = answers.get(paths) ?? new Map<readonly string[], boolean>();
  answers.set(paths, known);
  const before = known.get(list);
  if (before !== undefined) return before;
  const set = patternSet(list);
  const answer = set.includes.some((include) => set.selectBy(include, paths).length > 0);
  known.set(list, answer);
  return answer;
}

/** These tasks and all that see their work, directly or through others. */
export function withReaders(project: Project, touched: Iterable<Label>): Set<Label> {
  const labels = new Set(touched);
  const open = [...labels];
  for (let label = open.pop(); label !== undefined; label = open.pop()) {
    for (const reader of readersOf(project, label)) {
      if (!labels.has(reader)) open.push(reader);
      labels.add(reader);
    }
  }
  return labels;
}

/** What sees the work of a task: its dependents, and other tasks that patch the same files. */
function readersOf(project: Project, label: Label): Label[] {
  const task = project.graph.task(label);
  const beside = task.edits.flatMap((path) => otherEditors(project, task, path));
  return [...project.graph.dependents(label), ...beside];
}

/** What a task says, also by its feature: all that stands in its spec but notes of people. Plain JSON. */
export function wordsOf(task: Task, feature: Feature | undefined): object {
  const { source: _source, notes: _notes, ...said } = task;
  const sections = task.specRefs.map((reference) => feature?.sections.get(reference) ?? '');
  return { said, title: feature?.title ?? '', context: feature?.context ?? '', sections };
}
