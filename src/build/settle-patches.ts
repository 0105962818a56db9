/**
 * Goes over finished tasks whose edited files other tasks have patched in the same build, until all patches fit on each
 * other and all gates have passed on the files that are published. Runs nothing itself.
 */

import { otherEditors } from '../analysis/patches.js';
import type { Prepared } from '../analysis/prepare.js';
import type { Label } from '../model/task.js';
import type { TaskStep } from './task-step.js';

/** Each round builds again only what does not fit on the round before it; more rounds would be an endless dispute. */
const MAX_ROUNDS = 4;

export async function settlePatches(
  { project, selected }: Pick<Prepared, 'project' | 'selected'>,
  step: TaskStep,
  signal: AbortSignal,
): Promise<void> {
  const { graph } = project;
  const isShared = (label: Label) => graph.task(label).edits.length > 0;
  let news = new Set([...step.finished.keys()].filter(isShared));
  for (let round = 0; round < MAX_ROUNDS && news.size > 0; round++) {
    const changed = new Set<Label>();
    for (const label of graph.order) {
      const task = graph.task(label);
      if (!selected.has(label) || !step.dependencyOutputs.has(label)) continue;
      const isBeside = task.edits.some((path) =>
        otherEditors(project, task, path).some((other) => news.has(other) || changed.has(other)),
      );
      if (!isBeside && !task.dependsOn.some((need) => changed.has(need))) continue;
      if (signal.aborted) return;
      if ((await step.again(label)) !== 'same') changed.add(label);
    }
    news = changed;
  }
}
