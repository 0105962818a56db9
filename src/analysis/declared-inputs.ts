/** Which files the declared inputs of a task show: hand-written ones, and outputs of dependencies. */

import { compareBytes } from '../base/order.js';
import { isLockFile } from '../model/feature-lock.js';
import type { PathPattern } from '../model/paths/pattern.js';
import { type PatternSet, patternSet } from '../model/paths/pattern-set.js';
import type { Label, Task } from '../model/task.js';
import type { Entry, Listing } from '../model/tree.js';
import type { Project } from '../project/project.js';
import type { ManifestFacts } from '../store/manifest.js';
import type { DependencyOutputs } from './dependency-outputs.js';

/** Hand-written files that a pattern shows. */
type Selection = readonly (readonly [path: string, entry: Entry])[];

export class DeclaredInputs {
  private readonly project: Project;
  /** By pattern, for globs alone. */
  private readonly handSelections = new Map<PathPattern, Map<PatternSet | undefined, Selection>>();

  constructor(project: Project) {
    this.project = project;
  }

  /** By pattern: hand-written files, and those of dependencies, direct or not. */
  of(task: Task, dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>): ManifestFacts['inputs'] {
    if (!task.inputs || task.inputs.length === 0) return [];
    const needs = this.project.graph.transitiveDependencies(task.label);
    const set = patternSet(task.inputs);
    return set.includes.map((include) => {
      const files = new Map(this.handSelection(set, include));
      for (const need of needs) {
        for (const [path, entry] of dependencyOutputs.get(need)?.outputs ?? []) {
          if (include.matches(path) && set.keeps(path)) files.set(path, entry);
        }
      }
      return { pattern: include.text, files: [...files].sort(([a], [b]) => compareBytes(a, b)) };
    });
  }

  private handSelection(set: PatternSet, include: PathPattern): Selection {
    // A single path is found without a search, so keeping it saves nothing.
    if (!include.isGlob) return selectInputs(this.project, set, include);
    const known = this.handSelections.get(include) ?? new Map<PatternSet | undefined, Selection>();
    this.handSelections.set(include, known);
    // Without excludes the rest of the list has no influence on what one pattern of it shows.
    const beside = set.excludes.length === 0 ? undefined : set;
    const found = known.get(beside) ?? selectInputs(this.project, set, include);
    known.set(beside, found);
    return found;
  }
}

/**
 * Hand-written files that one pattern of declared inputs shows; specs are among them only when the pattern names their
 * folder.
 */
export function selectInputs(project: Project, set: PatternSet, include: PathPattern): Selection {
  const pick = (listing: Listing) =>
    set.selectBy(include, listing).map((path) => [path, listing.get(path) as Entry] as const);
  if (!include.start.startsWith(`${project.config.specs}/`)) return pick(project.handWritten);
  return pick(project.listing).filter(([path]) => !isLockFile(path));
}
