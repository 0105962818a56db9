/** Observed inputs: what is recorded of them, and which have changed since. */

import { compareBytes } from '../base/order.js';
import type { ObservedInputs } from '../model/action.js';
import { type Digest, digestFields } from '../model/digest.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { Label, Task } from '../model/task.js';
import type { TaskRun } from '../model/task-run.js';
import { type Entry, encodeEntry, type Files } from '../model/tree.js';
import type { Project } from '../project/project.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import { interfacePathsFor, readsSignatures } from './interfaces/interface-files.js';
import { foldPatches } from './patches.js';

/**
 * Which of the files that an agent read are recorded: all but its own outputs and those that its key covers. Undefined: none.
 * `read`: the files that it read, as they are in its input tree.
 */
export function observedInputs(
  run: Pick<TaskRun, 'keyed' | 'outputs' | 'edits'>,
  read: Files,
): ObservedInputs | undefined {
  const sets = [run.outputs, ...run.keyed].map(patternSet);
  const isOwn = (path: string) => run.edits.includes(path) || sets.some((set) => set.matches(path));
  const found = [...read].filter(([path]) => !isOwn(path)).map(([path, entry]) => [path, encodeEntry(entry)]);
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

/** Without the modules of direct dependencies whose declarations are in the key. */
export function beyondInterfaces(
  project: Project,
  task: Task,
  observed: ObservedInputs,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): ObservedInputs {
  if (!readsSignatures(task)) return observed;
  const modules = new Set(
    task.dependsOn.flatMap((label) => {
      const made = dependencyOutputs.get(label);
      return made ? interfacePathsFor(task, project.graph.task(label), made.outputs) : [];
    }),
  );
  return Object.fromEntries(Object.entries(observed).filter(([path]) => !modules.has(path)));
}

/** The recorded paths that differ or are missing in the present input tree, and what decides the next key. */
export interface ObservedState {
  readonly changed: readonly string[];
  readonly digest: Digest;
}

/** `dependencyOutputs` holds at least those of the task's transitive dependencies. */
export async function observedState(
  project: Project,
  task: Task,
  observed: ObservedInputs | undefined,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<ObservedState> {
  const changed: string[] = [];
  const fields: string[] = [];
  const needs = project.graph.transitiveDependencies(task.label);
  const shown = async (path: string): Promise<Entry | undefined> => {
    if (project.edited.has(path)) {
      const folded = await foldPatches(project, path, needs, dependencyOutputs);
      return folded.ok ? folded.value : undefined;
    }
    const owner = project.ownership.ownerOf(path);
    return owner === undefined
      ? project.handWritten.get(path)
      : dependencyOutputs.get(owner)?.outputs.get(path);
  };
  const recorded = Object.entries(observed ?? {}).sort(([a], [b]) => compareBytes(a, b));
  for (const [path, word] of recorded) {
    const entry = await shown(path);
    const today = entry ? encodeEntry(entry) : '';
    if (today !== word) changed.push(path);
    fields.push(path, today);
  }
  return { changed, digest: digestFields('observed', fields) };
}
