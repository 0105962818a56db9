/** The plan that a feature's own files tell of: for a clone whose store has none of its documents. Asks no agent. */

import { PLANNERS } from '../../plan/merged-plan.js';
import type { Emit } from '../../project/host.js';
import { BACKLOG, type CheckParts, checkBacklog } from './backlog-check.js';
import { backlogIn, filesInPlace, PLAN, planFiles, type WrittenPlan } from './plan-files.js';
import { DOCUMENTS, type PlanLock } from './plan-lock.js';
import { backlogNode, labelOf, type PlanningNode, plannerNode } from './planning-node.js';

/**
 * The plan of the lock, when everything that decides it is as it was, its files are to be had, and it still holds;
 * undefined: the documents have to be looked for, or written.
 */
export async function recordedPlan(
  parts: CheckParts,
  lock: PlanLock | undefined,
  emit: Emit,
): Promise<WrittenPlan | undefined> {
  const { feature, project } = parts;
  const plan = await lockedText(parts, lock, PLAN);
  const backlog = await lockedText(parts, lock, BACKLOG);
  if (!lock || plan === undefined || backlog === undefined) return undefined;
  const nodes = await Promise.all([
    ...PLANNERS.map((name) => plannerNode(parts, name)),
    backlogNode(parts, plan),
  ]);
  const isAsRecorded = (node: PlanningNode) => lock.documents[node.name] === node.key;
  if (!nodes.every((node) => node.ok && isAsRecorded(node.value))) return undefined;
  const files = planFiles(feature, plan);
  const before = await backlogIn(project, feature.folder);
  const checked = await checkBacklog(parts, backlog, before, filesInPlace(feature, files));
  if (!checked.ok) return undefined;
  for (const name of DOCUMENTS) {
    const task = labelOf(feature.name, name);
    emit({ type: 'task.checked', task, verdict: { kind: 'fresh' } });
    emit({ type: 'task.finished', task, outcome: 'fresh', ms: 0 });
  }
  return { files: planFiles(feature, plan, checked.value), documents: lock.documents };
}

/** The text of a file as the plan had it, from the store or from what the person committed. */
async function lockedText(
  { project }: CheckParts,
  lock: PlanLock | undefined,
  name: string,
): Promise<string | undefined> {
  const id = lock?.files[name];
  return id === undefined ? undefined : (await project.objects.read(id))?.toString('utf8');
}
