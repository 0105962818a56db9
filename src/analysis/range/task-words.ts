/** Digests of what tasks say, and which features may say something else than they did. Reads no spec again. */

import { posix } from 'node:path';
import { ownValue } from '../../base/records/own-value.js';
import { canonicalJson, type Digest, digestFields } from '../../model/digest.js';
import { isLockFile } from '../../model/feature-lock.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Feature, Label, Task } from '../../model/task.js';
import { type Listing, listingOfPaths } from '../../model/tree.js';
import type { Project } from '../../project/project.js';
import { wordsOf } from './changes.js';

/** What tasks said, and what has changed since on disk. */
export interface KnownWords {
  readonly words: Readonly<Record<Label, Digest>>;
  readonly changed: Listing;
}

/** Most specs are as they were: what is known of their tasks is not digested again. */
export class TaskWords {
  private readonly project: Project;
  private readonly known: Map<Label, Digest>;

  /** `before`: of tasks as they were, where only these paths have changed since, under the same config. */
  constructor(project: Project, before?: KnownWords) {
    this.project = project;
    this.known = new Map();
    if (!before) return;
    const mayDiffer = otherWords(project, { labels: Object.keys(before.words), changed: before.changed });
    for (const feature of project.features.values()) {
      if (mayDiffer(feature)) continue;
      for (const { label } of feature.tasks) {
        const words = ownValue(before.words, label);
        if (words !== undefined) this.known.set(label, words);
      }
    }
  }

  of(task: Task): Digest {
    const known = this.known.get(task.label);
    if (known !== undefined) return known;
    const words = wordsOf(task, this.project.features.get(task.feature));
    const digest = digestFields('conductor.task-words.1', [canonicalJson(words)]);
    this.known.set(task.label, digest);
    return digest;
  }
}

/**
 * Which features may describe a task in other words after these changes of files; in doubt, a feature is among them. `labels`: of
 * the tasks before.
 */
export function otherWords(
  { config, features, graph }: Project,
  { labels, changed }: { readonly labels: Iterable<Label>; readonly changed: Listing },
): (feature: Feature) => boolean {
  const inSpecs = changed.under(`${config.specs}/`).filter((path) => !isLockFile(path));
  const all = [...features.values()];
  // Entries of one feature are named as dependencies in others.
  const hasForeach = all.some(({ foreach }) => foreach !== undefined);
  const hasEntries = hasForeach || [...graph.tasks.keys(), ...labels].some(isEntry);
  const globs = all.flatMap(({ foreach = [] }) => foreach);
  const isNamed = globs.length > 0 && patternSet(globs).select(changed).length > 0;
  if (hasEntries && (inSpecs.length > 0 || isNamed)) return () => true;
  const specFiles = new Set(all.map(({ file }) => file));
  // Documents, and specs that are gone.
  const others = listingOfPaths(inSpecs.filter((path) => !specFiles.has(path)));
  return ({ file, tasks }) =>
    changed.get(file) !== undefined ||
    others.under(`${posix.dirname(file)}/`).length > 0 ||
    tasks.some(
      (task) =>
        task.editPatterns !== undefined ||
        // Another spec can be one of its documents.
        documentsOf(file, task).some((path) => changed.get(path) !== undefined),
    );
}

/** The paths of the documents that a task of this spec names. */
export function documentsOf(file: string, { specRefs }: Pick<Task, 'specRefs'>): string[] {
  return specRefs.map((ref) => `${posix.dirname(file)}/${ref.split('#', 1)[0]}`);
}

/** Whether a `foreach` made the task: its label has the entry behind the id. */
function isEntry(label: Label): boolean {
  return label.indexOf('/', label.indexOf('/') + 1) >= 0;
}
