/**
 * The tree that a build publishes: the snapshot with results put in, patches put on, what no task owns any more taken
 * out, and the lock files. A cached result and a new one land in the same way. Writes git objects only.
 */

import { err, ok, type Result } from '../base/result.js';
import type { StoredResult } from '../model/action.js';
import { canonicalJson } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import {
  bumpVersion,
  type FeatureLock,
  LOCK_SCHEMA,
  type LockedEdit,
  type LockedTask,
  versionBump,
} from '../model/lock.js';
import type { Feature, Label, Task } from '../model/task.js';
import { type Entry, entryWord, type ObjectId, sameEntry } from '../model/tree.js';
import { formatLock } from '../specs/lock-file.js';
import { gatesKey } from '../store/manifest.js';
import type { Check } from './check.js';
import type { Produced } from './facts.js';
import { criterionDigest, interfaceOf } from './interface.js';
import { foldPatches } from './patches.js';
import { lockedTask, type Project } from './project.js';
import { patchedFiles, publishedOutputs } from './published.js';
import type { PatchedFile } from './records.js';

/** A task whose result goes into the tree. */
export interface Landed {
  readonly check: Check;
  readonly result: StoredResult;
}

export interface LandingPlan {
  readonly landed: ReadonlyMap<Label, Landed>;
  /** Everything that dependents may see, of fresh and landed tasks. */
  readonly produced: ReadonlyMap<Label, Produced>;
  /** Whether every task was looked at: only then is it known what no task owns any more. */
  readonly whole: boolean;
  /** Labels that are up to date or landed. */
  readonly done: ReadonlySet<Label>;
  /** ISO 8601, UTC. */
  readonly at: string;
}

export interface Landing {
  readonly tree: ObjectId;
  /** Outputs that nobody owns any more and that a person changed: left, and reported. */
  readonly leftBehind: readonly string[];
  /** Path to entry word of every output, for the clone's own record. */
  readonly published: Readonly<Record<string, string>>;
  /** Likewise, every file with patches. */
  readonly patched: Readonly<Record<string, PatchedFile>>;
}

type Changes = Map<string, Entry | undefined>;

export async function planLanding(project: Project, plan: LandingPlan): Promise<Result<Landing, Failure>> {
  const changes: Changes = new Map();
  const leftBehind: string[] = [];
  if (plan.whole) removeOrphans(project, changes, leftBehind);
  for (const [label, { result }] of plan.landed) {
    const before = lockedTask(project, project.graph.task(label));
    removeFormer(project, before, result, changes);
    for (const [path, entry] of result.outputs) {
      if (!sameEntry(project.listing.get(path), entry)) changes.set(path, entry);
    }
  }
  const merged = await mergeEdits(project, plan, changes);
  if (!merged.ok) return merged;

  const locks: FeatureLock[] = [];
  for (const feature of project.features.values()) {
    const before = project.locks.get(feature.name);
    const after = nextLock(project, feature, plan, merged.value);
    if (after) locks.push(after);
    if (!after || after === before) continue;
    const id = await project.objects.writeBlob(Buffer.from(formatLock(after)));
    changes.set(feature.lockFile, { mode: '100644', id });
  }
  const tree =
    changes.size === 0 ? project.snapshot : await project.objects.editTree(project.snapshot, changes);
  return ok({
    tree,
    leftBehind,
    published: publishedOutputs(project, plan.landed.values(), changes),
    patched: patchedFiles(project, locks, plan.whole),
  });
}

/** Recorded outputs without an owner: removed when they are as conductor made them. */
function removeOrphans(project: Project, changes: Changes, leftBehind: string[]): void {
  for (const [path, words] of project.recorded) {
    const onDisk = project.listing.get(path);
    if (!onDisk || project.ownership.ownerOf(path) !== undefined) continue;
    if (words.has(entryWord(onDisk))) changes.set(path, undefined);
    else leftBehind.push(path);
  }
}

/** Files of the task's former result that its new one has no more (a glob's file with another name now). */
function removeFormer(
  project: Project,
  before: LockedTask | undefined,
  result: StoredResult,
  changes: Changes,
): void {
  for (const path of Object.keys(before?.outputs ?? {})) {
    if (result.outputs.has(path) || project.ownership.ownerOf(path) !== result.provenance.label) continue;
    if (project.listing.get(path)) changes.set(path, undefined);
  }
}

/** Every edited file that this build has to touch, with all patches on it. */
async function mergeEdits(
  project: Project,
  plan: LandingPlan,
  changes: Changes,
): Promise<Result<Map<string, Entry | undefined>, Failure>> {
  const merged = new Map<string, Entry | undefined>();
  for (const [path, file] of project.edited) {
    const editors = [...project.graph.tasks.values()].filter((task) => task.edits.includes(path));
    const landing = editors.some((task) => plan.landed.has(task.label));
    const gone = file.merged !== undefined && plan.whole && abandonedPatch(project, path);
    if (!landing && !gone) continue;
    for (const task of editors) {
      // A patch that the file holds but the store does not would be lost by putting the others on anew.
      const holds = lockedTask(project, task)?.edits?.[path] !== undefined;
      const known =
        plan.landed.has(task.label) ||
        plan.produced.get(task.label)?.edits.some((edit) => edit.path === path);
      if (holds && !known) return err({ kind: 'edit-base-missing', path });
    }
    const folded = await foldPatches(
      project,
      path,
      editors.map((task) => task.label),
      plan.produced,
    );
    if (!folded.ok) return folded;
    merged.set(path, folded.value);
    if (!sameEntry(project.listing.get(path), folded.value)) changes.set(path, folded.value);
  }
  return ok(merged);
}

