/** The lines of one feature in the tables of paths: what its tasks write, and what they may read. Reads no table. */

import { patternSet } from '../../model/paths/pattern-set.js';
import type { Feature, Task } from '../../model/task.js';
import type { Project } from '../../project/project.js';
import { readsOf, type TaskReads } from './changes.js';
import { EVERYTHING, linesOf, type PathRow, rowsOf } from './path-table.js';

/** Before a path as systems see it that tell no case and no form of letters apart. No path begins so. */
const SPELLED = '//';

/** The outputs of the tasks, each plain path that has capitals or composed letters also as it is without them. */
export function ownedLines({ name, tasks }: Pick<Feature, 'name' | 'tasks'>): string[] {
  return linesOf(tasks.flatMap(({ outputs }) => ownedRows(name, outputs)));
}

function ownedRows(feature: string, outputs: readonly string[]): PathRow[] {
  const rows = rowsOf(outputs, feature);
  const spelled = patternSet(outputs)
    .plainPaths()
    .flatMap((path): PathRow[] => {
      const start = spelling(path);
      return start === SPELLED + path ? [] : [{ start, feature }];
    });
  return [...rows, ...spelled];
}

export function spelling(path: string): string {
  return SPELLED + path.normalize('NFC').toLowerCase();
}

/** The path without the sign before it. */
export function unspelled(spelled: string): string {
  return spelled.slice(SPELLED.length);
}

export function isSpelling({ start }: PathRow): boolean {
  return start.startsWith(SPELLED);
}

/** `observed`: what the task's agent has been seen to read in this build, beside what its lock file names. */
export function readLines(
  project: Project,
  { name, tasks }: Pick<Feature, 'name' | 'tasks'>,
  observed: (task: Task) => Iterable<string>,
): string[] {
  // Tasks share lists of the config and templates.
  const lists = new Set<readonly string[]>();
  const folders = new Set<string>();
  const files = new Set<string>();
  let readsAll = false;
  const add = (reads: TaskReads) => {
    for (const list of reads.lists) lists.add(list);
    for (const folder of reads.folders) folders.add(folder);
    for (const file of reads.files) files.add(file);
    readsAll ||= reads.handWork;
  };
  for (const task of tasks) {
    add(readsOf(project, task));
    for (const path of observed(task)) files.add(path);
  }
  return linesOf([
    ...[...lists].flatMap((list) => rowsOf(list, name)),
    ...[...folders].flatMap((folder) => rowsOf([folder], name)),
    ...[...files].map((start) => ({ start, feature: name })),
    ...(readsAll ? [{ start: '', feature: name, list: EVERYTHING } as const] : []),
  ]);
}
