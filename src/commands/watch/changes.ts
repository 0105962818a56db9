/**
 * What changed files mean for a watch: which of them events have named, which tasks they have probably made stale, and
 * whether builds write them themselves. Reads no file of the project.
 */

import { type Changes, isTouched, wordsOf } from '../../analysis/range/changes.js';
import { otherWords } from '../../analysis/range/task-words.js';
import { ownValue } from '../../base/records/own-value.js';
import type { GitObjects } from '../../io/git/objects.js';
import { changedFiles } from '../../io/git/walk.js';
import { isSameJson } from '../../model/digest.js';
import type { Label } from '../../model/task.js';
import { listingOfPaths, type ObjectId } from '../../model/tree.js';
import type { Project } from '../../project/project.js';

/** With more names than this, a partial scan is not worth it. */
const MOST_NAMED = 20;

/** The files that events have named since the last scan: with them a partial scan may do. */
export class Touched {
  private paths: Set<string> | undefined;

  /** Without a path: anything may have changed. */
  add(path?: string): void {
    if (path === undefined) this.paths = undefined;
    else this.paths?.add(path);
  }

  /** Takes the named files and starts again; undefined if only a full scan can tell what changed. */
  take(): readonly string[] | undefined {
    const { paths } = this;
    this.paths = new Set();
    return paths && paths.size > 0 && paths.size <= MOST_NAMED ? [...paths] : undefined;
  }
}

export async function changedPaths(objects: GitObjects, from: ObjectId, to: ObjectId): Promise<string[]> {
  return [...(await changedFiles(objects, from, to)).keys()].sort();
}

/** More changes than these say nothing about single tasks. */
const MOST_CHANGED = 20;

/** Which tasks a change has probably made stale, to be looked at first. A guess: every task is looked at. */
export function urgentTasks(
  project: Project,
  before: Project | undefined,
  changed: readonly string[],
): ReadonlySet<Label> {
  if (before === undefined || changed.length === 0 || changed.length > MOST_CHANGED) return new Set();
  const paths = listingOfPaths(changed);
  const mayDiffer = otherWords(project, { labels: before.graph.tasks.keys(), changed: paths });
  const changes: Changes = {
    paths,
    hasHandWork: changed.some((path) => project.handWritten.get(path) ?? before.handWritten.get(path)),
    hasSameWords(task) {
      const feature = project.features.get(task.feature);
      if (feature && !mayDiffer(feature)) return true;
      const was = before.graph.tasks.get(task.label);
      return (
        was !== undefined &&
        isSameJson(wordsOf(was, before.features.get(was.feature)), wordsOf(task, feature))
      );
    },
    hasSameLock: ({ feature, id }) =>
      isSameJson(
        ownValue(before.locks.get(feature)?.tasks, id),
        ownValue(project.locks.get(feature)?.tasks, id),
      ),
  };
  // Where only specs changed, a task of another spec is hardly concerned.
  const inSpecs = changed.every((path) => path.startsWith(`${project.config.specs}/`));
  const features = [...project.features.values()].filter((feature) => !inSpecs || mayDiffer(feature));
  const tasks = features.flatMap((feature) => feature.tasks);
  return new Set(tasks.filter((task) => isTouched(project, task, changes)).map(({ label }) => label));
}

/** How often in a row a build may restart for the same files; after that, the running build may finish. */
const RESTARTS = 3;

/**
 * Tells a person's changes from those that builds make themselves (a gate that writes into the project): the same few
 * files, build after build, always while one runs.
 */
export class SelfTriggered {
  private paths: ReadonlySet<string> = new Set();
  private streak = 0;

  /**
   * `changed`: since the running or last build began. `react`: build. `wait`: decide again when this build has ended.
   * `hold`: do not build for these files until another file changes or a person asks.
   */
  judge(changed: readonly string[], when: 'building' | 'built' | 'idle'): 'react' | 'wait' | 'hold' {
    const isSame = changed.every((path) => this.paths.has(path));
    if (when === 'idle' || !isSame) {
      this.paths = new Set(changed);
      this.streak = when === 'idle' ? 0 : 1;
      return 'react';
    }
    if (when === 'building' && this.streak >= RESTARTS) return 'wait';
    if (this.streak > RESTARTS) return 'hold';
    this.streak++;
    return 'react';
  }

  forget(): void {
    this.streak = 0;
    this.paths = new Set();
  }
}
