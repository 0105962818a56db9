/** Publishes finished tasks to the user's files: plans, writes and records. Runs no task and no gate. */

import { type DependencyOutputs, resultAsDependency } from '../../analysis/dependency-outputs.js';
import { interfacesOf } from '../../analysis/interfaces/interfaces.js';
import type { Prepared } from '../../analysis/prepare.js';
import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import type { RevisedTask } from '../../execution/escalation/revised-task.js';
import { changedFiles } from '../../io/git/walk.js';
import type { StoredResult } from '../../model/action.js';
import type { TaskOutcomeKind } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import { readKeptLocks, writeKeptLocks, writePatched } from '../../project/clone-records.js';
import type { Emit } from '../../project/host.js';
import { changesBetween, type OutputsMark, readOutputs } from '../../project/outputs/clone-outputs.js';
import { lockedTask, lockFiles, type Project } from '../../project/project.js';
import { publishTree } from '../../workspace/publish.js';
import type { TaskStep } from '../task-step.js';
import { mergeResults } from './merged-tree.js';
import { changedRecords } from './next-lock.js';
import type { FinishedTask, MergedTree, PublishPlan } from './publish-plan.js';
import { type PublishUnits, publishUnits } from './publish-units.js';
import { lockChanges, withFormer, withFormerLocks } from './published-records.js';

function isDone(outcome: TaskOutcomeKind): boolean {
  return outcome !== 'drifted' && outcome !== 'failed' && outcome !== 'skipped';
}

export interface PlannedPublish {
  readonly merged: Result<MergedTree, Failure>;
  /** What goes into the tree. */
  readonly finished: ReadonlyMap<Label, FinishedTask>;
  /** Labels that are up to date or published. */
  readonly done: ReadonlySet<Label>;
  readonly units: PublishUnits;
}

/**
 * Plans what is published, by the units that the config asks for. Where a patched file cannot be put together, the tasks
 * that would patch it fail, with their results kept, and the units are decided again.
 */
export async function planPublish(
  prepared: Prepared,
  step: TaskStep,
  heldBefore: ReadonlyMap<Label, readonly Label[]> = new Map(),
  renewsRecords = true,
): Promise<PlannedPublish> {
  const { whole } = prepared;
  for (;;) {
    const units = unitsOf(prepared, step, heldBefore);
    const { waiting, heldFeatures, isAllHeld } = units;
    const finished = without(step.finished, waiting);
    const shown = without(step.dependencyOutputs, waiting);
    const dependencyOutputs = await withFormerPatches(prepared, shown);
    const current = new Set(shown.keys());
    const done = new Set(
      [...step.outcomes].flatMap(([label, outcome]) =>
        isDone(outcome) && !waiting.has(label) ? [label] : [],
      ),
    );
    const held = isAllHeld ? ('all' as const) : heldFeatures;
    const revisions = revisionsOf(step);
    const { unchanged } = step;
    const plan = {
      finished,
      revisions,
      held,
      current,
      done,
      unchanged,
      dependencyOutputs,
      whole,
      renewsRecords,
    };
    const recorded = changedRecords(prepared.project, plan);
    await interfacesOf(prepared.project).decide(recorded, dependencyOutputs);
    const merged = await mergedResults(prepared, plan);
    if (merged.ok || !step.withdraw(merged.error, finished.keys())) return { merged, finished, done, units };
  }
}

/** A patch that is not here may only be on a remote that did not answer. */
async function mergedResults(
  { project, store }: Prepared,
  plan: PublishPlan,
): Promise<Result<MergedTree, Failure>> {
  const merged = await mergeResults(project, plan);
  if (merged.ok || merged.error.kind !== 'edit-base-missing') return merged;
  const { path } = merged.error;
  const unreached = [...project.graph.tasks.values()].flatMap((task) => {
    const locked = lockedTask(project, task);
    return (locked && ownValue(locked.edits, path) && store.unreached?.(resultKeyOf(locked))) || [];
  });
  return unreached.length === 0 ? merged : err({ ...merged.error, unreached: [...new Set(unreached)] });
}

function unitsOf(
  { project }: Prepared,
  { outcomes, finished }: TaskStep,
  heldBefore: ReadonlyMap<Label, readonly Label[]>,
): PublishUnits {
  const having = (...kinds: TaskOutcomeKind[]) =>
    new Set([...outcomes].flatMap(([label, outcome]) => (kinds.includes(outcome) ? [label] : [])));
  const { graph, config } = project;
  return publishUnits({
    mode: config.publish,
    graph,
    finished: new Set(finished.keys()),
    unfinished: having('failed', 'skipped'),
    standing: having('accepted'),
    heldBefore,
    isInCheckout: (label) => lockedTask(project, graph.task(label)) !== undefined,
  });
}

