/**
 * Makes the tree that a build publishes: the snapshot with results, patches and lock files, without files that no
 * task owns any more. Writes only git objects.
 */

import { findOrphans } from '../../analysis/orphans.js';
import { foldPatches } from '../../analysis/patches.js';
import { resultLines } from '../../analysis/range/recorded-results.js';
import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import { improvedSpec } from '../../execution/escalation/revised-task.js';
import type { Failure } from '../../model/failure.js';
import { featureOf } from '../../model/history.js';
import type { Label, Task } from '../../model/task.js';
import { type Entry, type ObjectId, sameEntry } from '../../model/tree.js';
import { type KeptLock, keptLock } from '../../project/clone-records.js';
import { lockedTask, type Project } from '../../project/project.js';
import { formatLock } from '../../specs/lock-file.js';
import { isLockUnchanged, nextLock } from './next-lock.js';
import type { Changes, FinishedResult, MergedTree, PublishPlan } from './publish-plan.js';
import { PatchedFiles, publishedOutputs } from './published-records.js';

export async function mergeResults(
  project: Project,
  plan: PublishPlan,
): Promise<Result<MergedTree, Failure>> {
  const changes: Changes = new Map();
  const leftBehind: string[] = [];
  if (plan.whole) {
    const orphans = findOrphans(project);
    for (const path of orphans.removed) {
      if (!staysWith(project, plan.held, path)) changes.set(path, undefined);
    }
    leftBehind.push(...orphans.kept);
  }
  for (const [label, { result }] of plan.finished) {
    removeFormer(project, label, result, changes);
    for (const [path, entry] of result.outputs) {
      if (!sameEntry(project.listing.get(path), entry)) changes.set(path, entry);
    }
  }
  const merged = await mergeEdits(project, plan, changes);
  if (!merged.ok) return merged;
  const changesFiles = changes.size > 0 || (project.rest?.restored.files.size ?? 0) > 0;
  const specs = await improveSpecs(project, plan, changes);
  if (!specs.ok) return specs;

  // The records of one feature after the other: all together would take more than all else that a build knows.
  const patched = new PatchedFiles();
  const kept: Record<string, KeptLock> = {};
  const results = new Map<string, string>();
  for (const feature of project.features.values()) {
    const before = project.locks.get(feature.name);
    const after = isLockUnchanged(project, feature, plan)
      ? before
      : nextLock(project, feature, plan, merged.value);
    if (!after) continue;
    patched.add(after);
    if (after !== before) {
      const id = await project.objects.writeBlob(Buffer.from(formatLock(after, feature.lockFile)));
      changes.set(feature.lockFile, { mode: '100644', id });
    }
    const file = changes.get(feature.lockFile) ?? project.listing.get(feature.lockFile);
    if (!file) continue;
    kept[feature.lockFile] = keptLock(after, file.id);
    const lines = plan.whole ? resultLines(after) : undefined;
    if (lines !== undefined) results.set(feature.name, lines);
  }
  const tree =
    changes.size === 0 ? project.snapshot : await project.objects.editTree(project.snapshot, changes);
  return ok({
    tree,
    changesFiles,
    stored: storedFiles(project, plan, changes),
    leftBehind,
    done: plan.done,
    published: publishedOutputs(project, plan.finished.values(), changes),
    patched: patched.all(plan.whole ? [] : project.patched),
    kept,
    results,
  });
}

/** Of the files that are published, those that are as a result has them. */
function storedFiles(
  { rest }: Project,
  { finished }: PublishPlan,
  changes: ReadonlyMap<string, Entry | undefined>,
): Set<ObjectId> {
  const stored = new Set<ObjectId>();
  for (const { result } of finished.values())
    for (const [path, { id }] of result.outputs) if (changes.get(path)?.id === id) stored.add(id);
  for (const { id } of rest?.restored.files.values() ?? []) stored.add(id);
  return stored;
}

/** An unowned file of a feature that is kept back: the task that is to own it under another name may be one of those. */
function staysWith(project: Project, held: PublishPlan['held'], path: string): boolean {
  if (held === 'all') return true;
  for (const feature of held) {
    const tasks = Object.values(project.locks.get(feature)?.tasks ?? {});
    if (tasks.some(({ outputs }) => ownValue(outputs, path) !== undefined)) return true;
  }
  return false;
}

