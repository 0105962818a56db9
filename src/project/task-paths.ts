/** What the paths of all tasks say together: owners, and files that are named exactly. Reads no disk. */

import type { Config } from '../model/config.js';
import { Ownership } from '../model/paths/ownership.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { TaskGraph } from '../model/task-graph.js';

export interface TaskPaths {
  /** Of the graph. */
  readonly shape: object;
  readonly secrets: Config['secrets'];
  readonly ownership: Ownership;
  /** Outputs, edits and inputs without wildcards. */
  readonly plain: readonly string[];
  /** Those of them that look secret, sorted: they are named all the same. */
  readonly named: readonly string[];
}

/** Taken from `before` where the tasks still name the same paths. */
export function taskPaths(graph: TaskGraph, { secrets }: Config, before?: TaskPaths): TaskPaths {
  if (before?.shape === graph.shape && before.secrets.join('\0') === secrets.join('\0')) return before;
  const plain = new Set<string>();
  for (const task of graph.tasks.values()) {
    const named = [patternSet(task.outputs), patternSet(task.inputs ?? [])].flatMap((set) =>
      set.plainPaths(),
    );
    for (const path of [...named, ...task.edits]) plain.add(path);
  }
  return {
    shape: graph.shape,
    secrets,
    ownership: new Ownership(graph.tasks.values()),
    plain: [...plain],
    named: [...plain].filter((path) => patternSet(secrets).matches(path)).sort(),
  };
}