function revisionsOf({ finished }: TaskStep): RevisedTask[] {
  return [...finished.values()].flatMap(({ revision }) => revision ?? []);
}

function without<T>(all: ReadonlyMap<Label, T>, left: ReadonlyMap<Label, unknown>): ReadonlyMap<Label, T> {
  return left.size === 0 ? all : new Map([...all].filter(([label]) => !left.has(label)));
}

/**
 * Where nothing of a build is published, the specs still get the revised tasks that were built: the results are found again
 * by that text alone. Returns the tree that this leaves on disk.
 */
export async function publishRevisions(prepared: Prepared, step: TaskStep, emit: Emit): Promise<ObjectId> {
  const revisions = revisionsOf(step);
  const { project } = prepared;
  if (revisions.length === 0) return treeOnDisk(project);
  const written = await writeRevisions(prepared, revisions, emit);
  if (written.ok) return written.value;
  for (const { task } of revisions) {
    const message = `conductor could not write the revised task into ${task.source.file} (${written.error.kind}); without it, the next build does not find the result`;
    emit({ type: 'warning', task: task.label, message });
  }
  return treeOnDisk(project);
}

async function writeRevisions(
  prepared: Prepared,
  revisions: readonly RevisedTask[],
  emit: Emit,
): Promise<Result<ObjectId, Failure>> {
  const none = new Set<Label>();
  const nothing = { finished: new Map(), current: none, done: none, dependencyOutputs: new Map() };
  const { project } = prepared;
  const merged = await mergeResults(project, {
    ...nothing,
    whole: false,
    revisions,
    held: 'all',
    renewsRecords: false,
  });
  if (!merged.ok) return merged;
  // Files that are gone wait with all else, although the snapshot has them: only the specs change.
  const specs = await changedFiles(project.objects, project.snapshot, merged.value.tree);
  const tree = await project.objects.editTree(treeOnDisk(project), specs);
  const published = await publish(prepared, { ...merged.value, tree }, emit);
  return published.ok ? ok(tree) : published;
}

/** What publishing starts from. */
function treeOnDisk({ onDisk, snapshot }: Project): ObjectId {
  return onDisk ?? snapshot;
}

/**
 * A task that failed or was not looked at keeps its former outputs, so also its former patches: they are put on
 * again when another task's patch of the same file is published.
 */
async function withFormerPatches(
  prepared: Prepared,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<ReadonlyMap<Label, DependencyOutputs>> {
  const all = new Map(dependencyOutputs);
  for (const task of prepared.project.graph.tasks.values()) {
    const locked = lockedTask(prepared.project, task);
    if (all.has(task.label) || !locked?.edits) continue;
    const former = await prepared.store.find(resultKeyOf(locked));
    const result: StoredResult | undefined = former.ok ? former.value : undefined;
    if (result) all.set(task.label, resultAsDependency(task, result));
  }
  return all;
}

export interface PublishedBuild {
  /** Files that were written or removed, without lock files. */
  readonly paths: readonly string[];
  /** The clone's record of outputs afterwards. */
  readonly outputs: OutputsMark | undefined;
}

export async function publish(
  prepared: Prepared,
  merged: MergedTree,
  emit: Emit,
): Promise<Result<PublishedBuild, Failure>> {
  const { project } = prepared;
  const from = treeOnDisk(project);
  if (merged.tree === from) return ok({ paths: [], outputs: await keepRecords(prepared, merged) });
  const done = await publishTree(project.repository, project.objects, {
    from,
    to: merged.tree,
    files: from === project.snapshot ? project.listing : undefined,
    stored: merged.stored,
  });
  if (!done.ok) return done;
  const outputs = await keepRecords(prepared, merged);
  const { written, removed } = done.value;
  const locks = lockFiles(project);
  emit({ type: 'build.published', written, removed });
  return ok({ paths: [...written, ...removed].filter((path) => !locks.has(path)), outputs });
}

/** A clone that only found everything up to date knows its outputs too, for the day when a feature is removed. */
async function keepRecords({ project }: Prepared, merged: MergedTree): Promise<OutputsMark | undefined> {
  const { state } = project.repository;
  const outputs = project.rest?.outputs ?? (await readOutputs(state));
  // Of a part, what the record has of features that were not read stays.
  const former = project.rest ? outputs.of(project.recorded.keys()) : outputs.all();
  const locks = project.rest?.keptLocks ?? (await readKeptLocks(state)) ?? {};
  const kept = withFormerLocks(project, merged, locks);
  const changes = changesBetween(former, withFormer(project, merged, former));
  const mark = await outputs.change(new Map([...lockChanges(locks, kept), ...changes]));
  // No task of a project that is read in part patches a file.
  if (!project.rest) await writePatched(state, merged.patched);
  await writeKeptLocks(state, kept);
  return mark;
}
