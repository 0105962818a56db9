/** A feature's lock file after a build. Reads no disk. */

import { bytesInterface, criterionDigest } from '../../analysis/dependency-outputs.js';
import { rekeyedRecord } from '../../analysis/interfaces/former-keys.js';
import { readsSignatures } from '../../analysis/interfaces/interface-files.js';
import { interfacesOf } from '../../analysis/interfaces/interfaces.js';
import { newRecord, ownValue } from '../../base/records/own-value.js';
import { madeBy, type Provenance } from '../../model/action.js';
import { type Digest, isSameJson } from '../../model/digest.js';
import {
  type FeatureLock,
  isAdopted,
  type LockedEdit,
  type LockedTask,
  type TaskRecord,
} from '../../model/feature-lock.js';
import type { Feature, Label, Task } from '../../model/task.js';
import { type Entry, encodeEntry, type ObjectId } from '../../model/tree.js';
import type { Project } from '../../project/project.js';
import { type FinishedTask, finishedMaking, type PublishPlan } from './publish-plan.js';

/**
 * Whether the feature's lock stays as it is because all of its tasks are fresh by induction. Where a dependent that counts
 * signatures is not, it may be the first that does, and then the record gets another `interface`.
 */
export function isLockUnchanged(
  { locks, graph }: Project,
  { name, tasks }: Feature,
  { unchanged = NONE }: PublishPlan,
): boolean {
  const before = locks.get(name);
  if (!before || before.hasMarkers || before.isLost || unchanged.size === 0) return false;
  if (Object.keys(before.tasks).length !== tasks.length) return false;
  return tasks.every(
    ({ label }) =>
      unchanged.has(label) &&
      graph
        .dependents(label)
        .every((reader) => unchanged.has(reader) || !readsSignatures(graph.task(reader))),
  );
}

/** Current tasks of features of which the lock file may change. */
export function changedRecords(project: Project, plan: PublishPlan): Label[] {
  const features = [...project.features.values()].filter((one) => !isLockUnchanged(project, one, plan));
  return features.flatMap(({ tasks }) =>
    tasks.flatMap(({ label }) => (plan.current.has(label) ? [label] : [])),
  );
}

const NONE: ReadonlySet<Label> = new Set();

/** The feature's lock after this build; the very same object when nothing of it changes, so that no file is written. */
export function nextLock(
  project: Project,
  feature: Feature,
  plan: PublishPlan,
  merged: ReadonlyMap<string, Entry | undefined>,
): FeatureLock | undefined {
  const before = project.locks.get(feature.name);
  const tasks = newRecord<LockedTask>();
  for (const task of feature.tasks) {
    const finished = plan.finished.get(task.label);
    const whole = ownValue(before?.tasks, task.id);
    const chosen = project.choices.get(task.label);
    if (!finished) {
      // Where nothing came of it, or an accepted edit is still to be merged, all records stay.
      const isChosen = chosen?.accepted.length === 0 && plan.current.has(task.label);
      const kept = isChosen ? chosen.locked : whole;
      if (kept) tasks[task.id] = withMerged(project, renewed(project, task, kept, plan), merged);
      continue;
    }
    const old = chosen ? chosen.locked : whole;
    const made = lockTask(project, finished, old, merged);
    // The same content again, made or restored elsewhere: what was recorded of its making stands.
    const record =
      old && sameContent(old, made) ? { ...withGates(old, made), acceptance: made.acceptance } : made;
    tasks[task.id] = record;
  }
  // What was not looked at keeps its record; what is gone from the spec loses it once its files are gone.
  const isHeld = plan.held === 'all' || plan.held.has(feature.name);
  if (!plan.whole || isHeld) for (const [id, old] of Object.entries(before?.tasks ?? {})) tasks[id] ??= old;
  if (!before && Object.keys(tasks).length === 0) return undefined;
  const isOnDisk = before && !before.hasMarkers && !before.isLost;
  if (isOnDisk && isSameJson(before.tasks, tasks)) return before;
  const names = before?.formerly ? { formerly: before.formerly } : {};
  return { feature: feature.name, ...names, tasks };
}

