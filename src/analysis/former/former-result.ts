/**
 * Decides whether the former result of a stale task may stand if its gates pass on it: formatters, the way its words are
 * written, or what the task builds on have changed, but nothing that it says itself. Runs no gate.
 */

import { mapBounded } from '../../base/bounded.js';
import {
  type ActionKey,
  compareManifests,
  FORMAT,
  isBuilderItem,
  isFormatItem,
  type Manifest,
  type ManifestChange,
  type StoredResult,
} from '../../model/action.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { GateSpec, Task } from '../../model/task.js';
import type { StaleReason } from '../../model/verdict.js';
import type { Project } from '../../project/project.js';
import type { ResultStore } from '../../store/result-store.js';
import type { AlternativeKeys } from '../alternative-keys.js';
import type { Subject } from '../disk-state.js';
import { formatOf } from '../format-settings.js';
import { usableResult } from '../pinned-results.js';
import { kindOf, namesOf } from './changed-items.js';
import { recordedResult } from './recorded-result.js';

/** A result that may stand in place of a new one if the gates pass on it. */
export interface FormerResult {
  readonly result: StoredResult;
  /** What changed, by the names of manifest items and documents. */
  readonly against: readonly string[];
  /** Formatters changed: today's go over its files before its gates run. */
  readonly isFormatted: boolean;
  /** Formatters changed, and nothing else that an agent would be asked for, also not what files of dependencies say. */
  readonly onlyFormat: boolean;
  /** An agent would be asked for the same: no gate and no review is needed for the result to stand. */
  readonly sameTask: boolean;
}

export interface FormerParts {
  readonly project: Project;
  readonly store: ResultStore;
  readonly chain: AlternativeKeys;
}

/** Whether gates decide about the task's former result. Without gates, nothing could. */
function isReverified({ config }: Project, task: Task, gates: readonly GateSpec[]): boolean {
  return gates.length > 0 && (task.reverify ?? (config.reverify && task.verify.length > 0));
}

/** Undefined where the task has to be built again. */
export async function formerResult(
  { project, store, chain }: FormerParts,
  subject: Subject,
  reasons: readonly StaleReason[],
): Promise<FormerResult | undefined> {
  const { task, facts, gates, locked, dependencyOutputs } = subject;
  const [reason] = reasons;
  if (task.recipe.kind !== 'agent' || reasons.length !== 1) return undefined;
  if (reason?.kind !== 'manifest-changed' || !locked) return undefined;
  // Accepted edits of other branches are still to be merged: that is more than a gate can decide.
  if ((project.choices.get(task.label)?.accepted.length ?? 0) > 0) return undefined;
  const key: ActionKey = resultKeyOf(locked);
  if (chain.isRejected(key)) return undefined;
  const found = await store.find(key);
  const isLost = found.ok && found.value === undefined;
  const result = isLost
    ? await recordedResult(project, subject)
    : (await usableResult(project, task, found)).result;
  if (!result) return undefined;
  const changes = isLost ? changesSince(result, facts.manifest) : reason.changes;
  const isHandWork = locked.handWork !== undefined;
  const judged = { task, facts, result, isHandWork };
  const known = { project, store, dependencyOutputs };
  const kinds = new Set(await mapBounded(changes, (change) => kindOf(known, judged, change)));
  if (kinds.has('own')) return undefined;
  const sameTask = !kinds.has('around');
  if (!sameTask && !isReverified(project, task, gates)) return undefined;
  const seen = await chain.observed(task, result.provenance.observed, dependencyOutputs);
  if (chain.isOutdated(seen)) return undefined;
  const isFormatted = changes.some(({ name }) => isFormatItem(name));
  const conflict = await chain.misfit(task, result.edits, dependencyOutputs);
  // What its patch was made on may only have been formatted: then the patch fits, once formatters of today have formatted it.
  const mayFit = isFormatted && formatOf(project, task) !== undefined;
  if (!conflict.ok || (conflict.value !== undefined && !mayFit)) return undefined;
  const told = changes.filter(({ name }) => !isHandWork || !isBuilderItem(name));
  return {
    result,
    against: namesOf(judged, told),
    isFormatted,
    onlyFormat: sameTask && kinds.has('format'),
    sameTask,
  };
}

/** What changed since a result that only its record tells of: formatters at least, be it that they went. */
function changesSince({ provenance }: StoredResult, manifest: Manifest): readonly ManifestChange[] {
  const changes = compareManifests(provenance.manifest, manifest);
  const isNamed = changes.some(({ name }) => isFormatItem(name));
  return isNamed
    ? changes
    : [...changes, { name: FORMAT, show: 'text', before: undefined, after: undefined }];
}
