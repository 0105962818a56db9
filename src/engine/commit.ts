/** `build --commit`: one commit per landed task with trailers, and a merge into the person's branch. */

import { err, ok, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type { Label, Task } from '../model/task.js';
import type { Entry, ObjectId } from '../model/tree.js';
import { sameEntry } from '../model/tree.js';
import { commitTasks } from '../workspace/commit.js';
import type { Landed } from './landing-plan.js';
import type { Prepared } from './prepare.js';
import type { Emit } from './surroundings.js';

/** `tree` is what was published. Files that no landed task made and no lock is are left to the person. */
export async function commitBuild(
  prepared: Prepared,
  landed: ReadonlyMap<Label, Landed>,
  tree: ObjectId,
  emit: Emit,
): Promise<Result<undefined, Failure>> {
  const { project } = prepared;
  if (tree === project.snapshot) return ok(undefined);
  const after = await project.objects.list(tree);
  const changed = new Map<string, Entry | undefined>();
  for (const path of new Set([...project.listing.paths, ...after.paths])) {
    if (!sameEntry(project.listing.get(path), after.get(path))) changed.set(path, after.get(path));
  }
  const steps: { message: string; changes: Map<string, Entry | undefined> }[] = [];
  for (const label of project.graph.inOrder(landed.keys())) {
    const { result, check } = landed.get(label) as Landed;
    const changes = new Map<string, Entry | undefined>();
    for (const [path, entry] of changed) {
      const owned =
        project.ownership.ownerOf(path) === label || result.edits.some((edit) => edit.path === path);
      if (!owned) continue;
      changes.set(path, entry);
      changed.delete(path);
    }
    if (changes.size > 0) steps.push({ message: taskMessage(check.task, result), changes });
  }
  // Lock files, and what no task owns any more.
  if (changed.size > 0) steps.push({ message: 'conductor: record what was built\n', changes: changed });
  const features = [...new Set([...landed.values()].map(({ check }) => check.task.feature))];
  const mergeMessage = `conductor build: ${features.join(', ') || 'clean up'}\n`;
  const guarded = new Map<string, Entry | undefined>();
  for (const { result } of landed.values()) {
    for (const { path } of result.edits) guarded.set(path, project.listing.get(path));
  }
  const done = await commitTasks(project.repository, project.objects, { steps, mergeMessage, guarded });
  if (!done.ok) return err(done.error);
  const { commit, commits } = done.value;
  if (commit !== undefined) emit({ type: 'build.committed', commit, tasks: commits });
  return ok(undefined);
}

function taskMessage(task: Task, result: Landed['result']): string {
  const { provenance } = result;
  const trailers = [
    `Conductor-Task: ${task.label}`,
    `Conductor-Key: ${result.key}`,
    ...(provenance.agent === undefined ? [] : [`Conductor-Agent: ${provenance.agent}`]),
    ...(provenance.model === undefined ? [] : [`Conductor-Model: ${provenance.model}`]),
    ...(provenance.usage.costUsd === undefined
      ? []
      : [`Conductor-Cost-USD: ${provenance.usage.costUsd.toFixed(4)}`]),
  ];
  const title = task.title.replace(/\s+/g, ' ').trim();
  return `${task.label}: ${title}\n\n${trailers.join('\n')}\n`;
}
