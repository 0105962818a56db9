/**
 * Numbers the states of lock files by git's history: a pure function of the commits, so that no branch has to write a
 * number, and merging never gives a commit another one. Changes nothing.
 */

import { commitGraph, type FileChange, fileChanges } from '../../io/git/commit-history.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { Repository } from '../../io/git/repository.js';
import { bumpVersion, type FeatureLock, type LockedTask, versionBump } from '../../model/feature-lock.js';
import { globEscape } from '../../model/git-rules/git-escape.js';
import type { Feature } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import type { Project } from '../../project/project.js';
import { parseLock } from '../../specs/lock-file.js';

/** A lock file at one commit. */
export interface LockState {
  readonly lock: FeatureLock;
  readonly blob: ObjectId;
  readonly version: string;
  /** The highest version up to here: a change is counted from it, also after a way back. */
  readonly high: string;
  readonly before: readonly LockState[];
  readonly change: FileChange | undefined;
}

export interface LockHistory {
  /** By path, at HEAD. */
  readonly head: ReadonlyMap<string, LockState>;
  /** Every state of every lock file, newest first. */
  readonly states: readonly LockState[];
  /** Whether a commit is on the line of first parents of HEAD. */
  isMain(commit: string): boolean;
}

type States = ReadonlyMap<string, LockState>;

/** The history of a feature's lock file; what it was under former names of the feature belongs to it. */
export function featureHistory(
  { repository, objects, locks }: HistorySource & Pick<Project, 'locks'>,
  { name, lockFile }: Pick<Feature, 'name' | 'lockFile'>,
): Promise<LockHistory> {
  const former = locks.get(name)?.formerly ?? [];
  const globs = [lockFile, ...former].map(globEscape);
  return lockHistory({ repository, objects }, globs, new Map(former.map((path) => [path, [lockFile]])));
}

interface HistorySource {
  readonly repository: Repository;
  readonly objects: GitObjects;
}

/** By former path of a lock file, the present ones to whose history it belongs: its own too where a feature has that name again. */
export type FormerPaths = ReadonlyMap<string, readonly string[]>;

/** `globs` name lock files, relative to the project. */
export async function lockHistory(
  { repository, objects }: HistorySource,
  globs: readonly string[],
  renamed: FormerPaths = new Map(),
): Promise<LockHistory> {
  const changes = await fileChanges(repository, globs);
  if (changes.length === 0) return { head: new Map(), states: [], isMain: () => false };
  const changed = new Map(changes.map((change) => [change.commit, change]));
  const moved = new Set([...renamed.values()].flat());
  const graph = await commitGraph(repository);
  const locks = new Map<ObjectId, FeatureLock | undefined>();
  const lockOf = async (blob: ObjectId, path: string) => {
    if (!locks.has(blob)) {
      const text = await objects.read(blob);
      const parsed = text && parseLock(text.toString('utf8'), path);
      locks.set(blob, parsed?.ok ? parsed.value : undefined);
    }
    return locks.get(blob);
  };
  const at = new Map<string, States>();
  const order = new Map<string, LockState[]>();
  let head: States = new Map();
  for (const [commit, parents] of graph) {
    const [first = new Map(), ...others] = parents.flatMap((parent) => at.get(parent) ?? []);
    const change = changed.get(commit);
    const paths = new Set([...(change?.files.keys() ?? [])].flatMap((path) => renamed.get(path) ?? [path]));
    for (const other of others) {
      for (const path of new Set([...first.keys(), ...other.keys()]))
        if (first.get(path) !== other.get(path)) paths.add(path);
    }
    head = first;
    if (paths.size > 0) {
      const next = new Map(first);
      for (const path of paths) {
        const before = [first, ...others].flatMap((states) => states.get(path) ?? []);
        // Of a path with former ones the commit decides: one that changes a former path may be another feature's.
        const own = moved.has(path) ? undefined : change?.files.get(path);
        const blob = own ?? (await blobAt(objects, `${commit}:${repository.prefix}`, path, renamed));
        const lock = blob === '' ? undefined : await lockOf(blob, path);
        // A commit that removed the lock, or left one that cannot be read, has no version of its own.
        const state = lock ? nextState({ lock, blob, change }, [...new Set(before)]) : before[0];
        if (!state) continue;
        next.set(path, state);
        if (!before.includes(state)) order.set(commit, [...(order.get(commit) ?? []), state]);
      }
      head = next;
    }
    at.set(commit, head);
  }
  const main = new Set<string>();
  let line = [...graph.keys()].at(-1);
  for (; line !== undefined; line = graph.get(line)?.[0]) main.add(line);
  return {
    head,
    states: changes.flatMap(({ commit }) => order.get(commit) ?? []),
    isMain: (commit) => main.has(commit),
  };
}

/** The file under its present path, or else under its latest former one; an empty id where it is under none. */
async function blobAt(
  objects: GitObjects,
  at: string,
  path: string,
  renamed: FormerPaths,
): Promise<ObjectId> {
  const former = [...renamed].flatMap(([old, now]) => (now.includes(path) && old !== path ? [old] : []));
  for (const one of [path, ...former.reverse()]) {
    const blob = await objects.resolve(at + one);
    if (blob !== undefined) return blob;
  }
  return '';
}

/** The version of a lock that follows on others: of one commit, of several where branches were merged, or of none. */
export function versionAfter(
  lock: FeatureLock,
  before: readonly LockState[],
): Pick<LockState, 'version' | 'high'> {
  if (before.length === 0) return { version: lock.version ?? '1.0.0', high: lock.version ?? '1.0.0' };
  const high = before.map((state) => state.high).reduce(higher);
  if (lock.version !== undefined) return { version: lock.version, high: higher(high, lock.version) };
  const known = sameContent(lock.tasks, before);
  if (known !== undefined) return { version: known, high };
  const bumps = before.map((state) => versionBump(state.lock.tasks, lock.tasks));
  const bump = (['major', 'minor', 'patch'] as const).find((one) => bumps.includes(one)) ?? 'patch';
  const version = bumpVersion(high, bump);
  return { version, high: version };
}

function nextState(
  now: Pick<LockState, 'lock' | 'blob' | 'change'>,
  before: readonly LockState[],
): LockState {
  const same = before.find(({ blob }) => blob === now.blob);
  const { version, high } = versionAfter(now.lock, before);
  if (same && same.version === version && same.high === high) return same;
  return { ...now, version, high, before };
}

/** The version that this content had somewhere on the way here. */
function sameContent(
  tasks: Readonly<Record<string, LockedTask>>,
  before: readonly LockState[],
): string | undefined {
  const seen = new Set<LockState>(before);
  for (const state of seen) {
    if (versionBump(state.lock.tasks, tasks) === 'none') return state.version;
    for (const one of state.before) seen.add(one);
  }
  return undefined;
}

function higher(a: string, b: string): string {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (x?.[i] ?? 0) - (y?.[i] ?? 0);
    if (difference !== 0) return difference > 0 ? a : b;
  }
  return a;
}