function lockTask(
  project: Project,
  { task, key, gates, result, handWork, unformatted }: FinishedTask,
  old: TaskRecord | undefined,
  merged: ReadonlyMap<string, Entry | undefined>,
): LockedTask {
  const patches = result.edits.map((edit) => [edit.path, edit.after] as const);
  const edits = result.edits.map(({ path, after }): [string, LockedEdit] => [
    path,
    {
      base: editBase(project, path),
      after: after ? encodeEntry(after) : '',
      merged: merged.get(path)?.id ?? '',
    },
  ]);
  const { provenance } = result;
  const making = finishedMaking(provenance);
  const isOfPerson = isHandWork(old, provenance);
  // A clone without a store then knows what it would have to know the former formatters for.
  const isFormatted = provenance.recipe === 'agent' || isOfPerson;
  return {
    key,
    ...(result.key === key ? {} : { resultKey: result.key }),
    result: result.commit,
    outputs: Object.fromEntries([...result.outputs].map(([path, entry]) => [path, encodeEntry(entry)])),
    interface: recordedInterface(project, task, bytesInterface(task, result.outputs, patches)),
    ...(gates === undefined ? {} : { gates }),
    ...(edits.length === 0 ? {} : { edits: Object.fromEntries(edits) }),
    recipe: provenance.recipe,
    ...(handWork && isOfPerson ? { handWork } : {}),
    ...(unformatted && isFormatted ? { unformatted } : {}),
    ...(old?.formerly ? { formerly: old.formerly } : {}),
    ...(isAdopted(old, provenance.recipe) ? { adopted: true as const } : {}),
    ...(making.agent === undefined ? {} : { agent: making.agent }),
    ...madeBy(making),
    ...(provenance.observed === undefined ? {} : { observed: provenance.observed }),
    acceptance: task.acceptance.map(criterionDigest),
  };
}

/** What is recorded of a current task under today's keys. Several records of one task stay until one is chosen. */
function renewed(project: Project, task: Task, kept: LockedTask, plan: PublishPlan): LockedTask {
  const made = plan.dependencyOutputs.get(task.label);
  if (!plan.renewsRecords || !plan.current.has(task.label) || !made || kept.unmerged) return kept;
  return {
    ...kept,
    ...rekeyedRecord(project, task.label),
    interface: recordedInterface(project, task, made.interface),
  };
}

/** What dependents by signature are keyed on, where there are any, else the digest of the bytes. */
function recordedInterface(project: Project, task: Task, bytes: Digest): Digest {
  return interfacesOf(project).known(task, bytes) ?? bytes;
}

/** Whether the files are as people wrote them, with nothing of conductor below. */
function isHandWork(
  old: TaskRecord | undefined,
  { recipe, over }: Pick<Provenance, 'recipe' | 'over'>,
): boolean {
  return recipe === 'accepted' && over === undefined && isAdopted(old, recipe);
}

function sameContent(a: LockedTask, b: LockedTask): boolean {
  return (
    a.key === b.key &&
    a.resultKey === b.resultKey &&
    a.interface === b.interface &&
    isSameJson(a.outputs, b.outputs) &&
    isSameJson(a.edits, b.edits)
  );
}

function withGates({ gates: _, ...task }: LockedTask, from: LockedTask): LockedTask {
  return from.gates === undefined ? task : { ...task, gates: from.gates };
}

/** The file as people wrote it; empty when they wrote none. */
function editBase(project: Project, path: string): ObjectId {
  return project.edited.get(path)?.base?.id ?? '';
}

/** All records of one file tell of its state after this build. */
function withMerged(
  project: Project,
  task: LockedTask,
  merged: ReadonlyMap<string, Entry | undefined>,
): LockedTask {
  const { unmerged } = task;
  const told = (record: TaskRecord) => toldMerged(project, record, merged);
  return {
    ...told(task),
    ...(unmerged && { unmerged: { sides: unmerged.sides.map(told), bases: unmerged.bases.map(told) } }),
  };
}

function toldMerged(
  project: Project,
  record: TaskRecord,
  merged: ReadonlyMap<string, Entry | undefined>,
): TaskRecord {
  const edits = Object.entries(record.edits ?? {});
  if (!edits.some(([path]) => merged.has(path))) return record;
  return {
    ...record,
    edits: Object.fromEntries(
      edits.map(([path, edit]) => [
        path,
        merged.has(path)
          ? { ...edit, base: editBase(project, path), merged: merged.get(path)?.id ?? '' }
          : edit,
      ]),
    ),
  };
}
