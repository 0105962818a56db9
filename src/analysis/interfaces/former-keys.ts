/**
 * Results from before interfaces counted by signature: their keys have the bytes of dependencies. Such a result serves as
 * one under today's key, so that nothing is paid again.
 */

import type { RenderedPrompt } from '../../agent/prompts/prompt.js';
import type { Result } from '../../base/result.js';
import { type ActionKey, handWork, type Manifest, manifestKey } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import { type LockedTask, resultKeyOf } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import { lockedTask, type Project } from '../../project/project.js';
import { describeTask, type ManifestFacts } from '../../store/manifest.js';

/** Today's key, and where they differ the keys that the same content had before. */
export interface Keys {
  readonly key: ActionKey;
  /** Absent: not known. */
  readonly manifest?: Manifest;
  formers?(): Promise<readonly ActionKey[]>;
}

type Rekeyed = Pick<LockedTask, 'key' | 'resultKey'>;

const rekeyed = new WeakMap<Project, Map<Label, Rekeyed>>();

/**
 * The record of a task; one under the former key of the same content as one under today's, and so one of code that people
 * wrote, where only who would build it has changed.
 */
export async function underTodaysKey(
  project: Project,
  label: Label,
  locked: LockedTask | undefined,
  keys: Keys,
): Promise<LockedTask | undefined> {
  if (!locked || locked.key === keys.key) return locked;
  const isHandWork = keys.manifest !== undefined && locked.handWork === handWork(keys.manifest);
  const formers = isHandWork ? [] : ((await keys.formers?.()) ?? []);
  if (!isHandWork && !formers.includes(locked.key)) return locked;
  const today: Rekeyed = { key: keys.key, resultKey: resultKeyOf(locked) };
  const all = rekeyed.get(project) ?? new Map<Label, Rekeyed>();
  rekeyed.set(project, all.set(label, today));
  return { ...locked, ...today };
}

/** What a lock file is to say in place of a former key. */
export function rekeyedRecord(project: Project, label: Label): Rekeyed | undefined {
  return rekeyed.get(project)?.get(label);
}

/**
 * The keys that the same content had: when it was keyed on the bytes of dependencies, and on a machine without a compiler,
 * where the bytes count of those whose signature no lock file records.
 */
export async function formerKeys(
  project: Project,
  facts: ManifestFacts,
  prompt: () => Promise<Result<RenderedPrompt, Failure>>,
): Promise<readonly ActionKey[]> {
  const all = await keyOfBytes(facts, prompt);
  let isPart = false;
  const dependencies = facts.dependencies.map((one) => {
    const { label, interface: bytes, signature } = one;
    if (signature === undefined || lockedTask(project, project.graph.task(label))?.interface !== bytes)
      return one;
    isPart = true;
    return { label, interface: bytes };
  });
  return isPart ? [all, manifestKey(describeTask({ ...facts, dependencies }))] : [all];
}

async function keyOfBytes(
  facts: ManifestFacts,
  prompt: () => Promise<Result<RenderedPrompt, Failure>>,
): Promise<ActionKey> {
  const rendered = await prompt();
  const { recipe } = facts;
  const isAgent = rendered.ok && recipe.kind === 'agent';
  return manifestKey(
    describeTask({
      ...facts,
      recipe: isAgent ? { ...recipe, prompt: rendered.value.definition } : recipe,
      dependencies: facts.dependencies.map(({ label, interface: bytes }) => ({ label, interface: bytes })),
    }),
  );
}
