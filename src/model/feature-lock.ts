/** A feature's lock file, `.metadata.json`: what was built, from which key. Knows no disk. */

import { ownValue } from '../base/records/own-value.js';
import type { ObservedInputs } from './action.js';
import type { Digest } from './digest.js';
import type { ResultRecipe } from './task.js';
import type { ObjectId } from './tree.js';

/** Of the lock in a feature's folder, and of the lock beside a spec of one file. */
export const LOCK_ENDING = '.metadata.json';

export function isLockFile(path: string): boolean {
  return path.endsWith(LOCK_ENDING);
}

/** Format 1 also held times, sums and a version: two branches that built anything at all changed the same lines. */
export const LOCK_SCHEMA = 2;

export interface LockedEdit {
  /** The file as people wrote it, without any task's patch; empty when there was none. */
  readonly base: ObjectId;
  /** The file as the task left it; empty when the task deleted it. */
  readonly after: ObjectId;
  /** The file as conductor left it, with the patches of all tasks. */
  readonly merged: ObjectId;
}

export interface LockedTask {
  /** The action key that today's spec gave when this was recorded. */
  readonly key: Digest;
  /** The key under which the store holds the result, when it is not `key` itself (see `nextKey`). */
  readonly resultKey?: Digest;
  /** Commit of the result in conductor's repository. */
  readonly result: ObjectId;
  /** Owned files as recorded: path to entry word. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly interface: Digest;
  /** Key of the gates that passed on exactly this result; absent when the task has none. */
  readonly gates?: Digest;
  readonly edits?: Readonly<Record<string, LockedEdit>>;
  readonly recipe: ResultRecipe;
  /** People wrote the files before the task was written: they stay when it is removed, whatever was built since. */
  readonly adopted?: true;
  /** Of code that people wrote: what its key holds without the agent and model that would build it (`handWork`). */
  readonly handWork?: Digest;
  /** What its key holds without the formatters of its files (`unformatted`). Absent: it has none. */
  readonly unformatted?: Digest;
  /** Former ids of the task, the newest last. */
  readonly formerly?: readonly string[];
  readonly agent?: string;
  readonly model?: string;
  readonly variant?: string;
  /** Of an experiment of the config's routes. */
  readonly arm?: string;
  /** What the agent was seen to read beyond the declared inputs. */
  readonly observed?: ObservedInputs;
  /** Short digests of the acceptance criteria, for the feature's version. */
  readonly acceptance: readonly string[];
  /** What else branches recorded that were merged; the next build decides which record counts. */
  readonly unmerged?: UnmergedRecords;
}

export interface UnmergedRecords {
  /** Records of the other branches. */
  readonly sides: readonly TaskRecord[];
  /** Records that the branches started from. */
  readonly bases: readonly TaskRecord[];
}

/** What was built of a task, once. */
export type TaskRecord = Omit<LockedTask, 'unmerged'>;

/** Every record of a task: its own, those of merged branches, and those that they started from. */
export function recordsOf(locked: LockedTask): readonly TaskRecord[] {
  return locked.unmerged ? [locked, ...locked.unmerged.sides, ...locked.unmerged.bases] : [locked];
}

/** Under which key the store holds what is recorded. */
export function resultKeyOf(locked: Pick<LockedTask, 'key' | 'resultKey'>): Digest {
  return locked.resultKey ?? locked.key;
}

/** Whether a task's files were people's before they were its outputs: its first record is an accepted one. */
export function isAdopted(before: TaskRecord | undefined, recipe: ResultRecipe): boolean {
  return before ? before.adopted === true : recipe === 'accepted';
}

/** Nothing of it changes unless a task does, so that branches merge task by task. */
export interface FeatureLock {
  readonly feature: string;
  /** Paths of its lock file under former names of the feature, the newest last: its versions go on from there. */
  readonly formerly?: readonly string[];
  /** As a lock of format 1 states it: versions are counted from there. */
  readonly version?: string;
  /** The file still has the conflict markers of a merge: it has to be written. */
  readonly hasMarkers?: true;
  /** There is no such file any more: this is what git's history has of it. */
  readonly isLost?: true;
  readonly tasks: Readonly<Record<string, LockedTask>>;
}

export type VersionBump = 'none' | 'patch' | 'minor' | 'major';

/** What the change from one record to the next means for the feature's version. */
export function versionBump(
  before: Readonly<Record<string, LockedTask>>,
  after: Readonly<Record<string, LockedTask>>,
): VersionBump {
  const was = criteria(underNewIds(before, after));
  const is = criteria(after);
  if ([...was].some((one) => !is.has(one))) return 'major';
  if ([...is].some((one) => !was.has(one))) return 'minor';
  const keys = (tasks: Readonly<Record<string, LockedTask>>) =>
    Object.entries(tasks)
      .map(([id, task]) => `${id} ${task.key} ${task.result}`)
      .sort()
      .join('\n');
  return keys(before) === keys(after) ? 'none' : 'patch';
}

/** Tasks by the ids that they have now. */
function underNewIds(
  before: Readonly<Record<string, LockedTask>>,
  after: Readonly<Record<string, LockedTask>>,
): Readonly<Record<string, LockedTask>> {
  const now = new Map(
    Object.entries(after).flatMap(([id, { formerly = [] }]) => formerly.map((old) => [old, id] as const)),
  );
  return Object.fromEntries(
    Object.entries(before).map(([id, task]) => [ownValue(after, id) ? id : (now.get(id) ?? id), task]),
  );
}

function criteria(tasks: Readonly<Record<string, LockedTask>>): Set<string> {
  return new Set(Object.entries(tasks).flatMap(([id, task]) => task.acceptance.map((one) => `${id} ${one}`)));
}

export function bumpVersion(version: string, bump: VersionBump): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  if (bump === 'major') return `${major + 1}.0.0`;
  if (bump === 'minor') return `${major}.${minor + 1}.0`;
  if (bump === 'patch') return `${major}.${minor}.${patch + 1}`;
  return version;
}