/** Whether a record still tells of a patch on this file by a task that is gone or edits it no more. */
function abandonedPatch(project: Project, path: string): boolean {
  const by = project.patched.get(path)?.by ?? [];
  if (by.some((label) => !project.graph.tasks.get(label)?.edits.includes(path))) return true;
  for (const [name, lock] of project.locks) {
    for (const [id, task] of Object.entries(lock.tasks)) {
      if (!task.edits?.[path]) continue;
      const now = project.graph.tasks.get(`${name}/${id}`);
      if (!now?.edits.includes(path)) return true;
    }
  }
  return false;
}

/** The feature's lock after this build; the very same object when nothing changes. */
function nextLock(
  project: Project,
  feature: Feature,
  plan: LandingPlan,
  merged: ReadonlyMap<string, Entry | undefined>,
): FeatureLock | undefined {
  const before = project.locks.get(feature.name);
  const tasks: Record<string, LockedTask> = {};
  let generated = false;
  let attempts = before?.attempts ?? 0;
  let costUsd = before?.costUsd ?? 0;
  for (const task of feature.tasks) {
    const landed = plan.landed.get(task.label);
    const old = before?.tasks[task.id];
    if (!landed) {
      if (old) tasks[task.id] = withMerged(project, old, merged);
      continue;
    }
    const made = lockTask(project, task, landed, merged);
    // The same content again, made or restored elsewhere: what was recorded of its making stands.
    const record =
      old && sameContent(old, made) ? { ...withGates(old, made), acceptance: made.acceptance } : made;
    tasks[task.id] = record;
    if (old?.result === record.result) continue;
    generated = true;
    attempts += landed.result.provenance.attempts;
    costUsd += landed.result.provenance.usage.costUsd ?? 0;
  }
  // What was not looked at keeps its record; what is gone from the spec loses it once its files are gone.
  if (!plan.whole) for (const [id, old] of Object.entries(before?.tasks ?? {})) tasks[id] ??= old;
  if (!before && Object.keys(tasks).length === 0) return undefined;

  const complete = feature.tasks.every(
    (task) => tasks[task.id] && (plan.done.has(task.label) || !plan.whole),
  );
  const status = complete ? 'complete' : 'incomplete';
  const bump = before ? versionBump(before.tasks, tasks) : 'none';
  const same =
    before !== undefined && bump === 'none' && before.status === status && sameRecords(before.tasks, tasks);
  if (same) return before;
  return {
    schema: LOCK_SCHEMA,
    feature: feature.name,
    version: before ? bumpVersion(before.version, bump) : '1.0.0',
    status,
    lastGenerated: generated || !before ? plan.at : before.lastGenerated,
    attempts,
    costUsd: Math.round(costUsd * 1e6) / 1e6,
    tasks,
  };
}

function lockTask(
  project: Project,
  task: Task,
  { check, result }: Landed,
  merged: ReadonlyMap<string, Entry | undefined>,
): LockedTask {
  const patches = result.edits.map((edit) => [edit.path, edit.after] as const);
  const gates = gatesKey(task, check.gates, result.outputs, patches, check.facts.facts);
  const edits: Record<string, LockedEdit> = {};
  for (const edit of result.edits) {
    edits[edit.path] = {
      base: editBase(project, edit.path),
      after: edit.after ? entryWord(edit.after) : '',
      merged: merged.get(edit.path)?.id ?? '',
    };
  }
  const { provenance } = result;
  const tokens = (provenance.usage.tokensIn ?? 0) + (provenance.usage.tokensOut ?? 0);
  return {
    key: check.facts.key,
    ...(result.key === check.facts.key ? {} : { resultKey: result.key }),
    result: result.commit,
    outputs: Object.fromEntries([...result.outputs].map(([path, entry]) => [path, entryWord(entry)])),
    interface: interfaceOf(task, result.outputs, patches),
    ...(gates === undefined ? {} : { gates }),
    ...(result.edits.length === 0 ? {} : { edits }),
    recipe: provenance.recipe,
    ...(provenance.agent === undefined ? {} : { agent: provenance.agent }),
    ...(provenance.model === undefined ? {} : { model: provenance.model }),
    attempts: provenance.attempts,
    ...(provenance.usage.costUsd === undefined ? {} : { costUsd: provenance.usage.costUsd }),
    ...(tokens === 0 ? {} : { tokens }),
    acceptance: task.acceptance.map(criterionDigest),
  };
}

function sameContent(a: LockedTask, b: LockedTask): boolean {
  const content = ({ key, resultKey, outputs, edits, interface: shown }: LockedTask) =>
    canonicalJson({ key, resultKey, outputs, edits, shown });
  return content(a) === content(b);
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
  const edits = Object.entries(task.edits ?? {});
  if (!edits.some(([path]) => merged.has(path))) return task;
  return {
    ...task,
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

function sameRecords(
  a: Readonly<Record<string, LockedTask>>,
  b: Readonly<Record<string, LockedTask>>,
): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
