/** Which files are the interface of a task, and for whom what they declare counts in place of their bytes. */

import { patternSet } from '../../model/paths/pattern-set.js';
import type { Task } from '../../model/task.js';
import type { Files } from '../../model/tree.js';

/** By name alone: a folder of tests also holds what other tasks use. */
const TEST_NAMES = [
  /[._-](test|spec)\.[^/.]+$/,
  /(^|\/)test_[^/]+\.py$/,
  /(^|\/)[^/]+Tests?\.(java|kt|cs|scala|php|swift)$/,
];
const SNAPSHOTS = /(^|\/)__snapshots__\//;
/** `openapi-spec.yaml` is no test: nothing executes it. */
const DATA = /\.(json[5cl]?|ya?ml|toml|xml|md|txt|csv|html?|proto|graphql|sql)$/i;

function hasTestName(path: string): boolean {
  return SNAPSHOTS.test(path) || (!DATA.test(path) && TEST_NAMES.some((form) => form.test(path)));
}

/**
 * Whether a task gets interfaces by signature: one whose agent writes against what others declare. A command executes
 * its dependencies, and documentation tells of what they do: for these the bytes count.
 */
export function readsSignatures(reader: Pick<Task, 'recipe' | 'type'>): boolean {
  return reader.recipe.kind === 'agent' && reader.type !== 'documentation';
}

/** The files that a dependency names for its dependents: those of `interface`, or all. */
export function interfacePaths(task: Pick<Task, 'interface'>, outputs: Files): string[] {
  const shown = task.interface && patternSet(task.interface);
  return [...outputs.keys()].filter((path) => shown?.matches(path) ?? true);
}

/** The same for dependents that get signatures: without `interface`, no tests. */
export function signedPaths(need: Pick<Task, 'interface' | 'interfaceBy'>, outputs: Files): string[] {
  const paths = interfacePaths(need, outputs);
  if (need.interface || need.interfaceBy === 'bytes') return paths;
  const others = paths.filter((path) => !hasTestName(path));
  return others.length === 0 ? paths : others;
}

/** The same for one dependent. */
export function interfacePathsFor(
  reader: Pick<Task, 'recipe' | 'type'>,
  need: Pick<Task, 'interface' | 'interfaceBy'>,
  outputs: Files,
): string[] {
  return readsSignatures(reader) ? signedPaths(need, outputs) : interfacePaths(need, outputs);
}
