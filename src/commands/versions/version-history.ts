/** A feature's versions, from its lock file through git's history. Changes nothing. */

import { ownValue } from '../../base/records/own-value.js';
import { compareManifests } from '../../model/action.js';
import { type FeatureLock, type LockedTask, resultKeyOf, versionBump } from '../../model/feature-lock.js';
import type { Feature } from '../../model/task.js';
import type { Project } from '../../project/project.js';
import { readyAt, recordedProvenance } from '../../store/provenance-record.js';
import type { ResultStore } from '../../store/result-store.js';
import { featureHistory, type LockHistory, type LockState, versionAfter } from './lock-history.js';

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
  /** Where another branch gave the number to another content, the commit is added: `1.0.1+3fa2c1d`. */
  readonly version: string;
  /** ISO 8601: when its last result was ready, or when it was committed; empty when neither is known. */
  readonly at: string;
  /** In the person's repository; undefined: on disk and not committed. */
  readonly commit: string | undefined;
  readonly subject: string | undefined;
  /** US dollars for the results that came with it, as far as the store has them. */
  readonly costUsd: number;
  readonly acceptance: { readonly added: number; readonly removed: number };
  readonly tasks: readonly TaskChange[];
  readonly lock: FeatureLock;
}

/** One content of the lock under one number, with the newest commit that has it. */
interface VersionedLock {
  readonly version: string;
  readonly lock: FeatureLock;
  /** What it was made from. */
  readonly before: FeatureLock | undefined;
  readonly commit: string | undefined;
  readonly at: string;
  readonly subject: string | undefined;
}

/** Newest first. A version in several commits is listed once, with the newest. */
export async function featureVersions(
  project: Project,
  store: ResultStore,
  feature: Feature,
): Promise<FeatureVersion[]> {
  const history = await featureHistory(project, feature);
  const versions: FeatureVersion[] = [];
  for (const one of versionedLocks(project, feature, history)) {
    const { lock, before, commit, subject } = one;
    const made = await costAndTime(project, before, lock);
    versions.push({
      version: one.version,
      at: made.at ?? one.at,
      commit,
      subject,
      costUsd: made.costUsd,
      acceptance: acceptanceChange(before, lock),
      tasks: await taskChanges(store, before, lock),
      lock,
    });
  }
  return versions;
}

function versionedLocks(project: Project, feature: Feature, history: LockHistory): VersionedLock[] {
  const found: VersionedLock[] = [];
  const isListed = (version: string, lock: FeatureLock) =>
    found.some((one) => one.version === version && versionBump(one.lock.tasks, lock.tasks) === 'none');
  const now = project.locks.get(feature.name);
  const head = history.head.get(feature.lockFile);
  if (now && !(head && versionBump(head.lock.tasks, now.tasks) === 'none')) {
    const { version } = versionAfter(now, head ? [head] : []);
    found.push({ version, lock: now, before: head?.lock, commit: undefined, at: '', subject: undefined });
  }
  // Numbers on the line of HEAD stay as they are; those of merged branches give way.
  const isMain = ({ change }: LockState) => change !== undefined && history.isMain(change.commit);
  const taken = new Map<string, FeatureLock>();
  for (const state of [...history.states.filter(isMain), ...history.states])
    if (!taken.has(state.version)) taken.set(state.version, state.lock);
  for (const state of history.states) {
    const { lock, version, change } = state;
    if (!change || isListed(version, lock)) continue;
    const owner = taken.get(version);
    const isOther = owner !== undefined && versionBump(owner.tasks, lock.tasks) !== 'none';
    const name = isOther ? `${version}+${change.commit.slice(0, 7)}` : version;
    const before = [state, ...state.before].find(
      (one) => one !== state && versionBump(one.lock.tasks, lock.tasks) !== 'none',
    );
    if (isListed(name, lock)) continue;
    const { commit, at, subject } = change;
    found.push({ version: name, lock, before: before?.lock, commit, at, subject });
  }
  return found;
}

async function taskChanges(
  store: ResultStore,
  before: FeatureLock | undefined,
  after: FeatureLock,
): Promise<TaskChange[]> {
  const changes: TaskChange[] = [];
  for (const [id, task] of Object.entries(after.tasks)) {
    const old = ownValue(before?.tasks, id);
    if (old && old.key === task.key && old.result === task.result) continue;
    const items = old ? await changedItems(store, old, task) : [];
    const change = old ? 'changed' : 'added';
    changes.push({ id, change, items, result: task.result, recipe: task.recipe });
  }
  for (const id of Object.keys(before?.tasks ?? {})) {
    if (!ownValue(after.tasks, id)) changes.push({ id, change: 'removed', items: [] });
  }
  return changes;
}

async function changedItems(store: ResultStore, old: LockedTask, task: LockedTask): Promise<string[]> {
  const [was, is] = await Promise.all([old, task].map((one) => store.find(resultKeyOf(one))));
  if (!was?.ok || !is?.ok || !was.value || !is.value) return [];
  const { manifest } = was.value.provenance;
  return compareManifests(manifest, is.value.provenance.manifest).map((change) => change.name);
}

/** Of the results that are new in `after`; no time where the store has none of them. */
async function costAndTime(
  { objects }: Project,
  before: FeatureLock | undefined,
  after: FeatureLock,
): Promise<{ readonly costUsd: number; readonly at: string | undefined }> {
  let costUsd = 0;
  let at: string | undefined;
  for (const [id, { result }] of Object.entries(after.tasks)) {
    if (ownValue(before?.tasks, id)?.result === result) continue;
    const made = await recordedProvenance(objects, result);
    if (!made) continue;
    costUsd += made.usage.costUsd ?? 0;
    const ready = readyAt(made);
    if (at === undefined || ready > at) at = ready;
  }
  return { costUsd, at };
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
