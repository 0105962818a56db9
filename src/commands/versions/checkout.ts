/**
 * Goes back to a version of a feature: its specs from git, its outputs from the store, its lock file. Publishes as a
 * build does and never overwrites uncommitted work. Runs no recipe.
 */

import { editedByHand } from '../../analysis/drift.js';
import type { Prepared } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import { inPreparedSession } from '../../build/prepared-session.js';
import type { Changes } from '../../build/publishing/publish-plan.js';
import type { Failure } from '../../model/failure.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { Feature, Label } from '../../model/task.js';
import { decodeEntry, type Entry, encodeEntry, type Files, sameEntry } from '../../model/tree.js';
import { keptLock, readKeptLocks, writeKeptLocks, writePatched } from '../../project/clone-records.js';
import type { Host } from '../../project/host.js';
import { changesBetween, readOutputs } from '../../project/outputs/clone-outputs.js';
import { acceptedWord } from '../../project/outputs/recorded-outputs.js';
import type { Project } from '../../project/project.js';
import { formatLock } from '../../specs/lock-file.js';
import { headFiles } from '../../workspace/commit/commit.js';
import { publishTree } from '../../workspace/publish.js';
import { type FeatureVersion, featureVersions } from './version-history.js';
import { type RestoredPatches, restorePatches } from './version-patches.js';