/** Better tasks go where they were written, one after the other. */
async function improveSpecs(
  project: Project,
  { revisions }: PublishPlan,
  changes: Changes,
): Promise<Result<undefined, Failure>> {
  for (const revision of revisions) {
    const { file } = revision.task.source;
    const entry = changes.get(file) ?? project.listing.get(file);
    if (!entry) throw new Error(`BUG: ${file} is not in the snapshot`);
    const text = (await project.objects.read(entry.id))?.toString('utf8') ?? '';
    const improved = await improvedSpec(text, revision);
    if (!improved.ok) return improved;
    changes.set(file, { ...entry, id: await project.objects.writeBlob(Buffer.from(improved.value)) });
  }
  return ok(undefined);
}

/**
 * Files of the task's former result that its new one has no more (a glob's file with another name now). A file that was
 * never recorded is a person's, whatever pattern it matches. The result may tell of another name: where a key has none, tasks
 * with equal keys share results.
 */
function removeFormer(project: Project, label: Label, result: FinishedResult, changes: Changes): void {
  for (const path of project.owned.get(label)?.keys() ?? []) {
    if (!result.outputs.has(path) && project.recorded.has(path)) changes.set(path, undefined);
  }
}

/** Every edited file that this build has to touch, with all patches on it. */
async function mergeEdits(
  project: Project,
  plan: PublishPlan,
  changes: Changes,
): Promise<Result<Map<string, Entry | undefined>, Failure>> {
  const merged = new Map<string, Entry | undefined>();
  for (const [path, file] of project.edited) {
    const editors = [...project.graph.tasks.values()].filter((task) => task.edits.includes(path));
    const isMerged = editors.some((task) => plan.finished.has(task.label));
    const gone = file.merged !== undefined && plan.whole && abandonedPatch(project, path, plan.held);
    if (!isMerged && !gone) continue;
    if (file.contested && !fitsContested(plan, editors, path, file.base)) {
      return err({ kind: 'drifted-outputs', paths: [path], accept: editors.map(({ label }) => label) });
    }
    for (const task of editors) {
      // A patch that the file holds but the store does not would be lost by applying the others again.
      const holds = ownValue(lockedTask(project, task)?.edits, path) !== undefined;
      const known =
        plan.finished.has(task.label) ||
        plan.dependencyOutputs.get(task.label)?.edits.some((edit) => edit.path === path);
      if (holds && !known) return err({ kind: 'edit-base-missing', path });
    }
    const folded = await foldPatches(
      project,
      path,
      editors.map((task) => task.label),
      plan.dependencyOutputs,
    );
    if (!folded.ok) return folded;
    // What is accepted is the file as it is: a publish that would change it has lost something of it.
    if (file.claim && !sameEntry(folded.value, file.onDisk)) {
      const parts = file.claim.kind === 'divided' ? [...file.claim.patches.keys()] : file.claim.with;
      const others = parts.filter((label) => project.graph.tasks.has(label) && !plan.finished.has(label));
      return err(
        others.length > 0 ? { kind: 'shared-patch', path, with: others } : { kind: 'patch-conflict', path },
      );
    }
    merged.set(path, folded.value);
    if (!sameEntry(project.listing.get(path), folded.value)) changes.set(path, folded.value);
  }
  return ok(merged);
}

/** Where a person changed patched lines, only patches that were made on the file as it is now may be put on it. */
function fitsContested(
  plan: PublishPlan,
  editors: readonly Task[],
  path: string,
  base: Entry | undefined,
): boolean {
  return editors.every((task) => {
    const made = plan.finished.get(task.label)?.result.edits.find((edit) => edit.path === path);
    if (made) return sameEntry(made.base, base);
    return !plan.dependencyOutputs.get(task.label)?.edits.some((edit) => edit.path === path);
  });
}

/** Whether a record still names a patch of this file by a task that no longer exists or no longer edits it. */
function abandonedPatch(project: Project, path: string, held: PublishPlan['held']): boolean {
  if (held === 'all') return false;
  const by = project.patched.get(path)?.by ?? [];
  const isHeld = (label: Label) => held.has(featureOf(label));
  if (by.some((label) => !isHeld(label) && !project.graph.tasks.get(label)?.edits.includes(path)))
    return true;
  for (const [name, lock] of project.locks) {
    if (held.has(name)) continue;
    for (const [id, task] of Object.entries(lock.tasks)) {
      if (!ownValue(task.edits, path)) continue;
      const now = project.graph.tasks.get(`${name}/${id}`);
      if (!now?.edits.includes(path)) return true;
    }
  }
  return false;
}
