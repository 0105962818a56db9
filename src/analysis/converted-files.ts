/**
 * What the repository's attributes make of a task's files on disk. The same blob may be other bytes there: line ends, a filter,
 * an encoding. Decides nothing.
 */

import { compareBytes } from '../base/order.js';
import { conversions } from '../model/git-rules/git-rules.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { Task } from '../model/task.js';
import type { Project } from '../project/project.js';
import type { ManifestFacts } from '../store/manifest.js';

/** The part of the facts that names converted files; most projects have none, and then their keys say nothing of it. */
export function convertedFiles(
  { rules }: Pick<Project, 'rules'>,
  task: Task,
  inputs: ManifestFacts['inputs'],
): Pick<ManifestFacts, 'conversions'> {
  const { conversionOf, above } = rules;
  if (conversionOf === undefined) return {};
  const paths = new Set(inputs.flatMap(({ files }) => files.map(([path]) => path)));
  for (const path of patternSet(task.outputs).plainPaths()) paths.add(path);
  const found = [...paths].sort(compareBytes).flatMap((path) => {
    const conversion = conversionOf(path);
    return conversion === undefined ? [] : [`${path} ${conversion}`];
  });
  // A task that sees everything has the attributes of the project in its key, but not those of folders above it.
  if (task.inputs === undefined && conversions(above)) found.push(above.attributes);
  return found.length === 0 ? {} : { conversions: found };
}