export interface CheckedOut {
  readonly version: string;
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

export interface CheckoutOptions {
  readonly feature: string;
  readonly version: string;
  readonly wait: boolean;
}

/**
 * Fails with `unknown-version`, `unsaved-specs`, `drifted-outputs` (a hand edit would be lost), `version-incomplete`
 * (files that are in no store any more), `patch-conflict`, or as publishing does.
 */
export async function checkoutVersion(
  host: Host,
  options: CheckoutOptions,
  signal: AbortSignal,
): Promise<Result<CheckedOut, Failure>> {
  const { feature, version, wait } = options;
  const prepare = { targets: [feature], force: false, discardEdits: false };
  return inPreparedSession(
    host,
    { command: `conductor checkout ${feature}@${version}`, wait, signal, prepare },
    ({ prepared }) => inProject(prepared, options),
  );
}

async function inProject(
  prepared: Prepared,
  { feature: name, version }: CheckoutOptions,
): Promise<Result<CheckedOut, Failure>> {
  const { project, store } = prepared;
  const feature = project.features.get(name);
  if (!feature) return err({ kind: 'unknown-target', target: name, nearest: [...project.features.keys()] });
  const versions = await featureVersions(project, store, feature);
  const wanted = versions.find((one) => one.version === version);
  if (!wanted) {
    return err({
      kind: 'unknown-version',
      feature: name,
      version,
      known: versions.map((one) => one.version),
    });
  }
  // What is not committed yet is what is on disk.
  if (wanted.commit === undefined) return ok({ version, written: [], removed: [] });
  if (wanted.lock.feature !== name) {
    const message = `${name} was named ${wanted.lock.feature} at version ${version}`;
    const hint = `name it so again: \`conductor mv ${name} ${wanted.lock.feature}\``;
    return err({ kind: 'usage', message, hint });
  }
  const changes: Changes = new Map();
  const specs = await specChanges(project, feature, wanted.commit, changes);
  if (!specs.ok) return specs;
  const outputs = await outputChanges(prepared, feature, wanted, changes);
  if (!outputs.ok) return outputs;
  const lock = await restorePatches(prepared, feature, wanted.lock, changes);
  if (!lock.ok) return lock;
  const id = await project.objects.writeBlob(Buffer.from(formatLock(lock.value.lock, feature.lockFile)));
  changes.set(feature.lockFile, { mode: '100644', id });
  const published = await publishTree(project.repository, project.objects, {
    from: project.snapshot,
    to: await project.objects.editTree(project.snapshot, changes),
  });
  if (!published.ok) return published;
  await keepRecords(prepared, feature, lock.value, changes);
  const kept = await readKeptLocks(project.repository.state);
  await writeKeptLocks(project.repository.state, {
    ...kept,
    [feature.lockFile]: keptLock(lock.value.lock, id),
  });
  return ok({ version, ...published.value });
}

/** The feature's spec as the commit has it. What is on disk must be committed: git has it then. */
async function specChanges(
  project: Project,
  feature: Feature,
  commit: string,
  changes: Changes,
): Promise<Result<undefined, Failure>> {
  const { objects, repository, listing } = project;
  const tree = await objects.resolve(`${commit}^{tree}`);
  const inside = tree && (await objects.subtree(tree, repository.prefix));
  const then = inside ? (await objects.list(inside)).files : new Map<string, Entry>();
  const committed = await headFiles(repository, objects);
  const paths = new Set([...specPaths(feature, listing.files), ...specPaths(feature, then)]);
  const unsaved: string[] = [];
  for (const path of paths) {
    const now = listing.get(path);
    if (sameEntry(now, then.get(path))) continue;
    if (now && !sameEntry(now, committed.get(path))) unsaved.push(path);
    changes.set(path, then.get(path));
  }
  return unsaved.length > 0 ? err({ kind: 'unsaved-specs', paths: unsaved }) : ok(undefined);
}

/** A spec that is one file is that file; another is everything in its folder. */
function specPaths({ file, lockFile }: Feature, files: Files): string[] {
  const folder = file.endsWith('.spec.md') ? undefined : file.slice(0, file.lastIndexOf('/') + 1);
  const isSpec = (path: string) => (folder === undefined ? path === file : path.startsWith(folder));
  return [...files.keys()].filter((path) => isSpec(path) && path !== lockFile);
}

async function outputChanges(
  { project, store }: Pick<Prepared, 'project' | 'store'>,
  feature: Feature,
  { version, lock }: FeatureVersion,
  changes: Changes,
): Promise<Result<undefined, Failure>> {
  const edited: string[] = [];
  const tasks: Label[] = [];
  for (const task of feature.tasks) {
    const own = await editedByHand(project, task);
    edited.push(...own);
    if (own.length > 0) tasks.push(task.label);
    for (const path of project.owned.get(task.label)?.keys() ?? []) changes.set(path, undefined);
  }
  const missing: string[] = [];
  const unreached = new Set<string>();
  for (const task of Object.values(lock.tasks)) {
    const ids = Object.values(task.outputs).map((word) => decodeEntry(word).id);
    if ((await project.objects.missing(ids)).length > 0) {
      const key = resultKeyOf(task);
      // A remote may have what this store has not.
      const found = await store.find(key);
      if (!found.ok || !found.value) for (const name of store.unreached?.(key) ?? []) unreached.add(name);
    }
    for (const [path, word] of Object.entries(task.outputs)) {
      const entry = decodeEntry(word);
      const now = project.listing.get(path);
      const isOurs =
        !now || sameEntry(now, entry) || project.recorded.get(path)?.has(encodeEntry(now)) === true;
      if (!isOurs) edited.push(path);
      if ((await project.objects.read(entry.id)) === undefined) missing.push(path);
      changes.set(path, entry);
    }
  }
  if (edited.length > 0) return err({ kind: 'drifted-outputs', paths: [...new Set(edited)], accept: tasks });
  if (missing.length === 0) return ok(undefined);
  const silent = unreached.size === 0 ? {} : { unreached: [...unreached] };
  return err({ kind: 'version-incomplete', version, paths: missing, ...silent });
}

/** The clone's own records tell of the restored files as of published ones. */
async function keepRecords(
  { project }: Prepared,
  { lockFile }: Feature,
  { lock, patched }: RestoredPatches,
  changes: Changes,
): Promise<void> {
  const { state } = project.repository;
  const outputs = await readOutputs(state);
  const published = new Map(outputs.all());
  for (const [path, entry] of changes) if (!entry) published.delete(path);
  for (const { recipe, adopted, outputs: restored } of Object.values(lock.tasks)) {
    // What people wrote stays theirs when the feature is removed.
    const isPersons = (path: string, word: string) =>
      (recipe === 'accepted' || adopted) && !project.built.get(path)?.has(word);
    for (const [path, word] of Object.entries(restored))
      published.set(path, isPersons(path, word) ? acceptedWord(word) : word);
  }
  await outputs.change(new Map([[lockFile, null], ...changesBetween(outputs.all(), published)]));
  await writePatched(state, { ...Object.fromEntries(project.patched), ...patched });
}
