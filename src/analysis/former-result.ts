/**
 * Decides whether the former result of a stale task may stand if its gates pass on it: only formatters or what the task
 * builds on have changed, none of its own words. Runs no gate.
 */

import type { RenderedPrompt } from '../agent/prompts/prompt.js';
import {
  type ActionKey,
  isBuilderItem,
  isFormatItem,
  type ManifestChange,
  type StoredResult,
} from '../model/action.js';
import { type Digest, digestFields } from '../model/digest.js';
import { resultKeyOf } from '../model/feature-lock.js';
import type { GateSpec, Task } from '../model/task.js';
import type { StaleReason } from '../model/verdict.js';
import type { Project } from '../project/project.js';
import type { ResultStore } from '../store/result-store.js';
import type { AlternativeKeys } from './alternative-keys.js';
import type { Subject } from './disk-state.js';
import { isOfFormat, type KnownResults } from './interfaces/reformatted.js';
import { usableResult } from './pinned-results.js';

/** A result that may stand in place of a new one if the gates pass on it. */
export interface FormerResult {
  readonly result: StoredResult;
  /** What changed around the task, by the names of manifest items and documents. */
  readonly against: readonly string[];
  /** Formatters changed: today's go over its files before its gates run. */
  readonly isFormatted: boolean;
  /** Nothing else changed, also not what the files of its dependencies say. */
  readonly onlyFormat: boolean;
}

export interface FormerParts {
  readonly project: Project;
  readonly store: ResultStore;
  readonly chain: AlternativeKeys;
}

/** Items of a manifest that tell of files which other tasks or people write. */
const AROUND = /^(dependency|input|all files of dependency|patches of) /;
/** Of these, those that the task itself names: one that comes or goes is a change of its spec. */
const NAMED = /^(dependency|input) /;
const ON_DISK = 'written to disk with';

/** Whether gates decide about the task's former result. Without gates, nothing could. */
function isReverified({ config }: Project, task: Task, gates: readonly GateSpec[]): boolean {
  return gates.length > 0 && (task.reverify ?? (config.reverify && task.verify.length > 0));
}

/** Undefined where the task has to be built again. */
export async function formerResult(
  { project, store, chain }: FormerParts,
  { task, facts, gates, locked, dependencyOutputs }: Subject,
  reasons: readonly StaleReason[],
): Promise<FormerResult | undefined> {
  const [reason] = reasons;
  if (task.recipe.kind !== 'agent' || reasons.length !== 1) return undefined;
  if (reason?.kind !== 'manifest-changed' || !locked) return undefined;
  // Accepted edits of other branches are still to be merged: that is more than a gate can decide.
  if ((project.choices.get(task.label)?.accepted.length ?? 0) > 0) return undefined;
  const changes = reason.changes.filter(({ name }) => locked.handWork === undefined || !isBuilderItem(name));
  const others = await notOfFormat({ project, store, dependencyOutputs }, task, changes);
  const onlyFormat = changes.length > 0 && others.length === 0;
  if (!onlyFormat && !(isReverified(project, task, gates) && isAround(others))) return undefined;
  const key: ActionKey = resultKeyOf(locked);
  if (chain.isRejected(key)) return undefined;
  const { result } = await usableResult(project, task, await store.find(key));
  if (!result) return undefined;
  const against = await changedAround(result, facts.prompt, changes);
  if (against === undefined) return undefined;
  const seen = await chain.observed(task, result.provenance.observed, dependencyOutputs);
  if (chain.isOutdated(seen)) return undefined;
  const conflict = await chain.misfit(task, result.edits, dependencyOutputs);
  if (!conflict.ok || conflict.value !== undefined) return undefined;
  return { result, against, isFormatted: changes.some(({ name }) => isFormatItem(name)), onlyFormat };
}

async function notOfFormat(
  known: KnownResults,
  task: Task,
  changes: readonly ManifestChange[],
): Promise<ManifestChange[]> {
  const isOther = await Promise.all(changes.map(async (change) => !(await isOfFormat(known, task, change))));
  return changes.filter((_, at) => isOther[at]);
}

/** The digest by which a task's own words are compared. */
export async function ownTextDigest(prompt: RenderedPrompt): Promise<Digest> {
  return digestFields('conductor.own-text.1', [await prompt.ownText()]);
}

function isAround(changes: readonly ManifestChange[]): boolean {
  return (
    changes.length > 0 &&
    changes.every(({ name, before, after }) => {
      if (name === 'prompt' || name === ON_DISK) return true;
      if (!AROUND.test(name)) return false;
      return !NAMED.test(name) || (before !== undefined && after !== undefined);
    })
  );
}

/** The names of what changed; undefined if the prompt differs in the task's own words, or nothing tells. */
async function changedAround(
  { provenance }: StoredResult,
  prompt: RenderedPrompt | undefined,
  changes: readonly ManifestChange[],
): Promise<string[] | undefined> {
  const names = changes.filter(({ name }) => name !== 'prompt').map(({ name }) => name);
  const text = changes.find(({ name }) => name === 'prompt');
  if (!text) return names;
  if (prompt === undefined || provenance.ownText !== (await ownTextDigest(prompt))) return undefined;
  const documents = prompt.documentsSince(text.before ?? '');
  const all = [...names, ...documents];
  // A document that is shorter now, or a file more or less among the paths.
  return all.length > 0 ? all : ['the documents of its feature'];
}
