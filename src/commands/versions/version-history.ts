/** A feature's versions, read from its lock file through git. Changes nothing. */

import { fileHistory } from '../../io/git/commit-history.js';
import { compareManifests } from '../../model/action.js';
import { type FeatureLock, type LockedTask, resultKeyOf } from '../../model/feature-lock.js';
import type { Feature } from '../../model/task.js';
import type { Project } from '../../project/project.js';
import { parseLock } from '../../specs/lock-file.js';
import type { ResultStore } from '../../store/result-store.js';

export interface TaskChange {
  readonly id: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** What of its manifest differs, where both results are in the store. */
  readonly items: readonly string[];
  /** Commit of the new result in conductor's repository. */
  readonly result?: string;
  readonly recipe?: LockedTask['recipe'];
}

export interface FeatureVersion {
  readonly version: string;
  /** ISO 8601, UTC: when its last result was published. */
  readonly at: string;
  /** In the person's repository; undefined: on disk and not committed. */
  readonly commit: string | undefined;
  readonly subject: string | undefined;
  readonly status: FeatureLock['status'];
  /** US dollars for the results that came with it. */
  readonly costUsd: number;
  readonly acceptance: { readonly added: number; readonly removed: number };
  readonly tasks: readonly TaskChange[];
  readonly lock: FeatureLock;
}

/** Newest first. A version in several successive commits is listed once, with the newest. */
export async function featureVersions(
  project: Project,
  store: ResultStore,
  feature: Feature,
): Promise<FeatureVersion[]> {
  const locks = await locksOf(project, feature);
  const versions: FeatureVersion[] = [];
  for (const [index, { lock, commit, subject }] of locks.entries()) {
    const before = locks[index + 1]?.lock;
    const tasks = await taskChanges(store, before, lock);
    versions.push({
      version: lock.version,
      at: lock.lastGenerated,
      commit,
      subject,
      status: lock.status,
      costUsd: costOf(before, lock),
      acceptance: acceptanceChange(before, lock),
      tasks,
      lock,
    });
  }
  return versions;
}

interface VersionedLock {
  readonly lock: FeatureLock;
  readonly commit: string | undefined;
  readonly subject: string | undefined;
}

async function locksOf(project: Project, feature: Feature): Promise<VersionedLock[]> {
  const found: VersionedLock[] = [];
  const add = (one: VersionedLock) => {
    const last = found.at(-1);
    // The one on disk is that of the newest commit, as long as nothing was built since.
    if (last?.lock.version !== one.lock.version) found.push(one);
    else if (last.commit === undefined && sameTasks(last.lock, one.lock)) found[found.length - 1] = one;
  };
  const now = project.locks.get(feature.name);
  if (now) add({ lock: now, commit: undefined, subject: undefined });
  for (const { commit, subject } of await fileHistory(project.repository, feature.lockFile)) {
    const text = await project.objects.read(`${commit}:${project.repository.prefix}${feature.lockFile}`);
    const lock = text && parseLock(text.toString('utf8'), feature.lockFile);
    // A commit that removed the lock, or left marks of a merge in it, has no version to show.
    if (lock?.ok) add({ lock: lock.value, commit, subject });
  }
  return found;
}

function sameTasks(a: FeatureLock, b: FeatureLock): boolean {
  return JSON.stringify(a.tasks) === JSON.stringify(b.tasks);
}

async function taskChanges(
  store: ResultStore,
  before: FeatureLock | undefined,
  after: FeatureLock,
): Promise<TaskChange[]> {
  const changes: TaskChange[] = [];
  for (const [id, task] of Object.entries(after.tasks)) {
    const old = before?.tasks[id];
    if (old && old.key === task.key && old.result === task.result) continue;
    const items = old ? await changedItems(store, old, task) : [];
    const change = old ? 'changed' : 'added';
    changes.push({ id, change, items, result: task.result, recipe: task.recipe });
  }
  for (const id of Object.keys(before?.tasks ?? {})) {
    if (!after.tasks[id]) changes.push({ id, change: 'removed', items: [] });
  }
  return changes;
}

async function changedItems(store: ResultStore, old: LockedTask, task: LockedTask): Promise<string[]> {
  const [was, is] = await Promise.all([old, task].map((one) => store.find(resultKeyOf(one))));
  if (!was?.ok || !is?.ok || !was.value || !is.value) return [];
  const { manifest } = was.value.provenance;
  return compareManifests(manifest, is.value.provenance.manifest).map((change) => change.name);
}

function costOf(before: FeatureLock | undefined, after: FeatureLock): number {
  return Object.entries(after.tasks)
    .filter(([id, task]) => before?.tasks[id]?.result !== task.result)
    .reduce((sum, [, task]) => sum + (task.costUsd ?? 0), 0);
}

function acceptanceChange(before: FeatureLock | undefined, after: FeatureLock): FeatureVersion['acceptance'] {
  const criteria = (lock: FeatureLock | undefined) =>
    new Set(
      Object.entries(lock?.tasks ?? {}).flatMap(([id, task]) => task.acceptance.map((one) => `${id} ${one}`)),
    );
  const [was, is] = [criteria(before), criteria(after)];
  const missing = (from: Set<string>, other: Set<string>) =>
    [...from].filter((one) => !other.has(one)).length;
  return { added: missing(is, was), removed: missing(was, is) };
}
