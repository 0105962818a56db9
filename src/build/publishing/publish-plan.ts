/** The publish plan and its outcome, as data. Decides nothing. */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import type { Check } from '../../analysis/verdict.js';
import type { RevisedTask } from '../../execution/escalation/revised-task.js';
import {
  type ActionKey,
  handWork,
  isFormatItem,
  type Making,
  type Provenance,
  type StoredResult,
  type Usage,
  unformatted,
} from '../../model/action.js';
import type { Digest } from '../../model/digest.js';
import type { TaskOutcomeKind } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Label, Task } from '../../model/task.js';
import type { TaskGraph } from '../../model/task-graph.js';
import { compactFiles, type Entry, type ObjectId } from '../../model/tree.js';
import type { KeptLock, PatchedFile } from '../../project/clone-records.js';
import type { OutputWords } from '../../project/outputs/clone-outputs.js';
import { gatesKey } from '../../store/manifest.js';

/** How a result came to be, without what its key was made of, which is long: the store has it. */
export type FinishedProvenance = Pick<Provenance, 'label' | 'recipe' | 'observed' | 'verified' | 'over'> &
  Omit<Making, 'startedAt'>;

export type FinishedResult = Omit<StoredResult, 'provenance'> & { readonly provenance: FinishedProvenance };

/** A task whose result goes into the tree. A build keeps one of each task: no more than publishing needs. */
export interface FinishedTask {
  /** As it was built, which a revised task may be. */
  readonly task: Task;
  readonly key: ActionKey;
  /** Of the gates that the result has passed; undefined: the task has none. */
  readonly gates: Digest | undefined;
  readonly result: FinishedResult;
  /** Of an accepted result. */
  readonly handWork?: Digest;
  /** Of one that an agent or a person wrote, where formatters are in its key. */
  readonly unformatted?: Digest;
  /** The revised task that it was made for, which goes into the spec with it. */
  readonly revision?: RevisedTask;
}

/** A task as it was checked, with its result. */
export interface CheckedResult {
  readonly check: Check;
  readonly result: StoredResult;
  readonly revision?: RevisedTask;
}

const NO_USAGE: Usage = {};
const NONE: readonly never[] = [];

export function finishedTask({ check, result, revision }: CheckedResult): FinishedTask {
  const { task, facts } = check;
  const { manifest, recipe } = result.provenance;
  const isWritten = recipe === 'agent' || recipe === 'accepted';
  const patches = result.edits.map((edit) => [edit.path, edit.after] as const);
  return {
    task,
    key: facts.key,
    gates: gatesKey({ task, gates: check.gates, facts: facts.facts }, result.outputs, patches),
    result: finishedResult(task, result),
    ...(recipe === 'accepted' ? { handWork: handWork(manifest) } : {}),
    ...(isWritten && facts.manifest.some(({ name }) => isFormatItem(name))
      ? { unformatted: unformatted(facts.manifest, recipe === 'accepted') }
      : {}),
    ...(revision ? { revision } : {}),
  };
}

function finishedResult(
  task: Task,
  { commit, key, outputs, edits, provenance }: StoredResult,
): FinishedResult {
  return {
    commit,
    key,
    outputs: compactFiles(outputs, task.outputs),
    edits: edits.length === 0 ? NONE : edits,
    provenance: finishedProvenance(provenance),
  };
}

/** Of a render or a command, publishing needs little: a build may finish a hundred thousand of them. */
function finishedProvenance(provenance: Provenance): FinishedProvenance {
  const { label, recipe, attempts, ms, observed, verified, over } = provenance;
  const isSmall = (recipe === 'render' || recipe === 'run') && !observed && !verified && over === undefined;
  if (isSmall) return { label, recipe, usage: NO_USAGE, attempts, ms };
  const { manifest: _, ...all } = provenance;
  return all;
}

/** How the files of a result came to be, also of a former one that was verified again. */
export function finishedMaking(made: FinishedProvenance): Omit<Making, 'startedAt'> {
  return made.verified?.made ?? made;
}

export interface PublishPlan {
  readonly finished: ReadonlyMap<Label, FinishedTask>;
  /** Tasks that are up to date or published with this build: of others all records stay. */
  readonly current: ReadonlySet<Label>;
  /** Those of them that are fresh by induction. Absent: none. */
  readonly unchanged?: ReadonlySet<Label>;
  /** Tasks whose files are those of their results with this build. */
  readonly done: ReadonlySet<Label>;
  /** What dependents may see of current tasks, and what is recorded of others that patch files. */
  readonly dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>;
  /** Revised tasks, also of results that wait: the next build finds those by the revised text. */
  readonly revisions: readonly RevisedTask[];
  /** Nothing of these features is removed, and no record of theirs is dropped; `all`: nothing of any. */
  readonly held: ReadonlySet<string> | 'all';
  /** Whether every task was looked at: only then is it known what no task owns any more. */
  readonly whole: boolean;
  /** Records of current tasks get today's keys in place of former ones of the same content. */
  readonly renewsRecords: boolean;
}

export interface MergedTree {
  readonly tree: ObjectId;
  /** Whether a file differs that is no lock file and no spec with a revised task. */
  readonly changesFiles: boolean;
  /** Files of results that the store names: they are on disk with these. */
  readonly stored: ReadonlySet<ObjectId>;
  /** Outputs that no task owns any more and that a person changed: left in place and reported. */
  readonly leftBehind: readonly string[];
  /** As in the plan. */
  readonly done: ReadonlySet<Label>;
  /** Path to entry word of every output that is on disk then, for the clone's own record. */
  readonly published: OutputWords;
  /** Likewise, every file with patches. */
  readonly patched: Readonly<Record<string, PatchedFile>>;
  /** Likewise, what only lock files tell. */
  readonly kept: Readonly<Record<string, KeptLock>>;
  /** What lock files record of results, by feature (`resultLines`). */
  readonly results: ReadonlyMap<string, string>;
}

/** Path to entry; undefined for a file that goes. */
export type Changes = Map<string, Entry | undefined>;

/** Of the finished tasks those whose patches a failure of putting files together is about. */
export function tasksInConflict(graph: TaskGraph, finished: readonly Label[], failure: Failure): Label[] {
  const paths = 'path' in failure ? [failure.path] : 'paths' in failure ? failure.paths : [];
  const named = failure.kind === 'patch-conflict' ? failure.with : undefined;
  const only = named !== undefined && finished.includes(named) ? [named] : finished;
  return only.filter((label) => graph.task(label).edits.some((path) => paths.includes(path)));
}

/** What an agent's result had cost, for one that did not have to be built again. */
export function savedUsage(finished: FinishedTask | undefined, outcome: TaskOutcomeKind): Usage | undefined {
  if (outcome !== 'cached' && outcome !== 'verified') return undefined;
  const made = finished?.result.provenance;
  return made?.recipe === 'agent' ? finishedMaking(made).usage : undefined;
}
