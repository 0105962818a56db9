/**
 * Recorded results: which ones must not be rebuilt without a request, and which files a result may hold. Decides no
 * verdict.
 */

import type { Result } from '../base/result.js';
import type { StoredResult } from '../model/action.js';
import { withoutCredentials } from '../model/address.js';
import type { Digest } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { resultKeyOf, type TaskRecord } from '../model/feature-lock.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { Task } from '../model/task.js';
import { decodeEntry, Listing } from '../model/tree.js';
import type { StaleReason } from '../model/verdict.js';
import { lockedTask, type Project } from '../project/project.js';
import { contentDigest } from '../store/arrival.js';
import type { ResultStore } from '../store/result-store.js';
import { entryProblem } from '../workspace/capture.js';

/**
 * The reason that stands against making a recorded result again where it would cost money or give something else: what
 * an agent made or a person accepted. Templates and commands are simply run again.
 */
export function missingPin(locked: TaskRecord, store: Pick<ResultStore, 'unreached'>): StaleReason[] {
  if (locked.recipe !== 'agent' && locked.recipe !== 'accepted') return [];
  const key = resultKeyOf(locked);
  const unreached = store.unreached?.(key) ?? [];
  return [{ kind: 'result-missing', key, ...(unreached.length === 0 ? {} : { unreached }) }];
}

/** A patch that no store gave; with the remotes that may have it, where some did not answer. */
export function baseMissing(
  store: Pick<ResultStore, 'unreached'>,
  path: string,
  locked: TaskRecord,
): Failure {
  const unreached = store.unreached?.(resultKeyOf(locked)) ?? [];
  return { kind: 'edit-base-missing', path, ...(unreached.length === 0 ? {} : { unreached }) };
}

/** One digest for the files of a record, as `contentDigest` has it for those of a result. */
export function recordedDigest(record: TaskRecord): Digest {
  const outputs = new Map(Object.entries(record.outputs).map(([path, word]) => [path, decodeEntry(word)]));
  const edits = Object.entries(record.edits ?? {}).map(([path, { after }]) => ({
    path,
    base: undefined,
    before: undefined,
    after: after === '' ? undefined : decodeEntry(after),
  }));
  return contentDigest({ outputs, edits });
}

export function pinnedMissing(
  project: Project,
  task: Task,
  { unreached }: Extract<StaleReason, { kind: 'result-missing' }>,
): Failure {
  const locked = lockedTask(project, task);
  if (!locked) throw new Error(`BUG: nothing is recorded of ${task.label}`);
  return {
    kind: 'pinned-result-missing',
    key: resultKeyOf(locked),
    remotes: project.config.cache.remotes
      .filter(({ read }) => read !== false)
      .map(({ url }) => withoutCredentials(url)),
    ...(unreached === undefined ? {} : { unreached }),
  };
}

/** What the store gave for a key: a result that this task can use, a problem with it, or neither. */
export async function usableResult(
  project: Project,
  task: Task,
  found: Result<StoredResult | undefined, Failure>,
): Promise<{ readonly result?: StoredResult; readonly problem?: string }> {
  if (!found.ok) {
    return { problem: found.error.kind === 'result-damaged' ? found.error.detail : found.error.kind };
  }
  if (!found.value) return {};
  const problem = await ownershipProblem(project, task, found.value);
  return problem === undefined ? { result: asRecorded(project, task, found.value) } : { problem };
}

/** A result never changes, but files that its agent read may have been moved since: the lock file has their paths of today. */
function asRecorded(project: Project, task: Task, result: StoredResult): StoredResult {
  const locked = lockedTask(project, task);
  if (locked?.observed === undefined || resultKeyOf(locked) !== result.key) return result;
  return { ...result, provenance: { ...result.provenance, observed: locked.observed } };
}

/**
 * Why a result, wherever it was found, cannot be this task's: it holds what the task does not own, or a link that leaves
 * the project. Undefined when it can.
 */
export async function ownershipProblem(
  project: Project,
  task: Task,
  result: StoredResult,
): Promise<string | undefined> {
  const owned = patternSet(task.outputs);
  for (const path of result.outputs.keys()) {
    if (!owned.matches(path)) return `it contains ${path}, which the task does not own`;
  }
  for (const { path } of result.edits) {
    if (!task.edits.includes(path)) return `it patches ${path}, which the task may not edit`;
  }
  const patched = result.edits.flatMap(({ path, after }) => (after ? [[path, after] as const] : []));
  const listing = new Listing(new Map([...result.outputs, ...patched]));
  const problem = await entryProblem(project.objects, listing.paths, listing);
  if (problem?.kind === 'link-leaves-tree') return `its link ${problem.path} leaves the project`;
  return problem && `it contains a git repository`;
}
